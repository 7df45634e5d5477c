//! Log paths, CRI-03.
use proptest::prelude::*;

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

proptest! {
    #[test]
    fn whatever_is_accepted_stays_below(file in "[a-z./\\n\\x00 -]{1,20}", directory in "[/a.]{1,8}") {
        if let Ok(Some(path)) = of(&directory, &file) {
            prop_assert!(path.directory.is_absolute() && path.file.is_relative());
            let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_) | Component::RootDir));
            prop_assert!(plain(&path.directory) && plain(&path.file) && path.file.file_name().is_some());
        }
    }
}
