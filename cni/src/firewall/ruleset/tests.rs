use super::*;

/// The same file is compared with what `nft` lists of a kernel that was given this ruleset.
#[test]
fn prints_as_nft_does() {
    let bridge = IfName::parse("berth0").unwrap();
    let ruleset = Ruleset::new("berth", &bridge, "10.77.0.0/24".parse().unwrap());
    assert_eq!(ruleset.to_string(), include_str!("../../../tests/golden/ruleset.nft"));
}
