//! The pod itself: namespaces, host name, sysctls, sockets, refusals.
use proto::monitor::{OpenSocket, Sysctl, request};
use sys::{Errno, fd::identity, ns, pidfd::Exit};

use crate::fixture::{pod, sandbox_plan, try_pod};

fn sysctl(name: &str, value: &str) -> Sysctl {
    Sysctl { name: name.into(), value: value.into() }
}

#[test]
fn hello_brings_the_network_namespace() {
    let pod = pod("hello", &sandbox_plan());
    assert_eq!((pod.hello.pid, pod.hello.pause_pid, pod.hello_fds.len()), (pod.pid, 0, 2));
    let netns = identity(&pod.hello_fds[0]).unwrap();
    assert_eq!(netns, identity(ns::open_of(pod.pid, "net").unwrap()).unwrap());
    assert_ne!(netns, identity(ns::open_own("net").unwrap()).unwrap());
    for kind in ["ipc", "uts"] {
        let theirs = identity(ns::open_of(pod.pid, kind).unwrap()).unwrap();
        assert_ne!(theirs, identity(ns::open_own(kind).unwrap()).unwrap(), "{kind}");
    }
    for kind in ["mnt", "pid", "cgroup"] {
        let theirs = identity(ns::open_of(pod.pid, kind).unwrap()).unwrap();
        assert_eq!(theirs, identity(ns::open_own(kind).unwrap()).unwrap(), "{kind}");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", pod.pid)).unwrap();
    assert!(status.contains("\nThreads:\t1\n"), "{status}");
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pod.pid)).unwrap();
    let session: i32 = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().parse().unwrap();
    assert_eq!(session, pod.pid, "a session of its own");
    pod.finish();
}

#[test]
fn a_pod_on_the_hosts_network_keeps_it() {
    let mut plan = sandbox_plan();
    (plan.new_network, plan.new_uts, plan.new_ipc) = (false, false, false);
    let mut pod = pod("hostnet", &plan);
    assert_eq!(pod.hello_fds.len(), 0);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let plan = pod.shell("c1", "hostname; readlink /proc/self/ns/net");
    let net = std::fs::read_link("/proc/self/ns/net").unwrap();
    assert_eq!(pod.run(&plan).1, format!("{host}{}\n", net.display()));
    pod.finish();
}

#[test]
fn sysctls_are_written_in_the_pods_namespaces() {
    let mut plan = sandbox_plan();
    plan.sysctls = vec![sysctl("net.ipv4.ip_unprivileged_port_start", "81"), sysctl("kernel/shmmni", "77")];
    let mut pod = pod("sysctl", &plan);
    let mut container = pod.shell("c1", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmni /proc/sys/kernel/msgmax; (echo 1 >/proc/sys/kernel/shmmni) 2>/dev/null || echo refused");
    container.sysctls = vec![sysctl("kernel.msgmax", "4096")];
    let (_, output) = pod.run(&container);
    assert!(output.starts_with("81\n77\n4096\n") && output.ends_with("refused\n"), "{output}");
    assert_ne!(std::fs::read_to_string("/proc/sys/kernel/shmmni").unwrap(), "77\n");
    pod.finish();
}

#[test]
fn a_sandbox_that_cannot_be_made_says_why_and_leaves_nothing() {
    let mut plan = sandbox_plan();
    plan.sysctls = vec![sysctl("net.ipv4.no_such_thing", "1")];
    let mut pod = try_pod("refused", &plan);
    let failed = pod.hello.failed.clone().unwrap();
    assert_eq!((failed.stage.as_str(), failed.errno), ("sysctl", Errno::ENOENT.0));
    assert!(failed.what.contains("net.ipv4.no_such_thing"), "{failed:?}");
    assert_eq!(pod.wait(), Exit::Code(1));
    pod.prove_empty();
}

#[test]
fn sockets_are_of_the_pods_network() {
    let pod = pod("socket", &sandbox_plan());
    // AF_INET, SOCK_STREAM: nothing listens in the pod, whatever does on the host.
    let open = OpenSocket { domain: 2, r#type: 1, protocol: 0 };
    let fds = pod.client().call(request::Request::OpenSocket(open)).unwrap();
    let socket = std::net::TcpStream::from(fds.into_iter().next().unwrap());
    assert_eq!(socket.peer_addr().unwrap_err().kind(), std::io::ErrorKind::NotConnected);
    let refused = OpenSocket { domain: 9999, r#type: 1, protocol: 0 };
    assert_eq!(pod.client().call(request::Request::OpenSocket(refused)).unwrap_err().stage, "socket");
    pod.finish();
}

#[test]
fn the_pods_shared_memory_is_one_and_as_large_as_asked() {
    let mut pod = pod("shm", &sandbox_plan());
    pod.client().start(&pod.shell("c1", "echo shared >/dev/shm/x; while :; do sleep 1; done"));
    crate::fixture::eventually("shared", || pod.exec_shell("c1", "cat /dev/shm/x").1 == "shared\n");
    let plan =
        pod.shell("c2", "cat /dev/shm/x; df -k /dev/shm | tail -1 | awk '{print $2}'; stat -c %a /dev/shm");
    assert_eq!(pod.run(&plan).1, "shared\n1024\n1777\n");
    pod.finish();
}
