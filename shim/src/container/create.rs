//! CreateContainer: reserve, tree, plan, commit. Nothing runs yet; every decision about the container is made here.
use std::{fs, os::unix::fs::DirBuilderExt, sync::Arc};

use oci_spec::runtime::{LinuxResources, Spec};
use prost::Message;
use proto::{cri, record};

use super::{Container, remove, update};
use crate::{
    blocking,
    ctx::{Ctx, now_ns},
    error::{Error, IoContext, Kind, Result},
    events::{self, What},
    ids::ContainerId,
    image,
    layout::private_dir,
    pod::Pod,
    records,
    steps::Step,
    store::{Claim, KUBERNETES},
};

mod input;
mod mounts;
mod volumes;

/// Makes a container in a ready sandbox, or joins the making of an equal one.
pub(crate) async fn create(cx: &Arc<Ctx>, pod: &str, config: cri::ContainerConfig) -> Result<String> {
    let pod = cx.store.pod(pod)?;
    pod.require_ready()?;
    let container = reserve(cx, &pod, config)?;
    let (context, sandbox, target) = (cx.clone(), pod.clone(), container.clone());
    container.driver.run("create", async move { operation(&context, &sandbox, &target).await }).await?;
    Ok(container.id().to_string())
}

/// Checks the request and claims the name; an equal request under way yields its container.
fn reserve(cx: &Ctx, pod: &Pod, config: cri::ContainerConfig) -> Result<Arc<Container>> {
    let metadata =
        config.metadata.as_ref().ok_or_else(|| Error::invalid("container config: metadata is missing"))?;
    if metadata.name.is_empty() {
        return Err(Error::invalid("container metadata: the name is empty"));
    }
    let id =
        ContainerId::random().map_err(|error| Error::caused(Kind::Internal, "make a container id", error))?;
    let container = Arc::new(Container::new(id.clone(), pod.id().clone(), intent(cx, pod, &id, config)));
    match cx.store.claim_container(&container) {
        Claim::New => Ok(container),
        Claim::Held(held)
            if held.state() == record::State::Creating && held.config() == container.config() =>
        {
            Ok(held)
        }
        Claim::Held(held) => Err(Error::new(
            Kind::Exists,
            format!(
                "container name {:?}: reserved by container {}; remove that one first",
                container.reserved_name(),
                held.id()
            ),
        )),
    }
}

fn intent(cx: &Ctx, pod: &Pod, id: &ContainerId, config: cri::ContainerConfig) -> record::Container {
    let resources = config.linux.as_ref().and_then(|linux| linux.resources.clone());
    record::Container {
        version: records::VERSION,
        id: id.to_string(),
        pod_id: pod.id().to_string(),
        owner: KUBERNETES.into(),
        state: record::State::Creating.into(),
        created_at_ns: now_ns(),
        cgroup_path: cx.cgroups.driver().container(&pod.record().cgroup_parent, id.as_str()),
        resources: Some(resources.unwrap_or_default()),
        tty: config.tty,
        boot_id: cx.boot_id.clone(),
        config: Some(config),
        ..record::Container::default()
    }
}

async fn operation(cx: &Arc<Ctx>, pod: &Arc<Pod>, container: &Arc<Container>) -> Result<()> {
    match container.state() {
        record::State::Creating => {}
        record::State::Ready => return Ok(()),
        _ => return Err(Error::new(Kind::Unavailable, "the container's creation failed; try again")),
    }
    let (context, sandbox, target) = (cx.clone(), pod.clone(), container.clone());
    let made = blocking::run("create a container", move || steps(&context, &sandbox, &target)).await;
    match made {
        Ok(()) => {
            events::send(cx, What::ContainerCreatedEvent, container.id().as_str(), pod.id());
            Ok(())
        }
        Err(cause) => {
            if let Err(error) = remove::teardown(cx, container).await {
                tracing::warn!(container = %container.id(), error = error.chain(), "a failed container could not be taken away whole; the next start of the daemon does");
                container.mark(|record| record.set_state(record::State::Removing));
                cx.store.forget_container(container);
            }
            Err(cause)
        }
    }
}

fn steps(cx: &Ctx, pod: &Pod, container: &Container) -> Result<()> {
    let config = container.config();
    let image = image::of_container(cx, &config)?;
    // Until the record names the layers, this keeps a removal of the image from taking them.
    let _held = cx.images.hold(&image);
    let image_mounts = mounts::images(cx, &config.mounts)?;
    cx.steps.reach(Step::CreateReserve)?;
    let layers = image::layers_of(&image);
    let directory = cx.layout.container(container.id());
    private_dir(&directory)?;
    container.update(cx, |record| {
        record.image_id = image.id.to_string();
        record.image_ref = image::pulled_as(&image, &config);
        record.layers = layers;
        record.volume_images = image_mounts.iter().map(mounts::ImageMount::record).collect();
    })?;
    cx.steps.reach(Step::CreateTree)?;
    let root = input::root_owner_mode(cx, &image)?;
    fs::DirBuilder::new()
        .mode(root.mode)
        .create(cx.layout.container_upper(container.id()))
        .doing(|| "make the writable layer".into())?;
    sys::host_path::set_owner_mode(&cx.layout.container_upper(container.id()), root.uid, root.gid, root.mode)
        .map_err(|error| Error::caused(Kind::Internal, "prepare the writable layer", error))?;
    private_dir(&cx.layout.container_work(container.id()))?;
    cx.steps.reach(Step::CreateVolumes)?;
    let volumes = volumes::make(cx, container, &config, &image)?;
    cx.steps.reach(Step::CreatePlan)?;
    let made = input::make(
        cx,
        pod,
        container,
        &config,
        &image,
        &input::Volumes { images: &image_mounts, own: &volumes },
    )?;
    write_plan(cx, container, &made)?;
    cx.steps.reach(Step::CreateCommit)?;
    container.update(cx, |record| {
        let user = made.plan.process.as_ref();
        record.uid = user.map_or(0, |process| process.uid);
        record.gid = user.map_or(0, |process| process.gid);
        record.additional_gids = user.map(|process| process.additional_gids.clone()).unwrap_or_default();
        record.stop_signal = made.stop_signal.number().to_string();
        record.set_state(record::State::Ready);
    })?;
    container.set_limits(made.resources());
    Ok(())
}

/// What was decided about a container.
struct Made {
    spec: Spec,
    plan: proto::monitor::LaunchPlan,
    stop_signal: spec::StopSignal,
}

impl Made {
    fn resources(&self) -> LinuxResources {
        self.spec.linux().as_ref().and_then(|linux| linux.resources().clone()).unwrap_or_default()
    }
}

fn write_plan(cx: &Ctx, container: &Container, made: &Made) -> Result<()> {
    records::write_atomic(&cx.layout.container_plan(container.id()), &made.plan.encode_to_vec(), 0o600)?;
    let json = serde_json::to_vec(&made.spec)
        .map_err(|error| Error::caused(Kind::Internal, "print the OCI spec", error))?;
    records::write_atomic(&cx.layout.container_spec(container.id()), &json, 0o600)
}

/// The limits in force: kept in memory, or after a restart read back from the spec and the recorded changes.
pub(crate) fn linux_resources(cx: &Ctx, container: &Container) -> Result<LinuxResources> {
    if let Some(limits) = container.limits() {
        return Ok(limits);
    }
    let path = cx.layout.container_spec(container.id());
    let bytes = fs::read(&path).doing(|| format!("read {}", path.display()))?;
    let spec: Spec = serde_json::from_slice(&bytes)
        .map_err(|error| Error::caused(Kind::Corrupt, format!("read {}", path.display()), error))?;
    let made = spec.linux().as_ref().and_then(|linux| linux.resources().clone()).unwrap_or_default();
    let record = container.record();
    let asked = record.config.as_ref().and_then(|config| config.linux.as_ref()?.resources.as_ref());
    let limits = match &record.resources {
        Some(changed) if Some(changed) != asked => update::limits(cx, changed, &made)?,
        _ => made,
    };
    container.set_limits(limits.clone());
    Ok(limits)
}
