//! Gathers everything a container's spec is made of, then has it made.
use std::path::PathBuf;

use imagestore::Image;
use proto::cri;

use super::{Made, mounts};
use crate::{
    cdi,
    container::Container,
    ctx::Ctx,
    error::{Error, Result},
    image,
    pod::{Pod, files},
};

/// Owner and mode of the image's root directory, which the writable layer's top takes over.
pub(super) struct RootDirectory {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
}

/// Of the uppermost layer: overlayfs shows the upper directory's own attributes for `/`.
pub(super) fn root_owner_mode(cx: &Ctx, image: &Image) -> Result<RootDirectory> {
    use std::os::unix::fs::MetadataExt;
    let Some(top) = image.layers.last() else { return Ok(RootDirectory { uid: 0, gid: 0, mode: 0o755 }) };
    let directory = cx.images.layer_dir(top);
    let metadata = std::fs::metadata(&directory).map_err(|error| {
        Error::caused(
            crate::error::Kind::Corrupt,
            format!("layer {top} of the image is missing; pull the image again"),
            error,
        )
    })?;
    Ok(RootDirectory { uid: metadata.uid(), gid: metadata.gid(), mode: metadata.mode() & 0o7777 })
}

/// A passwd or group file larger than this is refused, not parsed.
const USER_FILE_LIMIT: u64 = spec::user::FILE_LIMIT as u64;

/// What of a container's mounts was made or found for it beforehand.
pub(super) struct Volumes<'a> {
    pub(super) images: &'a [mounts::ImageMount],
    pub(super) own: &'a [spec::ImageVolume],
}

pub(super) fn make(
    cx: &Ctx,
    pod: &Pod,
    container: &Container,
    config: &cri::ContainerConfig,
    image: &Image,
    volumes: &Volumes<'_>,
) -> Result<Made> {
    let pod_config = pod.config();
    let facts = facts(config, image);
    let passwd = cx.images.read_file(image, "/etc/passwd", USER_FILE_LIMIT)?;
    let group = cx.images.read_file(image, "/etc/group", USER_FILE_LIMIT)?;
    let resolved = mounts::resolve(cx, &config.mounts, volumes.images)?;
    let profile = profile(config)?;
    let devices = cdi::devices(cx, config)?;
    let paths = paths(cx, pod, container, config, image)?;
    let node = cx.node_now();
    let input = spec::Input {
        pod_id: pod.id().as_str(),
        container_id: container.id().as_str(),
        pod: &pod_config,
        container: config,
        image: &facts,
        users: spec::UserFiles { passwd: passwd.as_deref(), group: group.as_deref() },
        node: &node,
        policy: &cx.policy,
        paths: &paths,
        mounts: &resolved,
        volumes: volumes.own,
        cdi: &devices,
        seccomp_profile: profile.as_deref(),
        host: &cx.host,
        filters: &cx.filters,
    };
    let spec = spec::build(&input)?;
    let plan = spec::lower(&spec, &input)?;
    Ok(Made { spec, plan, stop_signal: spec::stop_signal(config, &facts)? })
}

pub(super) fn facts(config: &cri::ContainerConfig, image: &Image) -> spec::ImageFacts {
    spec::ImageFacts {
        name: config.image.as_ref().map(image::shown).unwrap_or_default().to_owned(),
        id: image.id.to_string(),
        entrypoint: image.config.entrypoint.clone(),
        cmd: image.config.cmd.clone(),
        env: image.config.env.clone(),
        working_dir: image.config.working_dir.clone(),
        user: image.config.user.clone(),
        volumes: image.config.volumes.clone(),
        stop_signal: image.config.stop_signal.clone(),
    }
}

/// A profile is a few tens of kilobytes of JSON.
const PROFILE_LIMIT: u64 = 1 << 20;

fn profile(config: &cri::ContainerConfig) -> Result<Option<Vec<u8>>> {
    let Some(path) = spec::seccomp_profile_path(config)? else { return Ok(None) };
    let bytes = sys::host_path::read_regular(&path, PROFILE_LIMIT).map_err(|error| {
        Error::caused(
            crate::error::Kind::Invalid,
            format!("seccomp profile {}: install it on the node", path.display()),
            error,
        )
    })?;
    Ok(Some(bytes))
}

fn paths(
    cx: &Ctx,
    pod: &Pod,
    container: &Container,
    config: &cri::ContainerConfig,
    image: &Image,
) -> Result<spec::Paths> {
    let record = pod.record();
    let id = container.id();
    let namespace = |kind: &str| Some(PathBuf::from(format!("/proc/{}/ns/{kind}", record.monitor_pid)));
    let cgroup = container.record().cgroup_path.clone();
    let layers: Vec<PathBuf> = image.layers.iter().rev().map(|layer| cx.images.layer_dir(layer)).collect();
    Ok(spec::Paths {
        rootfs: cx.layout.container(id).join("rootfs"),
        lower_dirs: layers,
        upper_dir: cx.layout.container_upper(id),
        work_dir: cx.layout.container_work(id),
        hosts: Some(cx.layout.pod_hosts(pod.id())),
        resolv_conf: Some(cx.layout.pod_resolv_conf(pod.id())),
        hostname: Some(cx.layout.pod_hostname(pod.id()))
            .filter(|_| !files::hostname(&pod.config()).is_empty()),
        shm: cx.layout.pod_shm(pod.id()),
        network_namespace: namespace("net"),
        ipc_namespace: namespace("ipc"),
        uts_namespace: namespace("uts"),
        pid_namespace: (record.pause_pid != 0)
            .then(|| PathBuf::from(format!("/proc/{}/ns/pid", record.pause_pid))),
        target_pid_namespace: target(cx, pod, config)?,
        cgroup_dirs: cx.cgroups.dirs(&cgroup)?,
        cgroup: PathBuf::from(cgroup),
    })
}

/// The PID namespace of the container an ephemeral one looks into.
fn target(cx: &Ctx, pod: &Pod, config: &cri::ContainerConfig) -> Result<Option<PathBuf>> {
    let options = config
        .linux
        .as_ref()
        .and_then(|linux| linux.security_context.as_ref())
        .and_then(|security| security.namespace_options.as_ref());
    let Some(options) = options.filter(|options| options.pid() == cri::NamespaceMode::Target) else {
        return Ok(None);
    };
    let target = cx.store.container(&options.target_id)?;
    if target.pod_id() != pod.id() {
        return Err(Error::invalid(format!("target container {}: it is in another pod", target.id())));
    }
    target.require_running()?;
    Ok(Some(PathBuf::from(format!("/proc/{}/ns/pid", target.record().pid))))
}
