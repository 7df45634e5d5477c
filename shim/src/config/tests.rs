use super::*;

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("berth.toml");
    std::fs::write(&path, "root = \"/srv/berth\"\n\n[network]\nbrdge = \"x0\"\n").unwrap();
    let text = format!("{:#}", Config::load(&path, true).unwrap_err());
    assert!(text.contains("brdge") && text.contains("line 4"), "{text}");
}

#[test]
fn a_missing_file_is_the_defaults_unless_asked_for() {
    let path = Path::new("/nonexistent/berth.toml");
    assert_eq!(Config::load(path, false).unwrap().network.bridge, "berth0");
    assert!(Config::load(path, true).is_err());
}

#[test]
fn what_is_printed_reads_back_the_same() {
    let config = Config::default().resolve().unwrap();
    let again: Config = toml::from_str(&config.print().unwrap()).unwrap();
    assert_eq!(again.print().unwrap(), config.print().unwrap());
    assert_eq!(config.socket, Path::new("/run/berth/berth.sock"));
}

#[test]
fn a_bridge_name_that_no_interface_can_have_is_refused() {
    let mut config = Config::default();
    config.network.bridge = "much-too-long-for-linux".into();
    assert!(config.resolve().is_err());
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    let mut config = Config::default();
    config.streaming.tls_cert = "/etc/berth/streaming.pem".into();
    assert!(config.clone().resolve().is_err());
    config.streaming.tls_key = "/etc/berth/streaming.key".into();
    config.resolve().unwrap();
}

#[test]
fn the_sample_has_every_setting_with_its_default() {
    let sample: toml::Table = toml::from_str(include_str!("../../../deploy/berth.toml")).unwrap();
    let printed: toml::Table = toml::from_str(&Config::default().print().unwrap()).unwrap();
    assert_eq!(sample, printed);
}
