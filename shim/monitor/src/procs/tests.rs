use super::{all, descendants, parent_of, parse_parent};

#[test]
fn a_name_with_parentheses_does_not_confuse() {
    assert_eq!(parse_parent("12 (a) R 3) S 7 12 12 0"), Some(7));
    assert_eq!(parse_parent("12 (x"), None);
    assert_eq!(parse_parent("12 (x) Z 7 12"), None);
}

#[test]
fn we_descend_from_our_parent() {
    let us = sys::process::id();
    let parent = parent_of(us).unwrap();
    assert!(descendants(parent, &all()).contains(&us));
    assert!(!descendants(us, &all()).contains(&parent));
}
