//! Log paths, CRI-03.
use super::*;

fn of(directory: &str, file: &str) -> Result<Option<LogPath>> {
    let pod = cri::PodSandboxConfig { log_directory: directory.into(), ..Default::default() };
    log_path(&pod, &cri::ContainerConfig { log_path: file.into(), ..Default::default() })
}

#[test]
fn good_paths_are_cleaned() {
    for (file, clean) in
        [("web/0.log", "web/0.log"), ("./web//./0.log", "web/0.log"), ("a..b", "a..b"), ("x.", "x.")]
    {
        let expected = LogPath { directory: "/var/log/pods/p".into(), file: clean.into() };
        assert_eq!(of("/var/log//pods/p/", file).unwrap(), Some(expected), "{file}");
    }
    assert_eq!(of("", "x").unwrap(), None);
    assert_eq!(of("/var/log", "").unwrap(), None);
}

#[test]
fn no_path_leaves_the_directory() {
    for file in [
        "../x",
        "a/../../x",
        "a/..",
        "..",
        ".",
        "./",
        "/etc/passwd",
        "a\nb",
        "a\0",
        "a/",
        "a/.",
        &"x/".repeat(3000),
    ] {
        assert!(of("/var/log", file).is_err(), "{file:?}");
    }
    for directory in ["var/log", "/var/../etc", "/var\n", "/var/\0"] {
        assert!(of(directory, "x").is_err(), "{directory:?}");
    }
}
