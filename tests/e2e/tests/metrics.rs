//! Metrics of pods and containers, as kubelet hands them to Prometheus.

use std::collections::{HashMap, HashSet};

use harness::{Node, Result, container, run};
use proto::cri::{ContainerMetrics, Metric, PodSandboxMetrics};

fn value(metrics: &[Metric], name: &str) -> Option<u64> {
    let metric = metrics.iter().find(|metric| metric.name == format!("container_{name}"))?;
    metric.value.as_ref().map(|value| value.value)
}

fn of_container<'a>(all: &'a [PodSandboxMetrics], id: &str) -> Option<&'a ContainerMetrics> {
    all.iter().flat_map(|pod| &pod.container_metrics).find(|container| container.container_id == id)
}

#[test]
fn metrics_tell_limits_and_processes_and_no_two_are_the_same() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("one").await?;
        let (_, other) = node.sleeper("two").await?;
        let limited = container("limited").shell("sleep 1000 & sleep 1000 & wait").memory(64 << 20);
        let limited = node.start_container(&pod, &limited).await?;
        let (descriptors, all) = node.cri.metrics().await?;
        assert_eq!(all.len(), 2);
        let container = of_container(&all, &limited).cloned().unwrap_or_default().metrics;
        assert_eq!(value(&container, "spec_memory_limit_bytes"), Some(64 << 20));
        assert_eq!(value(&container, "processes"), Some(3));
        assert_eq!(value(&container, "sockets"), Some(0));
        assert!(value(&container, "file_descriptors") >= Some(9), "{container:?}");
        assert!(value(&container, "start_time_seconds") <= value(&container, "last_seen"));
        assert!(value(&container, "fs_limit_bytes") > Some(1 << 20));
        let one = all.iter().find(|metrics| metrics.pod_sandbox_id == pod.id).cloned().unwrap_or_default();
        assert_eq!(one.container_metrics.len(), 2);
        assert!(value(&one.metrics, "network_transmit_packets_total").is_some());
        assert!(of_container(&all, &id).is_some() && of_container(&all, &other).is_some());

        let labels: HashMap<&str, usize> =
            descriptors.iter().map(|metric| (metric.name.as_str(), metric.label_keys.len())).collect();
        let mut seen = HashSet::new();
        for pod in &all {
            let containers = pod.container_metrics.iter().flat_map(|container| &container.metrics);
            for metric in pod.metrics.iter().chain(containers) {
                assert_eq!(labels.get(metric.name.as_str()), Some(&metric.label_values.len()), "{metric:?}");
                assert!(seen.insert((&metric.name, &metric.label_values)), "twice: {metric:?}");
            }
        }
        node.finish().await
    })
}
