use std::fs;

use proptest::prelude::*;

use super::*;
use crate::error::Kind;

const LIST: &str = r#"{
  "cniVersion": "1.0.0", "name": "kit", "unknown": [1],
  "plugins": [
    { "type": "bridge", "mtu": 1e400, "big": 123456789012345678901234567890, "capabilities": { "ips": true, "mac": false } },
    { "type": "portmap", "name": "forged", "prevResult": {}, "capabilities": null }
  ]
}"#;

fn parse(text: &str) -> Result<NetworkConfig> {
    NetworkConfig::parse(text.to_owned())
}

#[test]
fn a_list_is_read() {
    let network = parse(LIST).unwrap();
    assert_eq!((network.name().as_str(), network.version()), ("kit", Version::V1_0_0));
    assert_eq!(network.plugins().collect::<Vec<_>>(), ["bridge", "portmap"]);
    let [bridge, portmap] = &network.plugins[..] else { panic!("two plugins") };
    assert_eq!(bridge.capabilities, ["ips".to_owned()].into());
    assert_eq!(bridge.fields["mtu"].get(), "1e400");
    assert_eq!(bridge.fields["big"].get(), "123456789012345678901234567890");
    assert!(!bridge.fields.contains_key("capabilities"));
    assert_eq!(portmap.fields.keys().collect::<Vec<_>>(), ["type"]);
}

#[test]
fn a_single_plugin_is_a_list_of_one() {
    let network = parse(r#"{"cniVersion":"0.3.1","name":"one","type":"ptp","ipam":{"type":"x"}}"#).unwrap();
    assert_eq!(network.plugins().collect::<Vec<_>>(), ["ptp"]);
    assert_eq!(network.plugins[0].fields["ipam"].get(), r#"{"type":"x"}"#);
}

#[test]
fn the_newest_known_version_is_spoken() {
    let version = |text: &str| {
        parse(&format!(r#"{{{text} "name":"n","plugins":[{{"type":"x"}}]}}"#))
            .map(|network| network.version())
    };
    assert_eq!(version(r#""cniVersion":"0.4.0","#).unwrap(), Version::V0_4_0);
    let many = r#""cniVersion":"0.4.0","cniVersions":["0.4.0","1.1.0","9.0.0"],"#;
    assert_eq!(version(many).unwrap(), Version::V1_1_0);
    for bad in ["", r#""cniVersion":"0.2.0","#, r#""cniVersion":"1.2.0","#, r#""cniVersion":"","#] {
        let error = version(bad).unwrap_err();
        assert!(error.to_string().contains("1.1.0"), "{error}");
    }
}

#[test]
fn types_cannot_leave_their_directory() {
    for bad in ["", ".", "..", "../bin/x", "/bin/x", "a/b", "a b", ".hidden", "-x", "a\\u0000", "a\\n"] {
        let text = format!(r#"{{"cniVersion":"1.0.0","name":"n","plugins":[{{"type":"{bad}"}}]}}"#);
        assert_eq!(parse(&text).unwrap_err().kind(), Kind::Invalid, "{bad}");
    }
}

#[test]
fn nonsense_is_refused() {
    let many = format!(
        r#"{{"cniVersion":"1.0.0","name":"n","plugins":[{}{{"type":"x"}}]}}"#,
        r#"{"type":"x"},"#.repeat(32)
    );
    for bad in [
        "",
        "{",
        "[]",
        "null",
        r#"{"cniVersion":"1.0.0","name":"n","plugins":[]}"#,
        r#"{"cniVersion":"1.0.0","name":"n","plugins":[{}]}"#,
        r#"{"cniVersion":"1.0.0","name":"n","plugins":[{"type":7}]}"#,
        r#"{"cniVersion":"1.0.0","name":"../n","plugins":[{"type":"x"}]}"#,
        r#"{"cniVersion":"1.0.0","plugins":[{"type":"x"}]}"#,
        r#"{"cniVersion":"1.0.0","name":"n"}"#,
        &many,
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

/// What is only passed on is not descended into, so its depth is the plugin's business.
#[test]
fn depth_costs_nothing() {
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let list = format!(r#"{{"cniVersion":"1.0.0","name":"n","plugins":[{{"type":"x","a":{open}{close}}}]}}"#);
    assert!(parse(&list).is_ok());
    assert!(parse(&open).is_err());
}

#[test]
fn the_first_good_file_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    assert!(load(&path.join("missing")).unwrap().network.is_none());
    assert!(load(path).unwrap().network.is_none());
    fs::write(path.join("00-half.conflist"), &LIST[..40]).unwrap();
    fs::create_dir(path.join("01-dir.conf")).unwrap();
    fs::write(path.join("02-huge.conf"), vec![b' '; FILE_MAX as usize + 1]).unwrap();
    fs::write(path.join("03-latin.conf"), b"\xff").unwrap();
    fs::write(path.join("04-open.conf"), LIST).unwrap();
    let mode: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(path.join("04-open.conf"), mode).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path.join("05-endless.json")).unwrap();
    std::os::unix::fs::symlink("nowhere", path.join("06-dangling.json")).unwrap();
    fs::write(path.join("07-good.conflist.bak"), LIST).unwrap();
    let loaded = load(path).unwrap();
    assert!(loaded.network.is_none());
    assert_eq!(loaded.problems.len(), 7, "{:?}", loaded.problems);
    fs::write(path.join("10-good.conflist"), LIST).unwrap();
    fs::write(path.join("20-other.conf"), LIST.replace("kit", "other")).unwrap();
    let loaded = load(path).unwrap();
    assert_eq!(loaded.network.unwrap().name().as_str(), "kit");
    assert_eq!(loaded.path.unwrap(), path.join("10-good.conflist"));
}

proptest! {
    #[test]
    fn garbage_is_survived(text in "\\PC{0,200}") {
        let _ = NetworkConfig::parse(text);
    }

    #[test]
    fn changed_bytes_are_survived(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = LIST.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(text) = String::from_utf8(bytes) {
            let _ = NetworkConfig::parse(text);
        }
    }
}
