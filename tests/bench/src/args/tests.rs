//! Command lines that are understood, and such that are refused.
use std::path::Path;

use super::*;

fn parse(words: &[&str]) -> Result<Args> {
    let args = Args::try_parse_from(["berth-bench"].iter().chain(words))?;
    args.check()?;
    Ok(args)
}

#[test]
fn endpoints_and_what_belongs_to_them() {
    let args = parse(&[
        "peer=unix:///run/peer.sock",
        "berth=/run/berth.sock",
        "--pid=peer=42",
        "--runtime-handler=runc",
        "--runtime-handler=peer=crun",
    ])
    .unwrap();
    assert_eq!(args.endpoints[0].value.0, Path::new("/run/peer.sock"));
    assert_eq!(args.baseline_index(), 1);
    assert_eq!(find(&args.pid, "peer"), Some(&42));
    assert_eq!(find(&args.pid, "berth"), None);
    assert_eq!(args.handler_for("peer"), "crun");
    assert_eq!(args.handler_for("berth"), "runc");
}

#[test]
fn the_first_is_the_baseline_if_none_is_called_berth() {
    assert_eq!(parse(&["a=/a", "b=/b"]).unwrap().baseline_index(), 0);
    assert_eq!(parse(&["a=/a", "b=/b", "--baseline=b"]).unwrap().baseline_index(), 1);
}

#[test]
fn contradictions_are_refused() {
    assert!(parse(&[]).is_err(), "no endpoint");
    assert!(parse(&["a=/a", "a=/b"]).is_err(), "two of one name");
    assert!(parse(&["a=/a", "--pid=b=1"]).is_err(), "no such endpoint");
    assert!(parse(&["a=/a", "--pid=a=x"]).is_err(), "not a pid");
    assert!(parse(&["a/b=/a"]).is_err(), "a name that would be a path");
    assert!(parse(&["a=relative"]).is_err(), "a relative path");
    assert!(parse(&["a=/a", "--exec="]).is_err(), "an empty command");
}

#[test]
fn commands_are_words_or_json() {
    let words = |text: &str| text.parse::<Argv>().unwrap().0;
    assert_eq!(words("sleep  9"), ["sleep", "9"]);
    assert_eq!(words(r#"["sh", "-c", "a b"]"#), ["sh", "-c", "a b"]);
    assert_eq!(words(COMMAND).len(), 3);
}
