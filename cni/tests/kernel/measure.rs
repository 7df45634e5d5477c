//! Measurements, not tests: `cargo test --release -p cni --test kernel -- --ignored --nocapture measure`.
//!
//! Numbers are microseconds; other work on the machine makes them larger, never smaller, so the lowest and the middle count.

#![expect(clippy::print_stdout, reason = "a measurement is for people")]

use std::time::{Duration, Instant};

use cni::PortMapping;

use crate::node::{Netns, Node, address, id, tcp};

const ROUNDS: u8 = 100;

#[test]
#[ignore = "a measurement"]
fn measure_attach_and_detach() {
    for ports in [&[][..], &[tcp(8080, 80)]] {
        measure(ports);
    }
}

fn measure(ports: &[PortMapping]) {
    let node = Node::new();
    let (mut attach, mut detach) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let last = round + 2;
        let pod = Netns::new();
        let start = Instant::now();
        node.builtin.attach(&id(last), address(last), pod.sandbox(), ports).unwrap();
        attach.push(start.elapsed());
        let start = Instant::now();
        node.builtin.detach(&id(last), ports).unwrap();
        detach.push(start.elapsed());
        drop(pod);
        // Teardown of namespaces holds the lock every request here needs: let it be over.
        while node.builtin.list_host_interfaces().unwrap().iter().any(|name| name.starts_with("bv")) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    println!("{} hostPorts: attach {}, detach {}", ports.len(), quantiles(attach), quantiles(detach));
}

fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
    format!("min {} p50 {} p90 {}", at(0), at(50), at(90))
}
