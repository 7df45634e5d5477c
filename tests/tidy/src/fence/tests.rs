//! Proof on bad input: the fence around unsafe code.

use super::*;

fn found(path: &str, text: &str) -> usize {
    fence(&[File::new(path, text)]).len()
}

#[test]
fn system_calls_outside_sys_are_found() {
    for section in
        ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
    {
        let manifest = format!("[{section}]\nlibc = {{ workspace = true }}\n");
        assert_eq!(found("shim/Cargo.toml", &manifest), 1, "{section}");
    }
    assert_eq!(found("sys/Cargo.toml", "[dependencies]\nlibc = \"0.2\"\n"), 0);
    assert_eq!(found("Cargo.toml", "[workspace.dependencies]\nlibc = \"0.2\"\n"), 0);
}

#[test]
fn unsafe_code_outside_sys_is_found() {
    for bad in [
        "unsafe { f() }",
        "pub unsafe fn f() {}",
        "unsafe impl Send for X {}",
        "#![expect(unsafe_code, reason = \"x\")]",
    ] {
        assert_eq!(found("cni/src/x.rs", bad), 1, "{bad}");
        assert_eq!(found("sys/src/x.rs", bad), 0, "{bad}");
    }
}

#[test]
fn talk_of_unsafe_is_not_unsafe() {
    for good in
        ["// unsafe only in sys", "let text = \"unsafe\";", "not_unsafe();", "#![forbid(unsafe_code)]"]
    {
        assert_eq!(found("cni/src/x.rs", good), 0, "{good}");
    }
}
