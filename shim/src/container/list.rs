//! ListContainers: from memory, filtered.
use proto::{cri, record};

use super::{
    status::{cri_state, image_ref},
    visible,
};
use crate::{ctx::Ctx, pod::list::labels_match};

pub(crate) fn list(cx: &Ctx, filter: Option<&cri::ContainerFilter>) -> Vec<cri::Container> {
    let mut containers: Vec<_> = cx
        .store
        .containers()
        .iter()
        .map(|container| container.record())
        .filter(|record| visible(record) && filter.is_none_or(|filter| matches(record, filter)))
        .map(|record| item(&record))
        .collect();
    containers.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
    containers
}

fn matches(record: &record::Container, filter: &cri::ContainerFilter) -> bool {
    let labels = record.config.as_ref().map(|config| &config.labels);
    record.id.starts_with(&filter.id)
        && record.pod_id.starts_with(&filter.pod_sandbox_id)
        && filter.state.as_ref().is_none_or(|state| state.state() == cri_state(record.state()))
        && labels.is_some_and(|labels| labels_match(&filter.label_selector, labels))
}

fn item(record: &record::Container) -> cri::Container {
    let none = cri::ContainerConfig::default();
    // Environment and mounts are most of it, and not shown here: hundreds of containers are listed every second.
    let config = record.config.as_ref().unwrap_or(&none);
    cri::Container {
        id: record.id.clone(),
        pod_sandbox_id: record.pod_id.clone(),
        metadata: config.metadata.clone(),
        image: config.image.clone(),
        image_ref: image_ref(record),
        image_id: record.image_id.clone(),
        state: cri_state(record.state()).into(),
        created_at: record.created_at_ns,
        labels: config.labels.clone(),
        annotations: config.annotations.clone(),
    }
}
