use super::*;

#[test]
fn what_plugins_say_is_heard() {
    let said =
        |stdout: &str, stderr: &str| Failure::read(1, stdout.as_bytes(), stderr.as_bytes()).to_string();
    assert_eq!(said(r#"{"cniVersion":"1.0.0","code":11,"msg":"try again"}"#, "noise"), "error 11: try again");
    assert_eq!(said(r#"{"code":7,"msg":"bad","details":"very"}"#, ""), "error 7: bad; very");
    assert_eq!(said("{", "panic:\n\tat once\n"), "exit status 1: panic:  at once");
    assert_eq!(said("", ""), "exit status 1, without a word");
    assert_eq!(said(r#"{"msg":"no code"}"#, "x"), "exit status 1: x");
    assert_eq!(said("", &"é\u{1b}[31m".repeat(9999)).chars().count(), SHOWN + "exit status 1: ".len());
}
