//! Start-up: reads the records, reconciles them with the kernel, finishes or takes away what was under way.
//!
//! Everything is found from ids: records and run directories by their names, monitors by their argument, cgroups and
//! interfaces by what the record says. Teardown is the same code that a failed run and StopPodSandbox use.
use std::{fs, path::Path, sync::Arc};

use futures_util::future::join_all;
use prost::Message;
use proto::record::{self, State};

use super::read;
use crate::{
    blocking,
    container::{self, Container},
    ctx::Ctx,
    error::{Error, IoContext, Kind, Result},
    ids::{ContainerId, PodId},
    monitor::{Monitor, launch, watch},
    pod::{Pod, teardown},
    store::Claim,
};

/// Brings the daemon's memory, the records and the kernel together. Nothing is served before it has returned.
pub(crate) async fn recover(cx: &Arc<Ctx>) -> Result<()> {
    let context = cx.clone();
    let (pods, containers) = blocking::run("read the records", move || load(&context)).await?;
    let running = blocking::run("look for monitors", || {
        sys::proc_table::Named::scan("berth-monitor")
            .map_err(|error| Error::caused(Kind::Internal, "look for monitors", error))
    })
    .await?;
    // Beside each other: one pod that hangs must not hold up the others.
    join_all(pods.iter().map(|pod| recover_pod(cx, pod, &running))).await;
    join_all(containers.iter().map(|container| recover_container(cx, container))).await;
    let context = cx.clone();
    blocking::run("take away leftovers", move || leftovers(&context)).await?;
    tracing::info!(pods = cx.store.pods().len(), containers = cx.store.containers().len(), "recovered");
    Ok(())
}

type Loaded = (Vec<Arc<Pod>>, Vec<Arc<Container>>);

fn load(cx: &Ctx) -> Result<Loaded> {
    let mut pods = Vec::new();
    for name in names(&cx.layout.pods())? {
        let Ok(id) = PodId::parse(&name) else { continue };
        let record = intact::<record::Pod>(cx, &cx.layout.pod_record(&id), &name)?;
        let Some(record) = record else {
            abandoned_pod(cx, &id);
            continue;
        };
        cx.network.reserve(&record);
        let pod = Arc::new(Pod::new(id, record));
        if let Claim::Held(_) = cx.store.claim_pod(&pod) {
            tracing::warn!(pod = %pod.id(), "two records hold one name; the second is stopped");
        }
        pods.push(pod);
    }
    let mut containers = Vec::new();
    for name in names(&cx.layout.containers())? {
        let Ok(id) = ContainerId::parse(&name) else { continue };
        let record = intact::<record::Container>(cx, &cx.layout.container_record(&id), &name)?;
        let pod = record.as_ref().and_then(|record| PodId::parse(&record.pod_id).ok());
        let (Some(record), Some(pod)) = (record, pod) else {
            teardown::remove_tree(&cx.layout.container(&id))?;
            continue;
        };
        let container = Arc::new(Container::new(id, pod, record));
        if let Claim::New = cx.store.claim_container(&container) {
            containers.push(container);
        }
    }
    Ok((pods, containers))
}

fn names(directory: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(directory).doing(|| format!("list {}", directory.display()))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// A record that reads back; a damaged one is set aside for a person to look at.
fn intact<M: Message + Default>(cx: &Ctx, path: &Path, name: &str) -> Result<Option<M>> {
    match read::<M>(path) {
        Err(error) if error.kind() == Kind::Corrupt => {
            tracing::error!(record = %path.display(), error = error.chain(), "a record is damaged; it is kept aside, what it named is taken away");
            fs::create_dir_all(cx.layout.damaged())
                .doing(|| "make the directory for damaged records".into())?;
            fs::rename(path, cx.layout.damaged().join(name))
                .doing(|| format!("set {} aside", path.display()))?;
            Ok(None)
        }
        outcome => outcome,
    }
}

/// A pod directory without a record: a crash before the record was written, or a damaged one.
fn abandoned_pod(cx: &Ctx, id: &PodId) {
    let nameless = Pod::new(id.clone(), record::Pod { id: id.to_string(), ..record::Pod::default() });
    let gone = launch::end_unadopted(cx, &nameless)
        .and_then(|()| Ok(cx.cgroups.remove(&cx.own_cgroup(id.as_str())?)?))
        .and_then(|()| teardown::remove_tree(&cx.layout.pod_run(id)))
        .and_then(|()| teardown::remove_tree(&cx.layout.pod(id)));
    if let Err(error) = gone {
        tracing::warn!(pod = %id, error = error.chain(), "an abandoned pod directory could not be taken away");
    }
}

async fn recover_pod(cx: &Arc<Ctx>, pod: &Arc<Pod>, running: &sys::proc_table::Named) {
    let this_boot = pod.record().boot_id == cx.boot_id;
    match pod.state() {
        State::Ready if this_boot => match launch::adopt(cx, pod, running) {
            Some(monitor) => follow(cx, pod, monitor).await,
            None => {
                tracing::error!(pod = %pod.id(), "the pod's monitor is gone; the sandbox is stopped");
                watch::end_without_monitor(cx, pod).await;
            }
        },
        State::Ready => watch::end_without_monitor(cx, pod).await,
        // Half made, or half taken away: the record names what there may be.
        State::Creating | State::Removing | State::Unspecified => teardown::after_failed_run(cx, pod).await,
        State::Running | State::Stopped => {
            // Its stop was interrupted. With its monitor the containers end as ever, and their exits are told.
            if let Some(monitor) = this_boot.then(|| launch::adopt(cx, pod, running)).flatten() {
                follow(cx, pod, monitor).await;
            }
            if let Err(error) = teardown::kernel_objects(cx, pod).await {
                tracing::warn!(pod = %pod.id(), error = error.chain(), "a stopped sandbox could not be cleared; StopPodSandbox tries again");
            }
        }
    }
}

/// Takes a living monitor over, with what it saw meanwhile.
async fn follow(cx: &Arc<Ctx>, pod: &Arc<Pod>, monitor: Arc<Monitor>) {
    pod.adopt_monitor(monitor.clone());
    if let Err(error) = watch::catch_up(cx, &monitor).await {
        tracing::warn!(pod = %pod.id(), error = error.chain(), "the pod's monitor could not be asked; its watch goes on asking");
    }
    watch::spawn(cx, pod);
}

async fn recover_container(cx: &Arc<Ctx>, container: &Arc<Container>) {
    let pod = cx.store.pod(container.pod_id().as_str()).ok();
    let orphan = pod.as_ref().is_none_or(|pod| pod.state() == State::Removing);
    if orphan || !matches!(container.state(), State::Ready | State::Running | State::Stopped) {
        if let Err(error) = container::remove::teardown(cx, container).await {
            tracing::warn!(container = %container.id(), error = error.chain(), "a half-made container could not be taken away");
        }
        return;
    }
    // Ended while no daemon ran: the monitor has left a note. Its watch would say the same, later.
    if let Some(exited) = container::exited::from_disk(cx, container.pod_id(), container) {
        container::exited::commit(cx, container, exited).await;
    }
    if container.state() == State::Ready {
        unstarted(cx, container).await;
    }
}

/// A start that got no further than the cgroup is asked for again, or never; nothing waits in it.
async fn unstarted(cx: &Arc<Ctx>, container: &Arc<Container>) {
    let (context, target) = (cx.clone(), container.clone());
    let removed = blocking::run("remove an unused cgroup", move || {
        let path = &target.record().cgroup_path;
        match context.cgroups.pids(path)?.as_slice() {
            [] => context.cgroups.remove(path).map_err(Error::from),
            // Its start is under way in the monitor, which reports it.
            _ => Ok(()),
        }
    });
    if let Err(error) = removed.await {
        tracing::warn!(container = %container.id(), error = error.chain(), "the cgroup of an interrupted start stays until the container is removed");
    }
}

/// Run directories and interfaces that no record names.
fn leftovers(cx: &Ctx) -> Result<()> {
    for name in names(&cx.layout.run_pods())? {
        let Ok(id) = PodId::parse(&name) else { continue };
        if cx.store.pod(&name).is_err() {
            abandoned_pod(cx, &id);
        }
    }
    let network = cx.network.prune(cx.store.pods().iter().map(|pod| pod.id().to_string()));
    if let Err(error) = network {
        tracing::warn!(error = error.chain(), "network leftovers could not be looked for");
    }
    cx.images.gc(&crate::image::layers_in_use(cx))?;
    Ok(())
}
