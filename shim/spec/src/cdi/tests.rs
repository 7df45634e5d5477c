//! CDI files and names, good and bad, and what they become.

use super::*;
use crate::{
    Found, Kind, build, lower,
    testing::{Case, device},
};

const ACME: &str = r#"{
  "cdiVersion": "0.6.0", "kind": "acme.com/widget", "annotations": {"x": "y"},
  "containerEdits": {"env": ["ACME=all"]},
  "devices": [
    {"name": "0", "annotations": {}, "containerEdits": {
      "env": ["FIRST=yes", "GREETING=replaced"],
      "deviceNodes": [
        {"path": "/dev/acme0", "hostPath": "/dev/fuse", "permissions": "r", "uid": 7, "fileMode": 384},
        {"path": "/dev/late", "type": "b", "major": 240, "minor": 3}
      ],
      "mounts": [{"hostPath": "/lib/acme.so", "containerPath": "/usr/lib/acme.so", "options": ["ro", "nosuid"]}],
      "additionalGids": [44]
    }},
    {"name": "1", "containerEdits": {"env": ["SECOND=yes"]}}
  ]
}"#;

fn registry(files: &[(&str, usize, &str)]) -> Registry {
    let mut registry = Registry::default();
    for (path, rank, text) in files {
        match parse(text.as_bytes(), Format::Json) {
            Ok(document) => registry.add(path.into(), *rank, document),
            Err(why) => registry.unreadable(path.as_ref(), &why),
        }
    }
    registry
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn case(names_asked: &[&str]) -> Case {
    let cdi = registry(&[("/etc/cdi/acme.json", 0, ACME)]).resolve(&names(names_asked)).unwrap();
    let mut case = Case { cdi, ..Case::default() };
    case.host.found.insert("/dev/fuse".into(), Found::Node(device("/dev/fuse", 10, 229, 0o666)));
    case
}

#[test]
fn names_come_from_the_field_and_from_annotations_once() {
    let mut container = cri::ContainerConfig {
        cdi_devices: vec![cri::CdiDevice { name: "acme.com/widget=0".into() }],
        ..Default::default()
    };
    container.annotations.insert("cdi.k8s.io/b".into(), "acme.com/widget=1, acme.com/widget=0".into());
    container.annotations.insert("cdi.k8s.io/a".into(), "b.c/d.e=f:1".into());
    container.annotations.insert("other/cdi.k8s.io/".into(), "no name at all".into());
    assert_eq!(asked(&container).unwrap(), ["acme.com/widget=0", "b.c/d.e=f:1", "acme.com/widget=1"]);
    for bad in [
        "", "x", "a/b", "a/b=", "=c", "/b=c", "a/=c", "1a/b=c", "a/b=-c", "a/b=c-", "a/b/c=d", "a/b=../c",
        "a/b=c\n",
    ] {
        container.cdi_devices[0].name = bad.into();
        assert_eq!(asked(&container).unwrap_err().kind(), Kind::Invalid, "{bad:?}");
    }
}

#[test]
fn edits_of_the_file_come_once_and_first() {
    let registry = registry(&[("/etc/cdi/acme.json", 0, ACME)]);
    let found = registry.resolve(&names(&["acme.com/widget=1", "acme.com/widget=0"])).unwrap();
    assert_eq!(found.iter().map(|device| device.edits.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(found[0].edits[0].env, ["ACME=all"]);
}

#[test]
fn what_is_missing_or_there_twice_is_told() {
    let other = ACME.replace("all", "other");
    let both = registry(&[("/etc/cdi/a", 0, ACME), ("/run/cdi/b", 1, &other), ("/run/cdi/c", 1, "{")]);
    let found = both.resolve(&names(&["acme.com/widget=0"])).unwrap();
    assert_eq!(found[0].edits[0].env, ["ACME=other"], "the later directory counts");
    let missing = both.resolve(&names(&["acme.com/widget=7"])).unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound);
    let text = missing.to_string();
    assert!(text.contains("0, 1") && text.contains("/run/cdi/c"), "{text}");
    let twice = registry(&[("/etc/cdi/a", 0, ACME), ("/etc/cdi/b", 0, ACME)]);
    let text = twice.resolve(&names(&["acme.com/widget=0"])).unwrap_err().to_string();
    assert!(text.contains("/etc/cdi/a") && text.contains("/etc/cdi/b"), "{text}");
}

#[test]
fn yaml_and_json_are_the_same() {
    let yaml = "cdiVersion: '1.0.0'\nkind: a.b/c\ndevices:\n- name: x\n  containerEdits:\n    env: [A=1]\n    deviceNodes:\n    - {path: /dev/x, fileMode: 0o600}\n";
    let json = r#"{"cdiVersion":"1.0.0","kind":"a.b/c","devices":[{"name":"x","containerEdits":{"env":["A=1"],"deviceNodes":[{"path":"/dev/x","fileMode":384}]}}]}"#;
    let document = parse(yaml.as_bytes(), Format::Yaml).unwrap();
    assert_eq!(document, parse(json.as_bytes(), Format::Json).unwrap());
    assert_eq!(document, parse(json.as_bytes(), Format::Yaml).unwrap());
}

#[test]
fn files_that_say_something_else_are_refused() {
    let with = |from: &str, to: &str| ACME.replacen(from, to, 1);
    let bombs = (1..10).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        text + &format!("a{level}: &a{level} [{below}]\n")
    });
    for bad in [
        String::new(),
        "{".into(),
        "null".into(),
        with("0.6.0", "2.0.0"),
        with("0.6.0", "six"),
        with("acme.com/widget", "acme.com"),
        with("acme.com/widget", "../widget"),
        with("\"name\": \"1\"", "\"name\": \"0\""),
        with("\"name\": \"1\"", "\"name\": \"a b\""),
        with("ACME=all", "ACME"),
        with("ACME=all", "=all"),
        with("ACME=all", "ACME=\\u0000"),
        with("\"uid\"", "\"uidd\""),
        with("\"uid\": 7", "\"uid\": -7"),
        "[".repeat(100_000),
        format!(
            "{{\"cdiVersion\":\"0.6.0\",\"kind\":\"a.b/c\",\"annotations\":{}1{}}}",
            "[".repeat(5000),
            "]".repeat(5000)
        ),
        bombs,
    ] {
        assert!(parse(bad.as_bytes(), Format::Json).is_err(), "{bad:.80}");
        assert!(parse(bad.as_bytes(), Format::Yaml).is_err(), "{bad:.80}");
    }
    assert!(parse(b"\xff", Format::Yaml).is_err());
}

#[test]
fn edits_reach_the_plan() {
    let case = case(&["acme.com/widget=0"]);
    let input = case.input();
    let plan = lower(&build(&input).unwrap(), &input).unwrap();
    let process = plan.process.unwrap();
    let has = |entry: &str| process.env.iter().any(|known| known == entry.as_bytes());
    assert!(has("ACME=all") && has("FIRST=yes") && has("GREETING=replaced") && !has("GREETING=hello"));
    assert!(process.additional_gids.contains(&44));
    let node = |path: &str| plan.devices.iter().find(|device| device.path == path).unwrap();
    let fuse = node("/dev/acme0");
    assert_eq!((fuse.major, fuse.minor, fuse.mode, fuse.uid), (10, 229, 0o600, 7));
    let late = node("/dev/late");
    assert_eq!((late.r#type, late.major, late.minor), (u32::from('b'), 240, 3));
    let library = plan.mounts.iter().find(|mount| mount.destination == "/usr/lib/acme.so").unwrap();
    assert_eq!((library.source.as_str(), library.attributes, library.recursive), ("/lib/acme.so", 3, false));
    let spec = build(&input).unwrap();
    let rules = spec.linux().as_ref().unwrap().resources().as_ref().unwrap().devices().clone().unwrap();
    let rules: Vec<String> = rules.iter().rev().take(2).map(ToString::to_string).collect();
    assert_eq!(rules, ["b 240:3 rwm", "c 10:229 r"]);
}

#[test]
fn what_berth_does_not_do_and_what_no_container_may_have_is_refused() {
    for (edits, kind) in [
        (r#"{"hooks": [{"hookName": "createRuntime", "path": "/bin/true"}]}"#, Kind::Unsupported),
        (r#"{"netDevices": [{"hostInterfaceName": "eth1", "name": "eth0"}]}"#, Kind::Unsupported),
        (r#"{"intelRdt": {"closID": "x"}}"#, Kind::Unsupported),
        (r#"{"deviceNodes": [{"path": "/dev/absent"}]}"#, Kind::NotFound),
        (r#"{"deviceNodes": [{"path": "/proc/x", "hostPath": "/dev/fuse"}]}"#, Kind::Invalid),
        (r#"{"deviceNodes": [{"path": "/dev/../x", "hostPath": "/dev/fuse"}]}"#, Kind::Invalid),
        (
            r#"{"deviceNodes": [{"path": "/dev/x", "hostPath": "/dev/fuse", "permissions": "rx"}]}"#,
            Kind::Invalid,
        ),
        (r#"{"deviceNodes": [{"path": "/dev/x", "hostPath": "/dev/fuse", "type": "b"}]}"#, Kind::Invalid),
        (r#"{"deviceNodes": [{"path": "/dev/x", "type": "p", "major": 1, "minor": 1}]}"#, Kind::Invalid),
        (r#"{"deviceNodes": [{"path": "/dev/x", "type": "c", "major": -1, "minor": 1}]}"#, Kind::Invalid),
        (r#"{"mounts": [{"hostPath": "/absent", "containerPath": "/x"}]}"#, Kind::NotFound),
        (r#"{"mounts": [{"hostPath": "/lib/acme.so", "containerPath": "/proc/1"}]}"#, Kind::Invalid),
        (r#"{"mounts": [{"hostPath": "/lib/acme.so", "containerPath": "/"}]}"#, Kind::Invalid),
        (
            r#"{"mounts": [{"hostPath": "/lib/acme.so", "containerPath": "/x", "type": "ext4"}]}"#,
            Kind::Invalid,
        ),
    ] {
        let text = format!(
            r#"{{"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{{"name":"x","containerEdits":{edits}}}]}}"#
        );
        let mut case = case(&[]);
        case.cdi = registry(&[("/etc/cdi/x.json", 0, &text)]).resolve(&names(&["a.b/c=x"])).unwrap();
        let refused = build(&case.input()).map(|_| ()).unwrap_err();
        assert_eq!(refused.kind(), kind, "{edits}: {refused}");
    }
}
