use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::error::Kind;

fn ipam(subnet: &str) -> Ipam {
    Ipam::new(subnet.parse().unwrap()).unwrap()
}

#[test]
fn smallest_subnet_has_one_address() {
    let mut ipam = ipam("10.1.2.0/30");
    assert_eq!(ipam.allocate().unwrap(), Ipv4Addr::new(10, 1, 2, 2));
    let full = ipam.allocate().unwrap_err();
    assert_eq!(full.kind(), Kind::Exhausted);
    let text = full.to_string();
    assert!(text.contains("10.1.2.0/30") && text.contains("larger subnet"), "{text}");
}

#[test]
fn addresses_come_back_last() {
    let mut ipam = ipam("10.1.2.0/28");
    let first = ipam.allocate().unwrap();
    ipam.release(first);
    for _ in 1..13 {
        assert_ne!(ipam.allocate().unwrap(), first);
    }
    assert_eq!(ipam.allocate().unwrap(), first);
    assert_eq!(ipam.available(), 0);
}

#[test]
fn a_slash_28_is_exhausted_and_recovered_a_hundred_times() {
    let mut ipam = ipam("10.1.2.0/28");
    for _ in 0..100 {
        let all: BTreeSet<_> = (0..13).map(|_| ipam.allocate().unwrap()).collect();
        assert_eq!(all.len(), 13);
        assert!(ipam.allocate().is_err());
        assert!(all.into_iter().all(|address| ipam.release(address)));
    }
}

#[test]
fn what_is_not_for_pods_cannot_be_reserved() {
    let mut ipam = ipam("10.1.2.0/24");
    for bad in ["10.1.2.0", "10.1.2.1", "10.1.2.255", "10.1.3.2", "10.1.1.255"] {
        assert_eq!(ipam.reserve(bad.parse().unwrap()).unwrap_err().kind(), Kind::Invalid, "{bad}");
        assert!(!ipam.release(bad.parse().unwrap()), "{bad}");
    }
    ipam.reserve("10.1.2.7".parse().unwrap()).unwrap();
    assert_eq!(ipam.reserve("10.1.2.7".parse().unwrap()).unwrap_err().kind(), Kind::Exists);
}

#[test]
fn subnets_are_checked() {
    for bad in ["10.1.2.3/24", "10.1.2.0/31", "10.1.2.0/32", "0.0.0.0/0", "127.0.0.0/8", "224.0.0.0/8"] {
        assert_eq!(Ipam::new(bad.parse().unwrap()).unwrap_err().kind(), Kind::Invalid, "{bad}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Allocate,
    Release(u8),
    Reserve(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => Just(Step::Allocate), 2 => any::<u8>().prop_map(Step::Release), 1 => any::<u8>().prop_map(Step::Reserve)]
}

proptest! {
    /// Against a plain set: never twice, never outside, exhausted only when full, counts right.
    #[test]
    fn behaves_as_a_set(prefix in 24_u8..=30, steps in prop::collection::vec(step(), 0..600)) {
        let mut ipam = ipam(&format!("10.9.8.0/{prefix}"));
        let size = (1_usize << (32 - prefix)) - 3;
        let mut model = BTreeSet::new();
        for step in steps {
            match step {
                Step::Allocate => match ipam.allocate() {
                    Ok(address) => {
                        prop_assert!(ipam.subnet.holds_pod(address));
                        prop_assert!(model.insert(address), "{address} given twice");
                    }
                    Err(_) => prop_assert_eq!(model.len(), size),
                },
                Step::Release(last) => {
                    let address = Ipv4Addr::new(10, 9, 8, last);
                    prop_assert_eq!(ipam.release(address), model.remove(&address));
                }
                Step::Reserve(last) => {
                    let address = Ipv4Addr::new(10, 9, 8, last);
                    let free = ipam.subnet.holds_pod(address) && !model.contains(&address);
                    prop_assert_eq!(ipam.reserve(address).is_ok(), free);
                    if free {
                        model.insert(address);
                    }
                }
            }
            prop_assert_eq!(ipam.available(), size - model.len());
        }
    }
}
