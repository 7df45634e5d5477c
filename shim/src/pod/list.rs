//! ListPodSandbox: from memory, filtered.
use proto::{cri, record};

use super::Pod;
use crate::{ctx::Ctx, store::KUBERNETES};

pub(crate) fn list(cx: &Ctx, filter: Option<&cri::PodSandboxFilter>) -> Vec<cri::PodSandbox> {
    let mut pods: Vec<_> = cx
        .store
        .pods()
        .iter()
        .map(|pod| pod.record())
        .filter(|record| visible(record) && filter.is_none_or(|filter| matches(record, filter)))
        .map(|record| item(&record))
        .collect();
    pods.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
    pods
}

/// Whether a client may see the pod: its own front door's, and past its creation.
pub(crate) fn visible(record: &record::Pod) -> bool {
    record.owner == KUBERNETES && matches!(record.state(), record::State::Ready | record::State::Stopped)
}

pub(crate) fn cri_state(state: record::State) -> cri::PodSandboxState {
    if state == record::State::Ready {
        cri::PodSandboxState::SandboxReady
    } else {
        cri::PodSandboxState::SandboxNotready
    }
}

/// Every label asked for is there with the value asked for.
pub(crate) fn labels_match(
    wanted: &std::collections::HashMap<String, String>,
    labels: &std::collections::HashMap<String, String>,
) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn matches(record: &record::Pod, filter: &cri::PodSandboxFilter) -> bool {
    let labels = record.config.as_ref().map(|config| &config.labels);
    record.id.starts_with(&filter.id)
        && filter.state.as_ref().is_none_or(|state| state.state() == cri_state(record.state()))
        && labels.is_some_and(|labels| labels_match(&filter.label_selector, labels))
}

fn item(record: &record::Pod) -> cri::PodSandbox {
    let none = cri::PodSandboxConfig::default();
    let config = record.config.as_ref().unwrap_or(&none);
    cri::PodSandbox {
        id: record.id.clone(),
        metadata: config.metadata.clone(),
        state: cri_state(record.state()).into(),
        created_at: record.created_at_ns,
        labels: config.labels.clone(),
        annotations: config.annotations.clone(),
        runtime_handler: record.runtime_handler.clone(),
    }
}

impl Pod {
    /// False for pods of other front doors and pods being made.
    pub(crate) fn is_visible(&self) -> bool {
        visible(&self.record())
    }
}
