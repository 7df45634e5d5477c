//! Takes away whatever a pod's record says exists. Callers: a failed run, StopPodSandbox, RemovePodSandbox, recovery.
//!
//! Idempotent, and it goes on after an error: one thing that will not go must not keep the others.
use std::{fs, io, os::fd::AsFd, path::Path, sync::Arc};

use proto::record;

use super::Pod;
use crate::{
    blocking, container,
    ctx::Ctx,
    error::{Error, Result, io_kind},
    monitor::launch,
    steps::Step,
};

/// Ends every process of the pod and releases its network. Files and records stay.
pub(crate) async fn kernel_objects(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    let mut failures = Vec::new();
    failures.extend(containers(cx, pod).await.err());
    failures.extend(network(cx, pod).await.err());
    failures.extend(monitor(cx, pod).await.err());
    failures.extend(leavings(cx, pod).await.err());
    first(failures)
}

async fn containers(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    cx.steps.reach(Step::StopPodContainers)?;
    let stops = cx.store.containers_of(pod.id()).into_iter().map(|container| {
        let cx = cx.clone();
        async move { container::stop::stop(&cx, &container, 0).await }
    });
    first(futures_util::future::join_all(stops).await.into_iter().filter_map(Result::err).collect())
}

async fn network(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    cx.steps.reach(Step::StopPodNetwork)?;
    let (cx, pod) = (cx.clone(), pod.clone());
    blocking::run("detach pod network", move || {
        let record = pod.record();
        cx.network.detach(&record)?;
        if !record.cni_network.is_empty() {
            // Plugins have been told; telling them again costs a process each and helps nobody.
            pod.update(&cx, |record| {
                record.cni_network.clear();
                record.ips.clear();
            })?;
        }
        Ok(())
    })
    .await
}

/// The monitor holds the pod's namespaces; they go with it.
async fn monitor(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    cx.steps.reach(Step::StopPodMonitor)?;
    match pod.take_monitor() {
        Some(monitor) => monitor.shut_down().await?,
        None => {
            let (cx, pod) = (cx.clone(), pod.clone());
            blocking::run("end a lost monitor", move || launch::end_unadopted(&cx, &pod)).await?;
        }
    }
    // A container that could not be stopped before has ended with it, and nobody is left to report that.
    let mut failures = Vec::new();
    for container in cx.store.containers_of(pod.id()) {
        failures.extend(container::exited::monitor_lost(cx, &container).await.err());
    }
    first(failures)
}

/// What is left in file systems that a reboot empties: the run directory, a cgroup we made.
async fn leavings(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    let (cx, pod) = (cx.clone(), pod.clone());
    blocking::run("remove a pod's run files", move || {
        let record = pod.record();
        remove_tree(&cx.layout.pod_run(pod.id()))?;
        if record.owns_cgroup_parent {
            cx.cgroups.remove(&record.cgroup_parent).map_err(Error::from)?;
        }
        if !record.ips.is_empty() {
            // Off the record first: a second teardown must not release an address that is another pod's by then.
            pod.update(&cx, |record| record.ips.clear())?;
            cx.network.release(&record);
        }
        Ok(())
    })
    .await
}

/// Removes a tree of ours; one that is gone is as good as removed. A container may have made it as deep as it liked, so this
/// neither recurses nor keeps a descriptor per level.
pub(crate) fn remove_tree(path: &Path) -> Result<()> {
    let failed = |error: sys::Error| {
        let error = io::Error::from(error);
        Error::caused(io_kind(&error), format!("remove {}", path.display()), error)
    };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::internal(format!("remove {}: not the path of an entry", path.display())));
    };
    let parent = match sys::path::open_dir(parent) {
        Err(error) if error.errno == sys::Errno::ENOENT => return Ok(()),
        opened => opened.map_err(failed)?,
    };
    sys::at::remove_all(parent.as_fd(), name.as_encoded_bytes()).map_err(failed)
}

/// The error of the whole: the first one, with how many more there were.
pub(crate) fn first(failures: Vec<Error>) -> Result<()> {
    let more = failures.len().saturating_sub(1);
    match failures.into_iter().next() {
        None => Ok(()),
        Some(error) if more == 0 => Err(error),
        Some(error) => Err(error.within(format!("{} things would not go, the first", more + 1))),
    }
}

/// After a run that failed: all gone, or a stopped sandbox that kubelet's next Stop and Remove find.
pub(crate) async fn after_failed_run(cx: &Arc<Ctx>, pod: &Arc<Pod>) {
    let taken = async {
        kernel_objects(cx, pod).await?;
        forget(cx, pod).await
    };
    if let Err(error) = taken.await {
        tracing::warn!(pod = %pod.id(), error = error.chain(), "a failed sandbox could not be taken away whole; it stays listed as not ready");
        if pod.save(cx, |record| record.set_state(record::State::Stopped)).await.is_err() {
            pod.mark(record::State::Stopped);
        }
    }
}

/// Deletes the pod's files, its record last, then its name.
pub(crate) async fn forget(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    let (context, target) = (cx.clone(), pod.clone());
    blocking::run("remove a pod's files", move || {
        let state = context.layout.pod(target.id());
        remove_tree(&context.layout.pod_exits(target.id()))?;
        for file in [
            context.layout.pod_hosts(target.id()),
            context.layout.pod_resolv_conf(target.id()),
            context.layout.pod_hostname(target.id()),
        ] {
            let _ = fs::remove_file(file);
        }
        // The record goes with its directory, as the last thing that knows the name.
        remove_tree(&state)
    })
    .await?;
    pod.mark(record::State::Removing);
    cx.store.forget_pod(pod);
    Ok(())
}
