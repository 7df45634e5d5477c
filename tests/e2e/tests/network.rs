//! The built-in network: pods reach each other and the node, the node reaches them, ports are forwarded, addresses return.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use e2e::refused;
use harness::{Node, Options, Result, RunningPod, container, http, run, until};
use proto::cri::{PortMapping, Protocol};
use tonic::Code;

const PATIENCE: Duration = Duration::from_secs(30);

/// Serves its pod's name on port 80.
async fn server(node: &Node, pod: &RunningPod) -> Result<String> {
    let id = node
        .start_container(
            pod,
            &container("www")
                .shell("mkdir /tmp/w; hostname > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w"),
        )
        .await?;
    until("the pod's server listens", PATIENCE, async || {
        node.cri.shell(&id, "wget -qO- 127.0.0.1").await.is_ok()
    })
    .await?;
    Ok(id)
}

#[test]
fn pods_reach_each_other_and_the_node_reaches_them() -> Result {
    run(async {
        let node = Node::start().await?;
        let [one, two] = [node.run_pod(&node.pod("one")).await?, node.run_pod(&node.pod("two")).await?];
        let (first, second) = (server(&node, &one).await?, server(&node, &two).await?);
        let [a, b] = [node.address(&one).await?, node.address(&two).await?];
        assert_ne!(a, b);
        assert_eq!(node.cri.shell(&first, &format!("wget -qO- {b}")).await?, "two\n");
        assert_eq!(node.cri.shell(&second, &format!("wget -qO- {a}")).await?, "one\n");
        assert_eq!(http::get(SocketAddr::new(a, 80), "/")?.text(), "one\n");
        let inside = node.cri.shell(&first, "ip -4 addr show eth0; ip route; ip link show lo").await?;
        assert!(inside.contains(&a.to_string()) && inside.contains("default via"), "{inside}");
        assert!(inside.contains("LOOPBACK,UP"), "{inside}");
        node.finish().await
    })
}

#[test]
fn a_host_port_leads_to_the_pod_from_everywhere_and_ends_with_it() -> Result {
    run(async {
        let node = Node::start().await?;
        let port = node.slot.host_port()?;
        let pod = node.run_pod(&node.pod("web").host_port(port, 80)).await?;
        server(&node, &pod).await?;
        let local = SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(http::get(local, "/")?.text(), "web\n", "by the node's loopback");
        let gateway = gateway(&node);
        assert_eq!(http::get(SocketAddr::new(gateway, port), "/")?.text(), "web\n", "by the node's address");
        let other = node.run_pod(&node.pod("other")).await?;
        let client = node.start_container(&other, &container("c").shell("exec sleep 1000")).await?;
        assert_eq!(
            node.cri.shell(&client, &format!("wget -qO- {gateway}:{port}")).await?,
            "web\n",
            "from another pod"
        );
        let own = node.start_container(&pod, &container("self").shell("exec sleep 1000")).await?;
        assert_eq!(
            node.cri.shell(&own, &format!("wget -qO- {gateway}:{port}")).await?,
            "web\n",
            "from the pod itself"
        );
        node.remove_pod(&pod).await?;
        assert!(http::get(local, "/").is_err(), "nobody is there any more");
        node.finish().await
    })
}

/// The bridge's address: the first of the subnet.
fn gateway(node: &Node) -> IpAddr {
    let [a, b, c, _] = node.slot.network().octets();
    IpAddr::from([a, b, c, 1])
}

#[test]
fn a_host_port_can_be_bound_to_one_address() -> Result {
    run(async {
        let node = Node::start().await?;
        let port = node.slot.host_port()?;
        let mut wanted = node.pod("web");
        let mapping = PortMapping {
            host_port: i32::from(port),
            container_port: 80,
            host_ip: "127.0.0.1".to_owned(),
            ..Default::default()
        };
        wanted.config.port_mappings.push(mapping);
        let pod = node.run_pod(&wanted).await?;
        server(&node, &pod).await?;
        assert_eq!(http::get(([127, 0, 0, 1], port).into(), "/")?.text(), "web\n");
        assert!(http::get(SocketAddr::new(gateway(&node), port), "/").is_err(), "not by another address");
        node.finish().await
    })
}

#[test]
fn two_pods_cannot_have_the_same_host_port() -> Result {
    run(async {
        let node = Node::start().await?;
        let port = node.slot.host_port()?;
        let pod = node.run_pod(&node.pod("one").host_port(port, 80)).await?;
        let before = node.leftovers()?;
        let answer = node.cri.run_pod(&node.pod("two").host_port(port, 81).config).await;
        refused(answer, &[Code::FailedPrecondition, Code::AlreadyExists], &[&port.to_string()])?;
        node.settle(&before).await?;
        // UDP is another port; and it is free again when its pod is gone.
        let mut udp = node.pod("udp").host_port(port, 80);
        udp.config.port_mappings[0].set_protocol(Protocol::Udp);
        node.run_pod(&udp).await?;
        node.remove_pod(&pod).await?;
        node.run_pod(&node.pod("two").host_port(port, 81)).await?;
        node.finish().await
    })
}

#[test]
fn ports_that_make_no_sense_are_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        for (host, inside, address) in
            [(70_000, 80, ""), (8080, 70_000, ""), (-1, 80, ""), (8080, 80, "not an address")]
        {
            let mut wanted = node.pod("p");
            let mapping = PortMapping {
                host_port: host,
                container_port: inside,
                host_ip: address.to_owned(),
                ..Default::default()
            };
            wanted.config.port_mappings.push(mapping);
            let word = if address.is_empty() { "port" } else { address };
            refused(node.cri.run_pod(&wanted.config).await, &[Code::InvalidArgument], &[word])?;
        }
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn addresses_come_back_and_running_out_of_them_is_told() -> Result {
    run(async {
        // A /29 has eight addresses: network, gateway, broadcast, and five for pods.
        let node = Node::start_with(Options { prefix: 29, ..Options::default() }).await?;
        let mut seen = BTreeSet::new();
        for round in 0..12 {
            let pod = node.run_pod(&node.pod("p").attempt(round)).await?;
            seen.insert(node.address(&pod).await?);
            node.remove_pod(&pod).await?;
        }
        assert!(seen.len() > 1, "an address is not given out again at once: {seen:?}");
        let mut pods = Vec::new();
        for number in 0..5 {
            pods.push(node.run_pod(&node.pod(&format!("full{number}"))).await?);
        }
        let before = node.leftovers()?;
        let answer = node.cri.run_pod(&node.pod("one-too-many").config).await;
        refused(answer, &[Code::ResourceExhausted], &["address"])?;
        node.settle(&before).await?;
        node.remove_pod(&pods[2]).await?;
        node.run_pod(&node.pod("fits")).await?;
        node.finish().await
    })
}

#[test]
fn ten_pods_at_once_have_ten_addresses() -> Result {
    run(async {
        let node = Node::start().await?;
        let mut running = Vec::new();
        for number in 0..10 {
            let (cri, pod) = (node.cri.clone(), node.pod(&format!("p{number}")));
            std::fs::create_dir_all(&pod.config.log_directory)?;
            running.push(tokio::spawn(async move {
                let id = cri.run_pod(&pod.config).await?;
                Ok::<_, tonic::Status>(cri.pod_status(&id).await?.network.unwrap_or_default().ip)
            }));
        }
        let mut addresses = BTreeSet::new();
        for pod in running {
            addresses.insert(pod.await??);
        }
        assert_eq!(addresses.len(), 10, "{addresses:?}");
        node.finish().await
    })
}

#[test]
fn a_port_that_a_program_of_the_node_serves_is_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let port = node.slot.host_port()?;
        let server = std::net::TcpListener::bind(("127.0.0.1", port))?;
        let before = node.leftovers()?;
        let attempt = node.cri.run_pod(&node.pod("web").host_port(port, 80).config).await;
        refused(attempt, &[Code::AlreadyExists], &[&port.to_string(), "listens", "another hostPort"])?;
        node.settle(&before).await?;
        drop(server);
        let pod = node.run_pod(&node.pod("web").host_port(port, 80)).await?;
        node.remove_pod(&pod).await?;
        node.finish().await
    })
}

#[test]
fn what_another_program_flushes_comes_back_though_no_pod_comes() -> Result {
    run(async {
        let settings = tempfile::NamedTempFile::new()?;
        std::fs::write(&settings, "[network]\nrepair_seconds = 1\n")?;
        let arguments = vec!["--config".into(), settings.path().into()];
        let node = Node::start_with(Options { arguments, ..Options::default() }).await?;
        let port = node.slot.host_port()?;
        let pod = node.run_pod(&node.pod("web").host_port(port, 80)).await?;
        server(&node, &pod).await?;
        let local = SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(http::get(local, "/")?.text(), "web\n");
        node.slot.delete_nft_table()?;
        let served = async || http::get(local, "/").is_ok_and(|page| page.text() == "web\n");
        until("the hostPort leads to the pod again", PATIENCE, served).await?;
        node.slot.flush_bridge_address()?;
        let direct = SocketAddr::new(node.address(&pod).await?, 80);
        until("the bridge has its address again", PATIENCE, async || http::get(direct, "/").is_ok()).await?;
        node.finish().await
    })
}
