//! Image configs: what is read, what is bounded, what is refused.

use super::*;

const ID: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn parsed(config: &str) -> Result<Parsed> {
    let text = format!(
        r#"{{"os":"linux","architecture":"amd64","created":"2020-01-01T00:00:00Z","config":{config},"rootfs":{{"type":"layers","diff_ids":["{ID}"]}}}}"#
    );
    parse("config", text.as_bytes(), 1)
}

#[test]
fn everything_is_read() {
    let config = parsed(
        r#"{"User":"1000:1000","Env":["A=b","A=c","odd"],"Entrypoint":["/bin/x"],"Cmd":["y","z"],"WorkingDir":"/w",
            "Volumes":{"/v":{},"/a":{}},"StopSignal":"SIGQUIT","Labels":{"k":"v","n":null},"ExposedPorts":{"80/tcp":{}},
            "Healthcheck":{"Test":["NONE"]},"OnBuild":null}"#,
    )
    .unwrap();
    assert_eq!(config.diff_ids, [DiffId(ID.parse().unwrap())]);
    assert_eq!(config.platform, Some(Platform::new("linux", "amd64", "")));
    let labels = BTreeMap::from([("k".to_owned(), "v".to_owned()), ("n".to_owned(), String::new())]);
    let strings = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let expected = ImageConfig {
        user: "1000:1000".to_owned(),
        env: strings(&["A=b", "A=c", "odd"]),
        entrypoint: strings(&["/bin/x"]),
        cmd: strings(&["y", "z"]),
        working_dir: "/w".to_owned(),
        volumes: strings(&["/a", "/v"]),
        stop_signal: "SIGQUIT".to_owned(),
        labels,
        exposed_ports: strings(&["80/tcp"]),
        created: Some("2020-01-01T00:00:00Z".to_owned()),
    };
    assert_eq!(config.config, expected);
}

#[test]
fn nulls_and_absence_mean_nothing() {
    let nulls = r#"{"User":null,"Env":null,"Entrypoint":null,"Cmd":null,"WorkingDir":null,"Volumes":null,"Labels":null,"ExposedPorts":null}"#;
    for config in [nulls, "{}", "null"] {
        let mut parsed = parsed(config).unwrap().config;
        parsed.created = None;
        assert_eq!(parsed, ImageConfig::default());
    }
    let bare = parse("config", br#"{"rootfs":{"diff_ids":null}}"#, 0).unwrap();
    assert_eq!((bare.platform, bare.diff_ids.len()), (None, 0));
}

#[test]
fn bounds() {
    let long = format!(r#"{{"Labels":{{"a":"{}","b":"c"}}}}"#, "x".repeat(5000));
    assert_eq!(parsed(&long).unwrap().config.labels.len(), 1, "a label over 4 KiB is left out");
    let labels: Vec<String> = (0..3000).map(|n| format!(r#""l{n}":"""#)).collect();
    assert_eq!(
        parsed(&format!(r#"{{"Labels":{{{}}}}}"#, labels.join(","))).unwrap().config.labels.len(),
        1024
    );
    let env = format!(r#"{{"Env":[{}"x"]}}"#, r#""x","#.repeat(10_000));
    assert!(parsed(&env).is_err());
}

#[test]
fn refused() {
    for config in [
        r#"{"User":5}"#,
        r#"{"Env":"A=b"}"#,
        r#"{"Env":["A=b\u0000c"]}"#,
        r#"{"WorkingDir":"/\u0000"}"#,
        r#"{"Volumes":{"/\u0000":{}}}"#,
        r#"{"User":"a","User":"root"}"#,
    ] {
        assert!(parsed(config).is_err(), "{config}");
    }
    let ids = |text: &str, layers| {
        parse("config", format!(r#"{{"rootfs":{{"diff_ids":[{text}]}}}}"#).as_bytes(), layers)
    };
    assert!(ids("", 0).is_ok());
    for (text, layers) in [("", 1), (r#""sha256:x""#, 1), (r#""""#, 1), (r#"5"#, 1)] {
        assert!(ids(text, layers).is_err(), "{text}");
    }
    assert!(parse("config", b"{}", 1).is_err());
    assert!(parse("config", b"[]", 0).is_err());
}
