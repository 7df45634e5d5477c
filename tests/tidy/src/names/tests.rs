//! Proof on bad input: names.

use super::*;

#[test]
fn names_that_mean_everything_are_found_as_file_and_as_folder() {
    for bad in [
        "a/src/utils.rs",
        "a/src/common/mod.rs",
        "a/src/types.rs",
        "a/src/run_inner.rs",
        "tests/helpers/src/x.rs",
    ] {
        assert_eq!(names(&[File::new(bad, "")]).len(), 1, "{bad}");
    }
}

#[test]
fn names_that_say_something_pass() {
    for good in ["a/src/pod/stop.rs", "a/src/utilisation.rs", "docs/misc.md"] {
        assert_eq!(names(&[File::new(good, "")]), [], "{good}");
    }
}
