use std::os::unix::fs::PermissionsExt;

use super::*;

fn names() -> (AttachmentId, IfName) {
    (AttachmentId::parse("0123456789ab").unwrap(), IfName::parse("eth0").unwrap())
}

fn entry() -> Entry {
    let (id, interface) = names();
    Entry::new(&id, &interface, "{}".to_owned(), "A=1".to_owned(), vec![("dns".to_owned(), "{}".to_owned())])
}

#[test]
fn entries_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("a/b"));
    let (id, interface) = names();
    assert_eq!(cache.get(&id, &interface).unwrap(), None);
    assert!(cache.list().unwrap().is_empty());
    cache.remove(&id, &interface).unwrap();
    let mut entry = entry();
    cache.put(&entry).unwrap();
    entry.result = Some("{\"a\":1}".to_owned());
    cache.put(&entry).unwrap();
    assert_eq!(cache.get(&id, &interface).unwrap(), Some(entry.clone()));
    assert_eq!(cache.list().unwrap(), [entry]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cache.0), 0o700);
    assert_eq!(mode(&cache.0.join("0123456789ab-eth0.json")), 0o600);
    cache.remove(&id, &interface).unwrap();
    assert_eq!(fs::read_dir(&cache.0).unwrap().count(), 0);
}

#[test]
fn torn_and_newer_entries_are_errors_but_do_not_hide_others() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().to_owned());
    let (id, interface) = names();
    let path = cache.0.join(file_name(id.as_str(), interface.as_str()));
    for bad in ["", "{", "{\"format\":1}"] {
        fs::write(&path, bad).unwrap();
        assert!(cache.get(&id, &interface).is_err(), "{bad}");
    }
    let newer = serde_json::to_string(&Entry { format: 2, ..entry() }).unwrap();
    fs::write(&path, newer).unwrap();
    assert!(cache.get(&id, &interface).unwrap_err().to_string().contains("0123456789ab"));
    let other = Entry { id: "ba9876543210".to_owned(), ..entry() };
    cache.put(&other).unwrap();
    assert_eq!(cache.list().unwrap(), [other]);
}
