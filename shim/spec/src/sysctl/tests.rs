//! Sysctls a pod may and may not set.
use super::*;
use crate::{Kind, pod::PodPid};

const OWN: PodNamespaces = PodNamespaces { network: true, ipc: true, pid: PodPid::PerContainer };

fn ask(pairs: &[(&str, &str)], namespaces: PodNamespaces) -> Result<Vec<(String, String)>> {
    let asked = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let policy = Policy { unprivileged_network: false, ..Policy::default() };
    Ok(of_pod(&asked, namespaces, &policy)?.into_iter().map(|sysctl| (sysctl.name, sysctl.value)).collect())
}

#[test]
fn parameters_of_owned_namespaces_pass() {
    for (key, path) in [
        ("kernel.shm_rmid_forced", "kernel/shm_rmid_forced"),
        ("fs.mqueue.msg_max", "fs/mqueue/msg_max"),
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("kernel.sem", "kernel/sem"),
    ] {
        assert_eq!(ask(&[(key, "1 2\t3")], OWN).unwrap(), [(path.to_owned(), "1 2\t3".to_owned())], "{key}");
    }
}

/// SEC-51.
#[test]
fn parameters_of_the_nodes_namespaces_are_refused() {
    let host_network = PodNamespaces { network: false, ..OWN };
    let error = ask(&[("net.ipv4.ip_forward", "1")], host_network).unwrap_err();
    assert!(error.to_string().contains("hostNetwork"), "{error}");
    assert!(ask(&[("kernel.shmmax", "1")], host_network).is_ok());
    let host_ipc = PodNamespaces { ipc: false, ..OWN };
    assert!(ask(&[("kernel.shmmax", "1")], host_ipc).is_err());
    assert!(ask(&[("fs.mqueue.msg_max", "1")], host_ipc).is_err());
}

/// SEC-52.
#[test]
fn nothing_else_is_reachable() {
    for key in [
        "",
        "net",
        "kernel.core_pattern",
        "kernel/core_pattern",
        "net/../kernel/core_pattern",
        "net.ipv4..x",
        "net.",
        ".net.x",
        "/net/x",
        "net//x",
        "net/./x",
        "net.ipv4/..conf",
        "net/ipv4 /x",
        "net/ipv4\n/x",
        "kernel.hostname",
        "kernel.domainname",
        "vm.swappiness",
        "fs.file-max",
        "user.max_user_namespaces",
        "kernel.shmmax.x",
        "kernel/shmmax/../core_pattern",
        "net/ipv4=1",
        "NET.ipv4.x",
        "net/…/x",
        "net/*/x",
        "fs.mqueue",
        "fs.mqueuex.y",
        "kernel.yama.ptrace_scope",
        "net/\0/x",
    ] {
        assert_eq!(ask(&[(key, "1")], OWN).unwrap_err().kind(), Kind::Invalid, "{key:?}");
    }
    for value in
        ["", "1+kernel.core_pattern=|/x", "a=b", "1\n2", "1\r", "1\0", "\u{7f}", "1+2", &"1".repeat(5000)]
    {
        assert_eq!(ask(&[("net.ipv4.x", value)], OWN).unwrap_err().kind(), Kind::Invalid, "{value:?}");
    }
    assert!(ask(&[("net.ipv4.x", "1"), ("net/ipv4/x", "2")], OWN).is_err());
}

#[test]
fn defaults_give_way_and_only_fit_an_own_network() {
    let asked = HashMap::from([("net.ipv4.ip_unprivileged_port_start".to_owned(), "1024".to_owned())]);
    let all = of_pod(&asked, OWN, &Policy::default()).unwrap();
    let all: Vec<_> = all.iter().map(|sysctl| (sysctl.name.as_str(), sysctl.value.as_str())).collect();
    assert_eq!(
        all,
        [("net/ipv4/ip_unprivileged_port_start", "1024"), ("net/ipv4/ping_group_range", "0 2147483647")]
    );
    let host = PodNamespaces { network: false, ..OWN };
    assert!(of_pod(&HashMap::new(), host, &Policy::default()).unwrap().is_empty());
}
