//! Proof on bad input: length and first line.

use super::*;

fn rust(lines: usize) -> Vec<File> {
    vec![File::new("a/src/x.rs", &"//! What a file is for.\n".repeat(lines))]
}

fn allowed(lines: usize, reason: &'static str) -> [Exception; 1] {
    [Exception { file: "a/src/x.rs", lines, reason }]
}

#[test]
fn a_file_of_just_the_limit_passes_and_one_line_more_is_found() {
    assert_eq!(length(&rust(LIMIT), &[]), []);
    assert!(length(&rust(LIMIT + 1), &[])[0].text.contains("401 lines"));
}

#[test]
fn a_protocol_file_is_held_to_the_same_limit() {
    let file = [File::new("proto/a.proto", &"message A {}\n".repeat(LIMIT + 1))];
    assert_eq!(length(&file, &[]).len(), 1);
}

#[test]
fn an_exception_may_only_shrink_and_then_goes() {
    assert_eq!(length(&rust(450), &allowed(450, "one table")), []);
    assert!(length(&rust(451), &allowed(450, "one table"))[0].text.contains("only shrink"));
    assert!(length(&rust(430), &allowed(450, "one table"))[0].text.contains("lower its exception"));
    assert!(length(&rust(400), &allowed(450, "one table"))[0].text.contains("take it off"));
}

#[test]
fn an_exception_for_nothing_or_without_reason_is_found() {
    assert!(length(&[], &allowed(450, "one table"))[0].text.contains("does not exist"));
    assert!(length(&rust(450), &allowed(450, ""))[0].text.contains("needs a reason"));
}

#[test]
fn a_first_line_that_says_nothing_is_found() {
    for bad in [
        "",
        "use std::fs;\n",
        "//!\n",
        "//! \n",
        "//! x\n",
        "/// Not the file's own.\n",
        "//! Placeholder.\n",
    ] {
        assert_eq!(first_line(&[File::new("a.rs", bad)]).len(), 1, "{bad:?}");
    }
    let good = [
        File::new("a.rs", "//! Reads the clock.\n"),
        File::new("b.rs", "#![expect(unsafe_code, reason = \"setns(2)\")]\n//! Enters namespaces.\n"),
        File::new("b/tests.rs", "use super::*;\n"),
        File::new("a.md", "# no\n"),
    ];
    assert_eq!(first_line(&good), []);
}
