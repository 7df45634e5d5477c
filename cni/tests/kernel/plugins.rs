//! CNI networks with fake plugins: scripts that log how they were called and behave as the test says.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cni::{
    AttachmentId, Error, Failure, IfName, Kind,
    chain::{Attachment, Chain},
    conf::NetworkConfig,
    result::AddResult,
    runtime_config::RuntimeConfig,
};

use crate::node::{Netns, tcp};

/// Directories, a pod and fake plugins.
struct World {
    dir: tempfile::TempDir,
    pod: Netns,
    timeout: Duration,
}

const GOOD: &str = r#"echo '{"cniVersion":"1.0.0","ips":[{"address":"10.9.0.2/24"}]}'"#;

impl World {
    fn new() -> Self {
        let world =
            Self { dir: tempfile::tempdir().unwrap(), pod: Netns::new(), timeout: Duration::from_secs(20) };
        fs::create_dir(world.bin()).unwrap();
        world
    }

    fn bin(&self) -> PathBuf {
        self.dir.path().join("bin")
    }

    /// A plugin that logs each call and then does `on_add` or `on_del`.
    fn plugin(&self, name: &str, on_add: &str, on_del: &str) {
        let log = self.dir.path().join("log");
        let script = format!(
            "#!/bin/sh\necho \"{name} $CNI_COMMAND\" >> {log}\nenv > {log}.env.{name}.$CNI_COMMAND\n\
             cat > {log}.stdin.{name}.$CNI_COMMAND\ncase $CNI_COMMAND in\nADD) {on_add};;\n*) {on_del};;\nesac\n",
            log = log.display()
        );
        fs::write(self.bin().join(name), script).unwrap();
        self.mode(name, 0o755);
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.bin().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn chain(&self) -> Chain {
        Chain::new(
            vec![self.dir.path().join("none"), self.bin()],
            self.dir.path().join("cache"),
            self.timeout,
        )
    }

    fn add(&self, network: &NetworkConfig) -> cni::Result<AddResult> {
        self.chain().add(network, &attachment(), Path::new("/proc/self/ns/net"), self.pod.sandbox().route)
    }

    fn del(&self) -> cni::Result<()> {
        self.chain().del(None, &attachment(), None)
    }

    /// What was called since the last time.
    fn log(&self) -> Vec<String> {
        let path = self.dir.path().join("log");
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, "").unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn seen(&self, what: &str) -> String {
        fs::read_to_string(self.dir.path().join(format!("log.{what}"))).unwrap()
    }

    fn remembered(&self) -> usize {
        self.chain().remembered().unwrap().len()
    }
}

fn attachment() -> Attachment {
    Attachment {
        id: AttachmentId::parse("0123456789abcdef").unwrap(),
        interface: IfName::parse("eth0").unwrap(),
        args: vec![("K8S_POD_NAMESPACE".to_owned(), "default".to_owned())],
        runtime: RuntimeConfig { ports: vec![tcp(8080, 80)], ..RuntimeConfig::default() },
    }
}

fn network(version: &str, plugins: &[&str]) -> NetworkConfig {
    let plugins: Vec<_> = plugins
        .iter()
        .map(|kind| format!(r#"{{"type":"{kind}","capabilities":{{"portMappings":true}}}}"#))
        .collect();
    let text = format!(r#"{{"cniVersion":"{version}","name":"net","plugins":[{}]}}"#, plugins.join(","));
    NetworkConfig::parse(text).unwrap()
}

fn failure(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[test]
fn a_chain_is_added_in_order_and_deleted_in_reverse() {
    let world = World::new();
    world.plugin("a", GOOD, "true");
    world.plugin("b", r#"echo '{"cniVersion":"1.0.0","ips":[{"address":"10.9.0.3/24"}]}'"#, "true");
    let result = world.add(&network("1.0.0", &["a", "b"])).unwrap();
    assert_eq!(result.addresses, ["10.9.0.3/24".parse().unwrap()]);
    assert_eq!(world.log(), ["a ADD", "b ADD"]);
    assert!(world.pod.program("ip", &["link", "show", "lo"]).contains("LOWER_UP"), "lo is brought up here");
    let stdin = world.seen("stdin.b.ADD");
    assert!(
        stdin.contains(r#""prevResult":{"cniVersion":"1.0.0","ips":[{"address":"10.9.0.2/24"}]}"#),
        "{stdin}"
    );
    assert!(stdin.contains(r#""hostPort":8080"#) && !stdin.contains("capabilities"), "{stdin}");
    let env = world.seen("env.a.ADD");
    let mut names: Vec<_> =
        env.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.retain(|name| !matches!(*name, "PWD" | "OLDPWD" | "SHLVL" | "_"));
    names.sort_unstable();
    let expected =
        ["CNI_ARGS", "CNI_COMMAND", "CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS", "CNI_PATH", "PATH"];
    assert_eq!(names, expected);
    assert!(env.contains("CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default\n"), "{env}");
    assert!(env.contains("PWD=/\n"), "{env}");

    world.del().unwrap();
    assert_eq!(world.log(), ["b DEL", "a DEL"]);
    assert!(world.seen("stdin.a.DEL").contains("10.9.0.3/24"), "DEL gets the last result");
    assert!(world.seen("env.a.DEL").contains("CNI_NETNS=\n"), "the namespace is gone");
    world.del().unwrap();
    assert_eq!(world.log(), [] as [&str; 0], "nobody remembers it");
}

#[test]
fn del_uses_what_add_used() {
    let world = World::new();
    world.plugin("a", GOOD, "true");
    world.plugin("b", GOOD, "true");
    world.add(&network("1.0.0", &["a"])).unwrap();
    world.log();
    // The administrator changed the network meanwhile.
    world.chain().del(Some(&network("1.0.0", &["b"])), &attachment(), None).unwrap();
    assert_eq!(world.log(), ["a DEL"]);
    world.chain().del(Some(&network("1.0.0", &["b"])), &attachment(), None).unwrap();
    assert_eq!(world.log(), ["b DEL"], "what nobody remembers is deleted as configured");
}

#[test]
fn a_failed_add_is_undone() {
    let world = World::new();
    world.plugin("a", GOOD, "true");
    world.plugin("b", r#"echo '{"cniVersion":"1.0.0","code":11,"msg":"later"}'; exit 1"#, "true");
    world.plugin("c", GOOD, "true");
    let error = world.add(&network("1.0.0", &["a", "b", "c"])).unwrap_err();
    assert_eq!(failure(&error), "network net: plugin b: ADD: error 11: later");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(world.log(), ["a ADD", "b ADD", "b DEL", "a DEL"]);
    assert_eq!(world.remembered(), 0);
}

#[test]
fn del_goes_on_and_is_tried_again() {
    let world = World::new();
    world.plugin("a", GOOD, "echo broken >&2; exit 3");
    world.plugin("b", GOOD, "true");
    world.plugin("c", GOOD, "exit 1");
    world.add(&network("1.0.0", &["a", "b", "c"])).unwrap();
    world.log();
    fs::remove_file(world.bin().join("b")).unwrap();
    let error = world.del().unwrap_err();
    let text = failure(&error);
    assert_eq!(world.log(), ["c DEL", "a DEL"]);
    for part in [
        "plugin c: DEL: exit status 1",
        "plugin b: DEL: no such plugin",
        "plugin a: DEL: exit status 3: broken",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(world.remembered(), 1, "not forgotten before it succeeded");
    for name in ["a", "b", "c"] {
        world.plugin(name, GOOD, "true");
    }
    world.del().unwrap();
    assert_eq!(world.log(), ["c DEL", "b DEL", "a DEL"]);
    assert_eq!(world.remembered(), 0);
}

#[test]
fn a_failed_undo_is_remembered() {
    let world = World::new();
    world.plugin("a", GOOD, "exit 1");
    world.plugin("b", "exit 1", "true");
    let error = world.add(&network("1.0.0", &["a", "b"])).unwrap_err();
    let text = failure(&error);
    assert!(text.contains("plugin b: ADD") && text.contains("plugin a: DEL"), "{text}");
    assert_eq!(world.remembered(), 1);
    world.plugin("a", GOOD, "true");
    world.log();
    world.del().unwrap();
    assert_eq!(world.log(), ["b DEL", "a DEL"]);
}

/// What a plugin may do instead of its work, and what is said of it.
#[test]
fn misbehaviour_ends_in_time_and_is_named() {
    let slow = Duration::from_millis(700);
    let cases: &[(&str, &str, Kind)] = &[
        ("sleep 60", "did not end within", Kind::Timeout),
        ("trap '' TERM INT HUP; while :; do sleep 1; done", "did not end within", Kind::Timeout),
        ("yes", "printed more than", Kind::Unavailable),
        ("yes >&2", "did not end within", Kind::Timeout),
        ("kill -STOP $$", "did not end within", Kind::Timeout),
        ("echo garbage", "result cannot be used", Kind::Unavailable),
        ("true", "result cannot be used", Kind::Unavailable),
        (r#"echo '{"cniVersion":"7.0.0"}'"#, "result cannot be used", Kind::Unavailable),
        (
            r#"echo '{"cniVersion":"1.0.0","ips":[{"address":"x"}]}'"#,
            "result cannot be used",
            Kind::Unavailable,
        ),
        ("head -c 200000 /dev/zero | tr '\\0' x >&2; exit 4", "exit status 4: xxx", Kind::Unavailable),
        ("kill -SEGV $$", "exit status 139", Kind::Unavailable),
        ("exit 255", "exit status 255, without a word", Kind::Unavailable),
    ];
    for (script, said, kind) in cases {
        let world = World { timeout: slow, ..World::new() };
        world.plugin("a", script, "true");
        let start = Instant::now();
        let error = world.add(&network("1.0.0", &["a"])).unwrap_err();
        let text = failure(&error);
        assert!(text.contains(said), "{script}: {text}");
        assert_eq!(error.kind(), *kind, "{script}");
        assert!(start.elapsed() < Duration::from_secs(8), "{script}: {:?}", start.elapsed());
        assert!(text.len() < 2000, "{script}: {} bytes", text.len());
        assert_eq!(world.log(), ["a ADD", "a DEL"], "{script}");
    }
}

/// A plugin that leaves a child with its output open has ended all the same, and the child ends with it.
#[test]
fn grandchildren_neither_delay_nor_stay() {
    let world = World::new();
    let pid = world.dir.path().join("pid");
    world.plugin("a", &format!("sleep 600 & echo $! > {}; {GOOD}", pid.display()), "true");
    let start = Instant::now();
    world.add(&network("1.0.0", &["a"])).unwrap();
    assert!(start.elapsed() < Duration::from_secs(8));
    let pid: u32 = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    let end = || fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "));
    while !end() {
        assert!(start.elapsed() < Duration::from_secs(8), "the grandchild lives");
        std::thread::yield_now();
    }
}

#[test]
fn only_trusted_files_are_run() {
    let world = World::new();
    let add = || world.add(&network("1.0.0", &["a"])).unwrap_err();
    assert!(failure(&add()).contains("no such plugin in"), "{}", failure(&add()));
    world.plugin("a", GOOD, "true");
    for mode in [0o777, 0o775, 0o644] {
        world.mode("a", mode);
        assert!(failure(&add()).contains("is not run"), "{mode:o}");
    }
    world.mode("a", 0o755);
    std::os::unix::fs::chown(world.bin().join("a"), Some(12345), None).unwrap();
    assert!(failure(&add()).contains("does not belong to root"));
    fs::remove_file(world.bin().join("a")).unwrap();
    fs::create_dir(world.bin().join("a")).unwrap();
    assert!(failure(&add()).contains("no regular file"));
    assert_eq!(world.log(), [] as [&str; 0]);
    assert_eq!(world.remembered(), 0);
    fs::remove_dir(world.bin().join("a")).unwrap();
    for (content, said) in
        [("", "neither an ELF program"), ("no program", "neither"), ("#!/none", "cannot be run")]
    {
        fs::write(world.bin().join("a"), content).unwrap();
        world.mode("a", 0o755);
        assert!(failure(&add()).contains(said), "{}", failure(&add()));
    }
}

#[test]
fn check_status_and_gc() {
    let world = World::new();
    world.plugin("a", &GOOD.replace("1.0.0", "1.1.0"), "true");
    let network_ = network("1.1.0", &["a"]);
    world.chain().check(&attachment(), Path::new("/proc/self/ns/net")).unwrap();
    world.add(&network_).unwrap();
    world.log();
    world.chain().check(&attachment(), Path::new("/proc/self/ns/net")).unwrap();
    assert!(world.seen("stdin.a.CHECK").contains("prevResult"));
    world.chain().status(&network_).unwrap();
    let existing = [(attachment().id, attachment().interface)];
    world.chain().gc(&network_, &existing).unwrap();
    assert!(world.seen("stdin.a.GC").contains(r#"[{"containerID":"0123456789abcdef","ifname":"eth0"}]"#));
    assert_eq!(world.log(), ["a CHECK", "a STATUS", "a GC"]);
    world.chain().gc(&network_, &[]).unwrap();
    assert_eq!(world.log(), ["a DEL", "a GC"]);
    world.plugin("a", GOOD, "exit 1");
    assert!(world.chain().status(&network_).is_err());
    // Older networks have no STATUS: what can be known is whether the plugin is there.
    world.log();
    world.chain().status(&network("1.0.0", &["a"])).unwrap();
    let missing = world.chain().status(&network("1.0.0", &["a", "b"])).unwrap_err();
    assert!(matches!(&missing, Error::Network { source, .. }
        if matches!(**source, Error::Plugin { failure: Failure::Missing(_), .. })));
    assert_eq!(world.log(), [] as [&str; 0]);
}

/// The fault's place in the chain does not matter: nothing is remembered, every DEL that is due is run.
#[test]
fn every_place_in_the_chain() {
    for broken in 0..3 {
        let world = World::new();
        for (index, name) in ["a", "b", "c"].iter().enumerate() {
            world.plugin(name, if index == broken { "exit 9" } else { GOOD }, "true");
        }
        world.add(&network("0.4.0", &["a", "b", "c"])).unwrap_err();
        let due: Vec<_> = ["a", "b", "c"][..=broken].iter().map(|name| format!("{name} ADD")).collect();
        let undone: Vec<_> =
            ["a", "b", "c"][..=broken].iter().rev().map(|name| format!("{name} DEL")).collect();
        assert_eq!(world.log(), [due, undone].concat());
        assert_eq!(world.remembered(), 0);
    }
}
