//! ContainerStats: one cgroup read, and the writable layer's size.
use std::{collections::HashMap, sync::Arc};

use proto::{cri, record};

use super::{Container, layer, visible};
use crate::{
    blocking,
    ctx::{Ctx, now_ns},
    error::{Error, Result},
    pod::list::labels_match,
};

mod reading;

pub(crate) use reading::{Reading, value};

pub(crate) async fn one(cx: &Arc<Ctx>, id: &str) -> Result<cri::ContainerStats> {
    let container = cx.store.container(id)?;
    if !container.is_visible() {
        return Err(Error::not_found(format!("container {id:?}: not found")));
    }
    let cx = cx.clone();
    blocking::run("read a container's statistics", move || {
        of(&cx, &container).ok_or_else(|| {
            Error::wrong_state(format!(
                "container {}: it does not run, so it has no statistics",
                container.id()
            ))
        })
    })
    .await
}

pub(crate) async fn list(
    cx: &Arc<Ctx>,
    filter: Option<cri::ContainerStatsFilter>,
) -> Result<Vec<cri::ContainerStats>> {
    let cx = cx.clone();
    blocking::run("read the containers' statistics", move || {
        let wanted = |container: &Arc<Container>| {
            let record = container.record();
            let none = HashMap::new();
            let labels = record.config.as_ref().map_or(&none, |config| &config.labels);
            visible(&record)
                && filter.as_ref().is_none_or(|filter| {
                    record.id.starts_with(&filter.id)
                        && record.pod_id.starts_with(&filter.pod_sandbox_id)
                        && labels_match(&filter.label_selector, labels)
                })
        };
        let containers = cx.store.containers();
        Ok(containers
            .iter()
            .filter(|container| wanted(container))
            .filter_map(|container| of(&cx, container))
            .collect())
    })
    .await
}

/// None for a container that does not run: it has no cgroup to read.
pub(crate) fn of(cx: &Ctx, container: &Container) -> Option<cri::ContainerStats> {
    let record = container.record();
    if record.state() != record::State::Running {
        return None;
    }
    let reading = Reading::take(cx, &record.cgroup_path, &container.cpu_rate)?;
    let none = cri::ContainerConfig::default();
    let config = record.config.as_ref().unwrap_or(&none);
    Some(cri::ContainerStats {
        attributes: Some(cri::ContainerAttributes {
            id: record.id.clone(),
            metadata: config.metadata.clone(),
            labels: config.labels.clone(),
            annotations: config.annotations.clone(),
        }),
        cpu: Some(reading.cpu()),
        memory: Some(reading.memory()),
        writable_layer: Some(writable_layer(cx, container)),
        swap: Some(reading.swap()),
        io: reading.io(),
    })
}

fn writable_layer(cx: &Ctx, container: &Container) -> cri::FilesystemUsage {
    let (_, usage) = layer::usage(cx, container);
    cri::FilesystemUsage {
        timestamp: now_ns(),
        fs_id: Some(cri::FilesystemIdentifier { mountpoint: cx.layout.containers().display().to_string() }),
        used_bytes: Some(value(usage.bytes)),
        inodes_used: Some(value(usage.inodes)),
    }
}
