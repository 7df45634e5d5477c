//! What a pod shares among its containers: host name, hosts, resolv.conf, kernel parameters, IPC, the node's network.

use std::fs;

use e2e::refused;
use harness::{Node, Result, container, http, run, until};
use proto::cri::{Device, LinuxContainerResources, NamespaceMode};
use tonic::Code;

#[test]
fn host_name_hosts_and_resolver_are_the_pods() -> Result {
    run(async {
        let node = Node::start().await?;
        let wanted = node.pod("p").hostname("my-host").dns(
            &["10.1.2.3", "10.1.2.4"],
            &["example.org", "svc"],
            &["ndots:5"],
        );
        let pod = node.run_pod(&wanted).await?;
        let line = "hostname; cat /proc/sys/kernel/hostname /etc/hostname; cat /etc/hosts; echo ---; cat /etc/resolv.conf";
        let text = node.output(&pod, &container("c").shell(line)).await?;
        let (names, resolver) = text.split_once("---\n").unwrap_or_default();
        assert_eq!(names.lines().take(3).collect::<Vec<_>>(), ["my-host"; 3]);
        let address = node.address(&pod).await?.to_string();
        assert!(
            names.lines().any(|line| line.starts_with("127.0.0.1") && line.contains("localhost")),
            "{names}"
        );
        assert!(names.lines().any(|line| line.starts_with(&address) && line.contains("my-host")), "{names}");
        assert_eq!(
            resolver,
            "search example.org svc\nnameserver 10.1.2.3\nnameserver 10.1.2.4\noptions ndots:5\n"
        );
        node.finish().await
    })
}

#[test]
fn a_pod_without_name_servers_has_the_nodes() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let text = node.output(&pod, &container("c").shell("cat /etc/resolv.conf")).await?;
        assert_eq!(text.trim(), fs::read_to_string("/etc/resolv.conf")?.trim());
        node.finish().await
    })
}

#[test]
fn kernel_parameters_of_the_pods_namespaces_are_set_and_others_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let wanted = node
            .pod("p")
            .sysctl("net.ipv4.ip_forward", "1")
            .sysctl("kernel/shm_rmid_forced", "1")
            .sysctl("kernel.msgmax", "16384");
        let pod = node.run_pod(&wanted).await?;
        let line =
            "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced /proc/sys/kernel/msgmax";
        assert_eq!(node.output(&pod, &container("c").shell(line)).await?, "1\n1\n16384\n");

        let before = node.leftovers()?;
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern")?;
        for (name, value) in [
            ("kernel.core_pattern", "|/bin/x"),
            ("vm.swappiness", "1"),
            ("net/../kernel/core_pattern", "x"),
            ("net.ipv4..ip_forward", "1"),
            ("net.ipv4.no_such_parameter", "1"),
            ("", "1"),
        ] {
            let answer = node.cri.run_pod(&node.pod("bad").sysctl(name, value).config).await;
            refused(answer, &[Code::InvalidArgument], &["sysctl", name])?;
        }
        let on_host = node.pod("host").host_network().sysctl("net.ipv4.ip_forward", "1");
        refused(node.cri.run_pod(&on_host.config).await, &[Code::InvalidArgument], &["net.ipv4.ip_forward"])?;
        assert_eq!(fs::read_to_string("/proc/sys/kernel/core_pattern")?, pattern);
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn containers_of_a_pod_share_memory_and_localhost() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let serve = "echo shared > /dev/shm/note; echo page > /tmp/index.html; exec httpd -f -p 127.0.0.1:8000 -h /tmp";
        let first = node.start_container(&pod, &container("first").shell(serve)).await?;
        let second = node.start_container(&pod, &container("second").shell("exec sleep 1000")).await?;
        let deadline = std::time::Duration::from_secs(30);
        until("the first serves", deadline, async || {
            node.cri.shell(&second, "wget -qO- 127.0.0.1:8000").await.is_ok()
        })
        .await?;
        assert_eq!(node.cri.shell(&second, "cat /dev/shm/note").await?, "shared\n");
        assert_eq!(node.cri.shell(&second, "ls /tmp").await?, "", "but not their files");
        let same = "for kind in net ipc uts; do readlink /proc/self/ns/$kind; done";
        assert_eq!(node.cri.shell(&first, same).await?, node.cri.shell(&second, same).await?);
        let other = node.run_pod(&node.pod("other")).await?;
        let third = node.start_container(&other, &container("third").shell("exec sleep 1000")).await?;
        assert!(node.cri.shell(&third, "cat /dev/shm/note").await.is_err(), "another pod shares nothing");
        node.finish().await
    })
}

#[test]
fn a_pod_on_the_nodes_network_has_its_name_ports_and_files() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let pod = node.run_pod(&node.pod("p").host_network()).await?;
        assert!(
            !node.leftovers()?.beyond(&before).iter().any(|thing| thing.starts_with("link ")),
            "no link is made for it"
        );
        let port = node.slot.host_port()?;
        let serve = format!("hostname > /tmp/index.html; exec httpd -f -p 127.0.0.1:{port} -h /tmp");
        let id = node.start_container(&pod, &container("c").shell(&serve)).await?;
        let own = fs::read_link("/proc/self/ns/net")?;
        assert_eq!(node.cri.shell(&id, "readlink /proc/self/ns/net").await?.trim(), own.to_string_lossy());
        let address = ([127, 0, 0, 1], port).into();
        let deadline = std::time::Duration::from_secs(30);
        until("the server listens on the node", deadline, async || http::get(address, "/").is_ok()).await?;
        let name = fs::read_to_string("/proc/sys/kernel/hostname")?;
        assert_eq!(http::get(address, "/")?.text().trim(), name.trim());
        let status = node.cri.pod_status(&pod.id).await?;
        assert_eq!(status.network.unwrap_or_default().ip, "", "kubelet knows the node's address itself");
        node.finish().await
    })
}

#[test]
fn ipc_can_be_the_nodes() -> Result {
    run(async {
        let node = Node::start().await?;
        let wanted =
            node.pod("p").namespaces(NamespaceMode::Pod, NamespaceMode::Container, NamespaceMode::Node);
        let pod = node.run_pod(&wanted).await?;
        let text = node.output(&pod, &container("c").shell("readlink /proc/self/ns/ipc")).await?;
        assert_eq!(text.trim(), fs::read_link("/proc/self/ns/ipc")?.to_string_lossy());
        node.finish().await
    })
}

#[test]
fn devices_of_the_node_are_made_with_their_permissions() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mut one = container("c").shell(
            "ls -l /dev/mem0 /dev/null; head -c 3 /dev/mem0 | wc -c; echo x > /dev/mem0 || echo denied",
        );
        let device = |permissions: &str| Device {
            host_path: "/dev/zero".to_owned(),
            container_path: "/dev/mem0".to_owned(),
            permissions: permissions.to_owned(),
        };
        one.config.devices.push(device("r"));
        let text = node.output(&pod, &one).await?;
        // /dev/zero is 1:5, which every container may use anyway: only the node is checked.
        assert!(text.contains("1,   5") && text.contains("\n3\n"), "{text}");
        let mut bad = container("bad");
        bad.config.devices.push(Device { host_path: "/dev/no-such-device".to_owned(), ..device("rw") });
        refused(
            node.create(&pod, &bad).await,
            &[Code::InvalidArgument, Code::NotFound],
            &["/dev/no-such-device"],
        )?;
        let mut bad = container("bad");
        bad.config.devices.push(device("fly"));
        refused(node.create(&pod, &bad).await, &[Code::InvalidArgument], &["fly"])?;
        node.finish().await
    })
}

#[test]
fn devices_nobody_gave_are_denied() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        // Even with the node in hand, the device cgroup says no: 1:1 is /dev/mem.
        let line = "mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem 2>&1 || true";
        let text = node.output(&pod, &container("c").shell(line).capabilities(&["MKNOD"], &[])).await?;
        assert!(text.contains("not permitted"), "{text}");
        node.finish().await
    })
}

#[test]
fn a_pod_of_the_hosts_network_has_the_hosts_name_everywhere() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p").host_network()).await?;
        let names = container("c").shell("echo $HOSTNAME; hostname; cat /etc/hostname");
        let said = node.output(&pod, &names).await?;
        let own = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
        assert_eq!(said.lines().collect::<Vec<_>>(), [own.trim(); 3]);
        node.finish().await
    })
}

#[test]
fn what_kubelet_says_of_a_pods_resources_is_kept_with_the_pod() -> Result {
    run(async {
        let mut node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let overhead = LinuxContainerResources { cpu_shares: 51, ..LinuxContainerResources::default() };
        let resources =
            LinuxContainerResources { memory_limit_in_bytes: 64 << 20, ..LinuxContainerResources::default() };
        node.cri.update_pod_resources(&pod.id, Some(overhead), Some(resources)).await?;
        node.kill_daemon()?;
        node.start_daemon().await?;
        let info = node.cri.pod_status_verbose(&pod.id).await?.info;
        let info: serde_json::Value = serde_json::from_str(&info["info"])?;
        assert_eq!(info["overhead"]["cpuShares"], 51, "{info}");
        assert_eq!(info["resources"]["memoryLimitInBytes"], 64 << 20, "{info}");

        for never in ["no-such-pod", &"b".repeat(64)] {
            refused(node.cri.update_pod_resources(never, None, None).await, &[Code::NotFound], &[never])?;
        }
        node.cri.stop_pod(&pod.id).await?;
        let stopped = node.cri.update_pod_resources(&pod.id, None, None).await;
        refused(stopped, &[Code::FailedPrecondition], &[&pod.id])?;
        node.finish().await
    })
}
