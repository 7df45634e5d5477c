//! Pod configs, good and contradictory.
use super::*;
use crate::{Kind, testing};

fn pod(options: cri::NamespaceOption) -> cri::PodSandboxConfig {
    let security =
        cri::LinuxSandboxSecurityContext { namespace_options: Some(options), ..Default::default() };
    let linux = cri::LinuxPodSandboxConfig { security_context: Some(security), ..Default::default() };
    cri::PodSandboxConfig { linux: Some(linux), ..Default::default() }
}

fn check(pod: &cri::PodSandboxConfig) -> Result<PodFacts> {
    check_pod(pod, &testing::node(), &Policy::default())
}

#[test]
fn an_empty_config_shares_processes_and_owns_the_rest() {
    let facts = check(&cri::PodSandboxConfig::default()).unwrap();
    assert_eq!(facts.namespaces, PodNamespaces { network: true, ipc: true, pid: PodPid::Shared });
    assert_eq!(facts.hostname, testing::node().hostname);
    assert_eq!(facts.sysctls.len(), 2);
}

#[test]
fn every_mode_means_what_it_says() {
    let modes = |network: NamespaceMode, pid: NamespaceMode, ipc: NamespaceMode| cri::NamespaceOption {
        network: network.into(),
        pid: pid.into(),
        ipc: ipc.into(),
        ..Default::default()
    };
    use NamespaceMode::{Container, Node, Pod, Target};
    let facts = check(&pod(modes(Node, Container, Node))).unwrap();
    assert_eq!(facts.namespaces, PodNamespaces { network: false, ipc: false, pid: PodPid::PerContainer });
    assert!(facts.sysctls.is_empty());
    assert_eq!(check(&pod(modes(Pod, Node, Pod))).unwrap().namespaces.pid, PodPid::Host);
    for bad in [modes(Container, Pod, Pod), modes(Pod, Pod, Target), modes(Pod, Target, Pod)] {
        assert_eq!(check(&pod(bad)).unwrap_err().kind(), Kind::Invalid);
    }
    assert!(check(&pod(cri::NamespaceOption { pid: 9, ..Default::default() })).is_err());
}

#[test]
fn a_containers_view_of_processes() {
    let of = |pod: PodPid, asked: Option<NamespaceMode>| {
        let namespaces = PodNamespaces { network: true, ipc: true, pid: pod };
        let options = asked.map(|mode| cri::NamespaceOption { pid: mode.into(), ..Default::default() });
        namespaces.pid_of(options.as_ref())
    };
    use NamespaceMode::{Container, Node, Pod, Target};
    for (pod, asked, expected) in [
        (PodPid::Shared, None, PidMode::Pod),
        (PodPid::Shared, Some(Pod), PidMode::Pod),
        (PodPid::Shared, Some(Container), PidMode::Container),
        (PodPid::PerContainer, None, PidMode::Container),
        (PodPid::PerContainer, Some(Target), PidMode::Target),
        (PodPid::PerContainer, Some(Node), PidMode::Host),
        (PodPid::Host, None, PidMode::Host),
        (PodPid::Host, Some(Pod), PidMode::Host),
    ] {
        assert_eq!(of(pod, asked).unwrap(), expected, "{pod:?} {asked:?}");
    }
    assert_eq!(of(PodPid::PerContainer, Some(Pod)).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn user_namespaces_are_refused_for_the_right_reason() {
    let range = |container_id: u32| cri::IdMapping { host_id: 100_000, container_id, length: 65_536 };
    let options = |mode: NamespaceMode, uids: &[cri::IdMapping]| cri::UserNamespace {
        mode: mode.into(),
        uids: uids.to_vec(),
        gids: uids.to_vec(),
    };
    let kind = |options: cri::UserNamespace| {
        let pod = pod(cri::NamespaceOption { userns_options: Some(options), ..Default::default() });
        check(&pod).map(|_| ()).map_err(|error| error.kind())
    };
    use NamespaceMode::{Container, Node, Pod, Target};
    assert_eq!(kind(options(Node, &[])), Ok(()));
    assert_eq!(kind(options(Node, &[range(0)])), Err(Kind::Invalid));
    assert_eq!(kind(options(Pod, &[range(0)])), Err(Kind::Unsupported));
    assert_eq!(kind(options(Pod, &[range(0), range(1)])), Err(Kind::Invalid));
    assert_eq!(kind(options(Pod, &[range(1)])), Err(Kind::Invalid));
    assert_eq!(kind(options(Pod, &[])), Err(Kind::Invalid));
    assert_eq!(kind(options(Container, &[])), Err(Kind::Invalid));
    assert_eq!(kind(options(Target, &[])), Err(Kind::Invalid));
    let different = cri::UserNamespace {
        gids: vec![cri::IdMapping { host_id: 5, ..range(0) }],
        ..options(Pod, &[range(0)])
    };
    assert_eq!(kind(different), Err(Kind::Invalid));
}

#[test]
fn names_and_paths_stay_plain() {
    for hostname in ["a\nb", "a b", "a:b", "a/b", &"x".repeat(65)] {
        let pod = cri::PodSandboxConfig { hostname: hostname.into(), ..Default::default() };
        assert!(check(&pod).is_err(), "{hostname:?}");
    }
    for (parent, good) in [
        ("/kubepods/burstable/pod1", true),
        ("/kubepods.slice/kubepods-pod1.slice", true),
        ("", true),
        ("/a/../b", false),
        ("..", false),
        ("/a\nb", false),
    ] {
        let linux = cri::LinuxPodSandboxConfig { cgroup_parent: parent.into(), ..Default::default() };
        let pod = cri::PodSandboxConfig { linux: Some(linux), ..Default::default() };
        assert_eq!(check(&pod).is_ok(), good, "{parent:?}");
    }
    let security = cri::LinuxSandboxSecurityContext {
        run_as_group: Some(cri::Int64Value { value: 1 }),
        ..Default::default()
    };
    let linux = cri::LinuxPodSandboxConfig { security_context: Some(security), ..Default::default() };
    assert!(check(&cri::PodSandboxConfig { linux: Some(linux), ..Default::default() }).is_err());
}
