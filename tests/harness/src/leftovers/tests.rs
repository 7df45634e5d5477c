use super::*;

fn of(things: &[&str]) -> Leftovers {
    Leftovers { things: things.iter().map(|thing| (*thing).to_owned()).collect() }
}

#[test]
fn only_what_is_new_is_beyond() {
    assert_eq!(of(&["a", "b"]).beyond(&of(&["a", "c"])), ["b"]);
    assert!(of(&["a"]).beyond(&of(&["a", "b"])).is_empty());
}

#[test]
fn what_a_test_allows_is_kept() {
    assert_eq!(of(&["file a", "link b"]).only(|thing| thing.starts_with("file ")), of(&["file a"]));
}
