//! What the options of `berth run` become.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn args(words: &str) -> Args {
    Line::parse_from(format!("run {words}").split_whitespace()).args
}

fn made(words: &str) -> (PodSandboxConfig, ContainerConfig) {
    let args = args(words);
    (pod(&args, "web").unwrap(), container(&args, "web", ImageSpec::default()).unwrap())
}

#[test]
fn a_plain_container_is_confined_as_kubernetes_would() {
    let (pod, container) = made("nginx");
    let security = container.linux.unwrap().security_context.unwrap();
    assert_eq!(security.seccomp.unwrap().profile_type(), ProfileType::RuntimeDefault);
    assert!(security.masked_paths.contains(&"/proc/kcore".to_owned()));
    assert!(security.readonly_paths.contains(&"/proc/sys".to_owned()));
    assert_eq!(pod.hostname, "web");
    assert!(is_ours(&pod.labels) && is_ours(&container.labels));
    assert!(is_log_directory(Path::new(&pod.log_directory)));
    assert_eq!(Interaction::of(&container.annotations), Interaction::default());
    assert!(container.command.is_empty() && container.args.is_empty(), "the image decides");
}

#[test]
fn options_reach_their_fields() {
    let (pod, container) = made(
        "-it -p 8080:80 -e A=1=2 -v /:/host:ro -w /tmp -u 1:2 -m 64m --cpus 0.5 --entrypoint sh --read-only nginx -c exit",
    );
    assert_eq!(pod.port_mappings.len(), 1);
    assert_eq!(
        (container.envs[0].key.as_str(), container.envs[0].value.as_slice()),
        ("A", b"1=2".as_slice())
    );
    assert_eq!(container.mounts[0].container_path, "/host");
    assert_eq!((container.command, container.args), (vec!["sh".into()], vec!["-c".into(), "exit".into()]));
    assert_eq!(container.working_dir, "/tmp");
    assert_eq!(Interaction::of(&container.annotations), Interaction { stdin: true, tty: true });
    let linux = container.linux.unwrap();
    let resources = linux.resources.unwrap();
    assert_eq!((resources.cpu_period, resources.cpu_quota), (100_000, 50_000));
    assert_eq!(resources.memory_limit_in_bytes, 64 << 20);
    let security = linux.security_context.unwrap();
    assert_eq!((security.run_as_user.unwrap().value, security.run_as_group.unwrap().value), (1, 2));
    assert!(security.readonly_rootfs);
}

#[test]
fn privilege_and_the_nodes_network_are_asked_for_everywhere() {
    let (pod, container) = made("--privileged --host-network nginx");
    assert_eq!(pod.hostname, "");
    let sandbox = pod.linux.unwrap().security_context.unwrap();
    assert!(sandbox.privileged);
    assert_eq!(sandbox.namespace_options.unwrap().network(), NamespaceMode::Node);
    let security = container.linux.unwrap().security_context.unwrap();
    assert!(security.privileged && security.masked_paths.is_empty());
}

#[test]
fn users_are_numbers_or_names() {
    let user = |text: &str| security(&args(&format!("-u {text} nginx")));
    assert_eq!(user("nobody").unwrap().run_as_username, "nobody");
    assert_eq!(user("0").unwrap().run_as_user.unwrap().value, 0);
    for bad in ["1:", "1:x", "x:1", ":1"] {
        assert!(user(bad).is_err(), "{bad}");
    }
}

#[test]
fn variables_come_from_us_or_are_missed() {
    assert!(!variable_of("PATH").unwrap().value.is_empty());
    assert!(variable_of("NO_SUCH_VARIABLE_HERE").is_err());
    assert!(variable_of("=x").is_err());
}

#[test]
fn only_our_own_log_directories_may_be_removed() {
    for path in ["/var/log/berth/web_1", "/var/log/berth/.."] {
        assert_eq!(is_log_directory(Path::new(path)), !path.ends_with(".."), "{path}");
    }
    for path in ["/", "/etc", "/var/log/berth", "/var/log/berth/a/b", "web", ""] {
        assert!(!is_log_directory(Path::new(path)), "{path}");
    }
}
