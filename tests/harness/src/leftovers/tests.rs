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

#[test]
fn a_slot_is_not_taken_for_another_whose_number_begins_the_same() {
    use super::processes::names;
    let dir = "/tmp/berth-test/1";
    for text in [
        "--root\0/tmp/berth-test/1/root\0",
        "/tmp/berth-test/1",
        "upperdir=/tmp/berth-test/1,x",
        "a /tmp/berth-test/1 b",
    ] {
        assert!(names(text.as_bytes(), dir), "{text:?}");
    }
    for text in ["--root\0/tmp/berth-test/10/root\0", "/tmp/berth-test/123", "/tmp/berth-test/", ""] {
        assert!(!names(text.as_bytes(), dir), "{text:?}");
    }
    assert!(names(b"/tmp/berth-test/10/x:/tmp/berth-test/1/y", dir));
}
