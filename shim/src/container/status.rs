//! ContainerStatus: from memory.
use std::collections::HashMap;

use proto::{cri, record};

use super::Container;
use crate::{
    ctx::Ctx,
    error::{Error, Result},
    image,
};

pub(crate) fn status(cx: &Ctx, id: &str, verbose: bool) -> Result<cri::ContainerStatusResponse> {
    let container = cx.store.container(id)?;
    if !container.is_visible() {
        return Err(Error::not_found(format!("container {id:?}: not found")));
    }
    let info = if verbose { info(cx, &container) } else { HashMap::new() };
    Ok(cri::ContainerStatusResponse { status: Some(of(cx, &container)), info })
}

pub(crate) fn cri_state(state: record::State) -> cri::ContainerState {
    match state {
        record::State::Ready => cri::ContainerState::ContainerCreated,
        record::State::Running => cri::ContainerState::ContainerRunning,
        record::State::Stopped => cri::ContainerState::ContainerExited,
        record::State::Creating | record::State::Removing | record::State::Unspecified => {
            cri::ContainerState::ContainerUnknown
        }
    }
}

pub(crate) fn of(cx: &Ctx, container: &Container) -> cri::ContainerStatus {
    let record = container.record();
    let none = cri::ContainerConfig::default();
    // The environment is most of it, and not shown here.
    let config = record.config.as_ref().unwrap_or(&none);
    let asked = config.image.clone().unwrap_or_default();
    cri::ContainerStatus {
        id: record.id.clone(),
        metadata: config.metadata.clone(),
        state: cri_state(record.state()).into(),
        created_at: record.created_at_ns,
        started_at: record.started_at_ns,
        finished_at: record.finished_at_ns,
        exit_code: record.exit_code,
        image: Some(cri::ImageSpec { image: image::shown(&asked).to_owned(), ..asked }),
        image_ref: image_ref(&record),
        image_id: record.image_id.clone(),
        reason: reason(&record),
        message: record.message.clone(),
        labels: config.labels.clone(),
        annotations: config.annotations.clone(),
        mounts: mounts(config.mounts.clone(), &record.volume_images),
        log_path: log_path(cx, container, &config.log_path),
        resources: Some(cri::ContainerResources { linux: record.resources.clone(), windows: None }),
        user: Some(cri::ContainerUser {
            linux: Some(cri::LinuxContainerUser {
                uid: record.uid.into(),
                gid: record.gid.into(),
                supplemental_groups: record.additional_gids.iter().map(|gid| i64::from(*gid)).collect(),
            }),
        }),
        stop_signal: stop_signal(&record).into(),
    }
}

/// As they were asked for, with the id of each image that turned out to be meant.
fn mounts(mut asked: Vec<cri::Mount>, images: &[record::VolumeImage]) -> Vec<cri::Mount> {
    for image in images {
        let mount = usize::try_from(image.mount).ok().and_then(|index| asked.get_mut(index));
        if let Some(spec) = mount.and_then(|mount| mount.image.as_mut()) {
            spec.image_ref.clone_from(&image.image_id);
        }
    }
    asked
}

/// What kubelet shows as a container's `imageID`.
pub(super) fn image_ref(record: &record::Container) -> String {
    if record.image_ref.is_empty() { record.image_id.clone() } else { record.image_ref.clone() }
}

/// As CRI numbers it; nothing for a signal CRI has no name for.
fn stop_signal(record: &record::Container) -> cri::Signal {
    spec::StopSignal::parse(&record.stop_signal).map_or(cri::Signal::RuntimeDefault, spec::StopSignal::to_cri)
}

fn reason(record: &record::Container) -> String {
    match record.state() {
        record::State::Stopped if record.oom_killed => "OOMKilled".into(),
        record::State::Stopped if !record.reason.is_empty() => record.reason.clone(),
        record::State::Stopped if record.exit_code == 0 => "Completed".into(),
        record::State::Stopped => "Error".into(),
        _ => String::new(),
    }
}

fn log_path(cx: &Ctx, container: &Container, relative: &str) -> String {
    let directory = cx.store.pod(container.pod_id().as_str()).map(|pod| {
        pod.record().config.as_ref().map(|config| config.log_directory.clone()).unwrap_or_default()
    });
    match directory {
        Ok(directory) if !relative.is_empty() && !directory.is_empty() => {
            std::path::Path::new(&directory).join(relative).display().to_string()
        }
        _ => String::new(),
    }
}

fn info(cx: &Ctx, container: &Container) -> HashMap<String, String> {
    let record = container.record();
    let spec: serde_json::Value = std::fs::read(cx.layout.container_spec(container.id()))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let info = serde_json::json!({
        "sandboxID": record.pod_id,
        "pid": if record.state() == record::State::Running { record.pid } else { 0 },
        "owner": record.owner,
        "cgroupPath": record.cgroup_path,
        "layers": record.layers,
        "exitSignal": record.exit_signal,
        "runtimeSpec": spec,
    });
    HashMap::from([("info".to_owned(), info.to_string())])
}
