use super::*;

#[test]
fn paths_that_leave_the_group_are_refused() {
    for bad in ["", "/", "..", "a/..", "a/../b", "./a", "/a/./b", "a\nb", "a/\u{7f}"] {
        assert!(components(bad).is_err(), "{bad:?}");
    }
    assert!(components(&"x".repeat(256)).is_err());
}

#[test]
fn slashes_at_the_ends_do_not_matter() {
    assert_eq!(components("/kubepods/pod-1//abc/").unwrap(), ["kubepods", "pod-1", "abc"]);
    assert_eq!(components("/kubepods.slice/x..y").unwrap(), ["kubepods.slice", "x..y"]);
}
