//! Starts a pod's monitor, finds one that an earlier daemon started, ends one that nobody adopted.
use std::{
    ffi::CString,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use prost::Message;
use proto::monitor as wire;

use super::{Monitor, client};
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, IoContext, Kind, Result},
    ids::PodId,
    layout::{MONITOR_LOG, MONITOR_SOCKET},
    pod::Pod,
};

/// Ways into the pod's network namespace: the namespace, and a route socket that lives in it.
#[derive(Debug)]
pub(crate) struct NetworkFds {
    pub(crate) netns: OwnedFd,
    pub(crate) route: OwnedFd,
}

#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) pause_pid: i32,
    pub(crate) network: Option<NetworkFds>,
}

/// A monitor says Hello within a few milliseconds; one that has not after this long never will.
const HELLO: Duration = Duration::from_secs(30);

/// Starts the monitor and waits until the pod's namespaces exist.
pub(crate) async fn launch(cx: &Arc<Ctx>, id: &PodId, plan: wire::SandboxPlan) -> Result<Launched> {
    let (context, pod) = (cx.clone(), id.clone());
    let (child, dir, hello) = blocking::run("start a monitor", move || spawn(&context, &pod, &plan)).await?;
    let pid = child.pid;
    let monitor = Arc::new(Monitor::new(id.clone(), dir, pid, child.pidfd));
    match greet(hello).await {
        Ok((hello, fds)) => Ok(Launched { monitor, pause_pid: hello.pause_pid, network: network(fds) }),
        Err(error) => {
            // Not in the pod yet, so nobody else would end it.
            let _ = sys::pidfd::send_signal(&monitor.pidfd, super::SIGKILL);
            monitor.ended().await;
            Err(error)
        }
    }
}

fn spawn(cx: &Ctx, id: &PodId, plan: &wire::SandboxPlan) -> Result<(sys::process::Child, OwnedFd, OwnedFd)> {
    let internal = |what: &'static str| move |error| Error::caused(Kind::Internal, what, error);
    let run = cx.layout.pod_run(id);
    let dir = sys::path::open_dir(&run).map_err(internal("open the pod's run directory"))?;
    let state = sys::path::open_dir(cx.layout.pod(id)).map_err(internal("open the pod's state directory"))?;
    let listener = sys::seqpacket::listen_at(dir.as_fd(), MONITOR_SOCKET)
        .map_err(internal("make the monitor's socket"))?;
    let plan = sys::memfd::sealed("sandbox-plan", &plan.encode_to_vec())
        .map_err(internal("pass the sandbox plan"))?;
    let (ours, theirs) = sys::seqpacket::pair().map_err(internal("make the greeting socket"))?;
    let null = std::fs::File::open("/dev/null").doing(|| "open /dev/null".into())?;
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(run.join(MONITOR_LOG))
        .doing(|| "open the monitor's log".into())?;
    let argument = CString::new(id.as_str())
        .map_err(|error| Error::caused(Kind::Internal, "name the monitor", error))?;
    let child = sys::process::spawn(&sys::process::SpawnArgs {
        executable: sys::process::Executable::Fd(cx.monitor_program.as_fd()),
        argv: &[c"berth-monitor", &argument],
        env: &[],
        fds: &[
            (null.as_fd(), 0),
            (null.as_fd(), 1),
            (log.as_fd(), 2),
            (plan.as_fd(), 3),
            (listener.as_fd(), 4),
            (theirs.as_fd(), 5),
            (state.as_fd(), 6),
        ],
        setsid: true,
    })
    .map_err(|error| Error::caused(Kind::Exhausted, "start the pod's monitor", error))?;
    Ok((child, dir, ours))
}

async fn greet(socket: OwnedFd) -> Result<(wire::Hello, Vec<OwnedFd>)> {
    let mut connection = client::Connection::over(socket)
        .map_err(|error| Error::caused(Kind::Internal, "watch the greeting socket", error))?;
    match tokio::time::timeout(HELLO, connection.receive::<wire::Hello>()).await {
        Ok(Ok(Some((wire::Hello { failed: Some(failed), .. }, _)))) => Err(client::refusal(&failed)),
        Ok(Ok(Some(greeting))) => Ok(greeting),
        Ok(Ok(None)) => Err(Error::internal(
            "the monitor ended before the sandbox was made; its log is in the pod's run directory",
        )),
        Ok(Err(error)) => Err(Error::caused(Kind::Internal, "read the monitor's greeting", error)),
        Err(_) => Err(Error::new(Kind::Timeout, "the monitor did not make the sandbox within 30 s")),
    }
}

fn network(fds: Vec<OwnedFd>) -> Option<NetworkFds> {
    let mut fds = fds.into_iter();
    Some(NetworkFds { netns: fds.next()?, route: fds.next()? })
}

/// Opens the monitor an earlier daemon started for this pod, if it still lives.
pub(crate) fn adopt(cx: &Ctx, pod: &Pod, pids: &sys::proc_table::Named) -> Option<Arc<Monitor>> {
    let pid = pids.pid_of(pod.id().as_str())?;
    let pidfd = sys::pidfd::open(pid).ok()?;
    // Opened after the look-up, checked after the opening: the pidfd is that process and no later one.
    if !sys::proc_table::is_named(pid, "berth-monitor", pod.id().as_str()) {
        return None;
    }
    let dir = sys::path::open_dir(cx.layout.pod_run(pod.id())).ok()?;
    Some(Arc::new(Monitor::new(pod.id().clone(), dir, pid, pidfd)))
}

/// Kills the monitor of a pod that has no handle: its daemon died between starting and adopting it.
pub(crate) fn end_unadopted(cx: &Ctx, pod: &Pod) -> Result<()> {
    let running = sys::proc_table::Named::scan("berth-monitor")
        .map_err(|error| Error::caused(Kind::Internal, "look for the pod's monitor", error))?;
    if let Some(monitor) = adopt(cx, pod, &running) {
        sys::pidfd::send_signal(&monitor.pidfd, super::SIGKILL)
            .map_err(|error| Error::caused(Kind::Internal, "kill a lost monitor", error))?;
        sys::proc_table::wait_ended(monitor.pidfd.as_fd(), super::SHUTDOWN)
            .map_err(|error| Error::caused(Kind::Unavailable, "wait for a lost monitor to end", error))?;
    }
    Ok(())
}
