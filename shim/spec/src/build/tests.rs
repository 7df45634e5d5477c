//! Whole containers against golden files: the OCI spec, and the plan made of it.
//!
//! `UPDATE_EXPECT=1 cargo test -p spec` rewrites them; read the difference like code.

use std::{collections::HashMap, fs, path::PathBuf};

use proto::cri::{self, NamespaceMode, security_profile::ProfileType};
use serde_json::{Value, json};

use super::*;
use crate::{
    Found, Kind, lower,
    testing::{Case, device},
};

/// Compares with `tests/golden/<name>.json`.
fn golden(name: &str, case: &Case) {
    let spec = build(&case.input()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let plan = lower(&spec, &case.input()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let document = json!({ "spec": of_spec(&spec), "plan": of_plan(plan) });
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (number, (want, got)) in expected.lines().zip(text.lines()).enumerate() {
        assert_eq!(want, got, "{} line {}", path.display(), number + 1);
    }
    assert_eq!(expected.lines().count(), text.lines().count(), "{}", path.display());
}

/// Sets sorted, and of the seccomp rules only how many calls each action has.
fn of_spec(spec: &Spec) -> Value {
    let mut value = serde_json::to_value(spec).unwrap();
    if let Some(sets) = value.pointer_mut("/process/capabilities") {
        for set in sets.as_object_mut().unwrap().values_mut() {
            set.as_array_mut().unwrap().sort_by_key(ToString::to_string);
        }
    }
    if let Some(rules) = value.pointer_mut("/linux/seccomp/syscalls") {
        let mut counts: std::collections::BTreeMap<String, usize> = Default::default();
        for rule in rules.as_array().unwrap() {
            let errno = rule["errnoRet"].as_u64().map(|errno| format!(" {errno}")).unwrap_or_default();
            let action = format!("{}{errno}", rule["action"].as_str().unwrap());
            *counts.entry(action).or_default() += rule["names"].as_array().unwrap().len();
        }
        *rules = json!(counts);
    }
    value
}

fn of_plan(mut plan: proto::monitor::LaunchPlan) -> Value {
    let process = plan.process.as_mut().unwrap();
    let filter = !std::mem::take(&mut process.seccomp_filter).is_empty();
    let env: Vec<String> =
        std::mem::take(&mut process.env).iter().map(|entry| entry.escape_ascii().to_string()).collect();
    let text = format!("{plan:#?}");
    json!({ "plan": text.lines().collect::<Vec<_>>(), "env": env, "filtered": filter })
}

fn seccomp_default(case: &mut Case) {
    case.security().seccomp = Some(cri::SecurityProfile::default());
}

#[test]
fn a_container_that_asks_for_nothing() {
    golden("default", &Case::default());
}

/// As kubelet sends a container of a restricted namespace.
#[test]
fn a_hardened_container() {
    let mut case = Case::default();
    case.policy.apparmor_default = Some("berth-default".into());
    case.policy.pids_limit = Some(4096);
    seccomp_default(&mut case);
    let security = case.security();
    security.run_as_user = Some(cri::Int64Value { value: 33 });
    security.run_as_group = Some(cri::Int64Value { value: 3000 });
    security.supplemental_groups = vec![4000];
    security.readonly_rootfs = true;
    security.no_new_privs = true;
    security.capabilities = Some(cri::Capability {
        drop_capabilities: vec!["ALL".into()],
        add_capabilities: vec!["NET_BIND_SERVICE".into()],
        ..Default::default()
    });
    case.container.linux.as_mut().unwrap().resources = Some(cri::LinuxContainerResources {
        cpu_period: 100_000,
        cpu_quota: 50_000,
        cpu_shares: 512,
        memory_limit_in_bytes: 128 << 20,
        oom_score_adj: 968,
        hugepage_limits: vec![cri::HugepageLimit { page_size: "2MB".into(), limit: 0 }],
        unified: HashMap::from([("memory.oom.group".to_owned(), "1".to_owned())]),
        ..Default::default()
    });
    golden("hardened", &case);
}

#[test]
fn a_privileged_container() {
    let mut case = Case::default();
    case.policy.apparmor_default = Some("berth-default".into());
    case.pod_security().privileged = true;
    case.security().privileged = true;
    seccomp_default(&mut case);
    golden("privileged", &case);
}

/// A node agent: everything of the host's but its root.
#[test]
fn a_container_in_the_hosts_namespaces() {
    let mut case = Case::default();
    let options = cri::NamespaceOption {
        network: NamespaceMode::Node.into(),
        pid: NamespaceMode::Node.into(),
        ipc: NamespaceMode::Node.into(),
        ..Default::default()
    };
    case.pod_security().namespace_options = Some(options.clone());
    case.security().namespace_options = Some(options);
    case.pod.hostname = String::new();
    golden("host-namespaces", &case);
}

#[test]
fn a_terminal_in_a_pod_that_shares_processes() {
    let mut case = Case::default();
    case.pod_security().namespace_options = None;
    case.paths.pid_namespace = Some("/proc/4243/ns/pid".into());
    case.container.tty = true;
    case.container.stdin = true;
    case.container.stdin_once = true;
    case.container.command = vec!["sh".into()];
    case.container.working_dir = "/srv".into();
    golden("terminal", &case);
}

#[test]
fn volumes_devices_and_images() {
    let mut case = Case::default();
    let volume = |host_path: &str, container_path: &str| cri::Mount {
        host_path: host_path.into(),
        container_path: container_path.into(),
        ..Default::default()
    };
    case.mount(volume("/var/lib/kubelet/pods/1/etc-hosts", "/etc/hosts"));
    case.mount(cri::Mount {
        readonly: true,
        ..volume("/var/lib/kubelet/pods/1/token", "/var/run/secrets/token/")
    });
    case.mount(cri::Mount {
        propagation: cri::MountPropagation::PropagationBidirectional.into(),
        ..volume("/mnt/csi", "/csi")
    });
    case.mount(cri::Mount { readonly: true, recursive_read_only: true, ..volume("/mnt/data", "/data") });
    case.mount(cri::Mount { mount_options: vec!["noexec".into()], ..volume("/mnt/shm", "/dev/shm") });
    case.container.mounts.push(cri::Mount {
        image: Some(cri::ImageSpec { image: "sha256:5678".into(), ..Default::default() }),
        readonly: true,
        ..volume("", "/models")
    });
    case.mounts.push(crate::ResolvedMount {
        host_path: "/var/lib/berth/images/layers/9/fs".into(),
        ..Default::default()
    });
    case.image.volumes = vec!["/cache".into(), "/data".into()];
    case.volumes = crate::image_volumes(&case.container, &case.image)
        .unwrap()
        .into_iter()
        .map(|destination| crate::ImageVolume { host_path: format!("/vol{destination}").into(), destination })
        .collect();
    case.host.found.insert("/dev/fuse".into(), Found::Node(device("/dev/fuse", 10, 229, 0o666)));
    case.container.devices = vec![cri::Device {
        host_path: "/dev/fuse".into(),
        container_path: "/dev/fuse".into(),
        permissions: "rw".into(),
    }];
    golden("volumes", &case);
}

#[test]
fn a_node_with_cgroup_v1_selinux_and_a_profile_from_a_file() {
    let mut case = Case::default();
    case.node.cgroup_v2 = false;
    case.node.swap_limit = false;
    case.node.selinux = true;
    case.node.apparmor = false;
    case.paths.cgroup_dirs = vec!["/sys/fs/cgroup/memory/k/c".into(), "/sys/fs/cgroup/pids/k/c".into()];
    let security = case.security();
    security.selinux_options = Some(cri::SeLinuxOption { level: "s0:c1,c2".into(), ..Default::default() });
    security.seccomp = Some(cri::SecurityProfile {
        profile_type: ProfileType::Localhost.into(),
        localhost_ref: "/var/lib/kubelet/seccomp/p.json".into(),
    });
    case.profile = Some(
        br#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO"}]}"#
            .to_vec(),
    );
    golden("cgroup-v1", &case);
}

#[test]
fn user_namespaces_are_refused_on_both_levels() {
    let range = cri::IdMapping { host_id: 100_000, container_id: 0, length: 65_536 };
    let options = cri::NamespaceOption {
        pid: NamespaceMode::Container.into(),
        userns_options: Some(cri::UserNamespace {
            mode: NamespaceMode::Pod.into(),
            uids: vec![range],
            gids: vec![range],
        }),
        ..Default::default()
    };
    let mut case = Case::default();
    case.security().namespace_options = Some(options.clone());
    let error = build(&case.input()).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.to_string().contains("hostUsers"), "{error}");
    case.security().namespace_options = None;
    case.pod_security().namespace_options = Some(options);
    assert_eq!(build(&case.input()).unwrap_err().kind(), Kind::Unsupported);
}

/// Annotations and labels of requests and images never become ours.
#[test]
fn annotations_are_not_passed_on() {
    let mut case = Case::default();
    case.pod.annotations.insert("org.systemd.property.ExecStopPost".into(), "x".into());
    case.container.annotations.insert("cdi.k8s.io/x".into(), "y".into());
    let spec = build(&case.input()).unwrap();
    let keys: Vec<&String> = spec.annotations().as_ref().unwrap().keys().collect();
    assert!(keys.iter().all(|key| key.starts_with("io.kubernetes.cri.")), "{keys:?}");
}
