//! Removal on plain directories, which go by the same calls.
use super::*;

fn place(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("berth-cgroup-remove-{name}-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn a_deep_and_a_wide_tree_go() {
    let dir = place("deep");
    let mut at: OwnedFd = fs::File::open(&dir).unwrap().into();
    for _ in 0..3000 {
        at::make_dir(at.as_fd(), b"nested", 0o755).unwrap();
        at = at::open_dir(at.as_fd(), b"nested").unwrap();
    }
    for n in 0..300 {
        fs::create_dir_all(dir.join(format!("wide-{n}/below"))).unwrap();
    }
    tree(&dir, deadline() + Duration::from_secs(60), || {}).unwrap();
    tree(&dir, deadline(), || {}).unwrap();
    assert!(!dir.exists());
}

#[test]
fn what_stays_busy_is_reported_and_killed_for_meanwhile() {
    let dir = place("busy");
    fs::create_dir_all(dir.join("a/b")).unwrap();
    fs::write(dir.join("a/b/like-a-process"), "").unwrap();
    let mut kills = 0;
    let error = tree(&dir, Instant::now() + Duration::from_millis(100), || kills += 1).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!((1..1000).contains(&kills), "{kills}");
    fs::remove_file(dir.join("a/b/like-a-process")).unwrap();
    tree(&dir, deadline(), || {}).unwrap();
}
