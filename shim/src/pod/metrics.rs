//! ListMetricDescriptors and ListPodSandboxMetrics: what cAdvisor measures for other runtimes, measured here.
//!
//! Values are whole numbers by contract, also where a metric counts seconds. A metric the kernel has no number for is left
//! out. No two samples have the same name and labels: a single such pair would cost the node all of its metrics.
use std::sync::Arc;

use proto::{cri, record};

use super::{Pod, interfaces, list};
use crate::{
    blocking,
    container::{self, Container},
    ctx::{Ctx, now_ns},
    error::Result,
    image,
};

mod cpu;
mod disk;
mod memory;
mod network;
mod pressure;
mod processes;
mod samples;
mod table;

use disk::LayerDisk;
use samples::{Samples, Subject};

/// Always the same list.
pub(crate) fn descriptors() -> Vec<cri::MetricDescriptor> {
    table::TABLE.iter().map(|metric| metric.cri()).collect()
}

/// Of every pod that is ready, and its running containers.
pub(crate) async fn list(cx: &Arc<Ctx>) -> Result<Vec<cri::PodSandboxMetrics>> {
    let cx = cx.clone();
    blocking::run("read the pods' metrics", move || {
        let disk = LayerDisk::of(&cx.layout.containers());
        Ok(cx.store.pods().iter().filter_map(|pod| of_pod(&cx, pod, disk.as_ref())).collect())
    })
    .await
}

fn of_pod(cx: &Ctx, pod: &Pod, disk: Option<&LayerDisk>) -> Option<cri::PodSandboxMetrics> {
    let record = pod.record();
    if !list::visible(&record) || record.state() != record::State::Ready {
        return None;
    }
    let containers = cx.store.containers_of(pod.id());
    Some(cri::PodSandboxMetrics {
        pod_sandbox_id: record.id.clone(),
        metrics: pod_metrics(cx, &record),
        container_metrics: containers
            .iter()
            .filter_map(|container| of_container(cx, &record, container, disk))
            .collect(),
    })
}

fn pod_metrics(cx: &Ctx, record: &record::Pod) -> Vec<cri::Metric> {
    let mut samples = Samples::of(subject(record, None));
    if let Ok(read) = cx.cgroups.metrics(&record.cgroup_parent) {
        add_group(&mut samples, &read);
    }
    network::add(&mut samples, &interfaces::of(record));
    add_times(&mut samples, record.created_at_ns);
    samples.finish()
}

fn of_container(
    cx: &Ctx,
    pod: &record::Pod,
    container: &Container,
    disk: Option<&LayerDisk>,
) -> Option<cri::ContainerMetrics> {
    let record = container.record();
    if !container.is_visible() || record.state() != record::State::Running {
        return None;
    }
    let read = cx.cgroups.metrics(&record.cgroup_path).ok()?;
    let pids = cx.cgroups.pids(&record.cgroup_path).ok()?;
    let mut samples = Samples::of(subject(pod, Some(&record)));
    add_group(&mut samples, &read);
    disk::add_traffic(&mut samples, &read.block);
    processes::add(&mut samples, &read, &pids, record.pid);
    if let Some(disk) = disk {
        let (age, usage) = container::layer::usage(cx, container);
        let age = i64::try_from(age.as_nanos()).unwrap_or(0);
        // 0 says that it was counted just now.
        let counted_ns = if age == 0 { 0 } else { now_ns() - age };
        disk::add_layer(&mut samples, disk, usage.bytes, counted_ns);
    }
    add_times(&mut samples, record.started_at_ns);
    Some(cri::ContainerMetrics { container_id: record.id.clone(), metrics: samples.finish() })
}

/// What is counted for the group of a pod as for that of a container.
fn add_group(samples: &mut Samples, read: &cgroup::metrics::Metrics) {
    cpu::add(samples, &read.cpu);
    memory::add(samples, &read.memory);
    memory::add_huge_pages(samples, &read.huge_pages);
    pressure::add(samples, &read.pressure);
}

fn add_times(samples: &mut Samples, started_ns: i64) {
    samples.seconds(table::START_TIME, u64::try_from(started_ns).ok());
    samples.seconds(table::LAST_SEEN, u64::try_from(now_ns()).ok());
}

/// Labels as cAdvisor fills them: of a pod itself, `container` and `image` are empty.
fn subject(pod: &record::Pod, container: Option<&record::Container>) -> Subject {
    let sandbox = pod.config.as_ref().and_then(|config| config.metadata.clone()).unwrap_or_default();
    let config = container.and_then(|container| container.config.as_ref());
    let image = config.and_then(|config| config.image.as_ref());
    let image = image.map(|asked| image::shown(asked).to_owned());
    let name = config.and_then(|config| config.metadata.as_ref()).map(|metadata| metadata.name.clone());
    let (group, id) =
        container.map_or((&pod.cgroup_parent, &pod.id), |container| (&container.cgroup_path, &container.id));
    Subject {
        labels: [
            name.unwrap_or_default(),
            group.clone(),
            image.unwrap_or_default(),
            id.clone(),
            sandbox.namespace,
            sandbox.name,
        ],
    }
}

#[cfg(test)]
mod tests;
