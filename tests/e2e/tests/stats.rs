//! Stats of containers and pods: numbers that are true and grow as they should.

use std::time::Duration;

use e2e::refused;
use harness::{Node, Result, container, run, until};
use proto::cri::{ContainerStats, FilesystemUsage, UInt64Value};
use tonic::Code;

fn number(value: Option<UInt64Value>) -> u64 {
    value.unwrap_or_default().value
}

fn cpu_ns(stats: &ContainerStats) -> u64 {
    number(stats.cpu.as_ref().and_then(|cpu| cpu.usage_core_nano_seconds))
}

#[test]
fn cpu_memory_and_the_writable_layer_are_counted() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one = container("c")
            .shell("head -c 8000000 /dev/zero > /big; while :; do :; done")
            .label("a", "b")
            .memory(256 << 20);
        let id = node.start_container(&pod, &one).await?;
        let first = node.cri.stats(&id).await?;
        let attributes = first.attributes.clone().unwrap_or_default();
        assert_eq!(
            (attributes.id.as_str(), attributes.labels.get("a").map(String::as_str)),
            (id.as_str(), Some("b"))
        );
        assert_eq!(attributes.metadata.unwrap_or_default().name, "c");
        let deadline = Duration::from_secs(20);
        until("it used a fifth of a second of CPU", deadline, async || {
            node.cri.stats(&id).await.is_ok_and(|stats| cpu_ns(&stats) > cpu_ns(&first) + 200_000_000)
        })
        .await?;
        until("eight megabytes are in the writable layer", deadline, async || {
            let layer =
                node.cri.stats(&id).await.ok().and_then(|stats| stats.writable_layer).unwrap_or_default();
            number(layer.used_bytes) >= 8_000_000 && number(layer.inodes_used) >= 1
        })
        .await?;
        let memory = node.cri.stats(&id).await?.memory.unwrap_or_default();
        assert!(memory.timestamp > 0 && number(memory.usage_bytes) > 0, "{memory:?}");
        assert!(number(memory.working_set_bytes) <= number(memory.usage_bytes), "{memory:?}");
        until("the rate of a busy container is measured", deadline, async || {
            let cpu = node.cri.stats(&id).await.ok().and_then(|stats| stats.cpu).unwrap_or_default();
            number(cpu.usage_nano_cores) > 10_000_000
        })
        .await?;
        node.finish().await
    })
}

#[test]
fn a_container_that_never_started_spoils_no_list() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("p").await?;
        node.create(&pod, &container("created")).await?;
        let exited = node.start_container(&pod, &container("exited").shell("exit 0")).await?;
        node.wait_exit(&exited).await?;
        let all = node.cri.all_stats().await?;
        assert!(
            all.iter().any(|stats| stats.attributes.as_ref().is_some_and(|attributes| attributes.id == id)),
            "{all:?}"
        );
        let never = "c".repeat(64);
        refused(node.cri.stats(&never).await, &[Code::NotFound], &[&never])?;
        node.finish().await
    })
}

#[test]
fn a_pod_sums_its_containers_and_counts_its_traffic() -> Result {
    run(async {
        let node = Node::start().await?;
        let (one, first) = node.sleeper("one").await?;
        let (two, _) = node.sleeper("two").await?;
        let serve =
            "mkdir /tmp/w; head -c 300000 /dev/zero > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w";
        node.start_container(&two, &container("www").shell(serve)).await?;
        let address = node.address(&two).await?;
        let deadline = Duration::from_secs(20);
        let fetch = format!("wget -qO- {address} | wc -c");
        until("the page is fetched", deadline, async || {
            node.cri.shell(&first, &fetch).await.is_ok_and(|text| text.trim() == "300000")
        })
        .await?;
        let stats = node.cri.pod_stats(&one.id).await?;
        assert_eq!(stats.attributes.unwrap_or_default().id, one.id);
        let linux = stats.linux.unwrap_or_default();
        assert!(number(linux.cpu.and_then(|cpu| cpu.usage_core_nano_seconds)) > 0);
        assert!(number(linux.memory.and_then(|memory| memory.usage_bytes)) > 0);
        let eth0 = linux.network.and_then(|network| network.default_interface).unwrap_or_default();
        assert_eq!(eth0.name, "eth0");
        assert!(number(eth0.rx_bytes) > 300_000 && number(eth0.tx_bytes) > 1_000, "{:?}", eth0);
        assert!(number(linux.process.and_then(|process| process.process_count)) >= 1);
        assert_eq!(linux.containers.len(), 1);
        assert_eq!(node.cri.all_pod_stats().await?.len(), 2);
        let never = "b".repeat(64);
        refused(node.cri.pod_stats(&never).await, &[Code::NotFound], &[&never])?;
        node.finish().await
    })
}

#[test]
fn what_containers_write_is_told_apart_from_images() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, _) = node.sleeper("p").await?;
        let (images, containers) = node.cri.file_systems().await?;
        let at = |usage: &FilesystemUsage| usage.fs_id.clone().unwrap_or_default().mountpoint;
        assert_eq!(at(&images), node.slot.root().join("images").to_string_lossy());
        assert_eq!(at(&containers), node.slot.root().join("containers").to_string_lossy());
        assert!(number(images.used_bytes) > 0 && number(containers.inodes_used) >= 1);

        // Deeper than any path is long, and in no process's way any more.
        let line = "i=0; while [ $i -lt 60 ]; do d=$(printf %0100d $i); mkdir $d; cd $d; i=$((i+1)); done; \
                    head -c 5000000 /dev/zero > big";
        let id = node.start_container(&pod, &container("writer").shell(line)).await?;
        assert_eq!(node.wait_exit(&id).await?.exit_code, 0);
        let (after, full) = node.cri.file_systems().await?;
        assert!(number(full.used_bytes) >= number(containers.used_bytes) + 5_000_000, "{full:?}");
        assert!(number(full.inodes_used) >= number(containers.inodes_used) + 61, "{full:?}");
        assert_eq!(number(after.used_bytes), number(images.used_bytes), "no image has grown");
        node.cri.remove(&id).await?;
        let (_, less) = node.cri.file_systems().await?;
        assert!(number(less.used_bytes) + 5_000_000 <= number(full.used_bytes), "{less:?}");
        node.finish().await
    })
}
