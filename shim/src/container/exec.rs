//! Starts a further process in a running container. ExecSync and the streaming Exec differ only in who holds its stdio.
use std::{os::fd::OwnedFd, sync::Arc};

use prost::Message;
use proto::monitor::{self as wire, reply, request::Request};

use super::Container;
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, IoContext, Kind, Result},
    ids,
    monitor::client::Connection,
};

/// A plan holds a seccomp program and an environment; more than this is damage.
const PLAN_LIMIT: u64 = 32 << 20;

/// The container's side of an exec's standard streams. With a terminal all are empty: the monitor returns its master.
#[derive(Debug, Default)]
pub(crate) struct Stdio {
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: Option<OwnedFd>,
}

/// An exec that runs. Dropping it kills the process and its descendants.
#[derive(Debug)]
pub(crate) struct Running {
    connection: Connection,
    /// The terminal's master, when one was asked for.
    pub(crate) terminal: Option<OwnedFd>,
}

impl Running {
    /// Waits for the end; 0..255, 128 + signal when killed.
    pub(crate) async fn exit_code(&mut self) -> Result<i32> {
        match self.connection.answer().await?.reply {
            reply::Reply::Exited(exited) => Ok(exited.exit_code),
            other => Err(Error::internal(format!("the monitor answered Exec with {other:?}"))),
        }
    }
}

pub(crate) async fn exec(
    cx: &Arc<Ctx>,
    container: &Arc<Container>,
    command: &[String],
    tty: bool,
    stdio: Stdio,
) -> Result<Running> {
    container.require_running()?;
    if command.is_empty() {
        return Err(Error::invalid("exec: the command is empty"));
    }
    let pod = cx.store.pod(container.pod_id().as_str())?;
    let monitor = pod.monitor()?;
    let id = ids::exec_id().map_err(|error| Error::caused(Kind::Internal, "make an exec id", error))?;
    let request = Request::Exec(wire::Exec {
        container_id: container.id().to_string(),
        exec_id: id,
        stdin: stdio.stdin.is_some(),
        stdout: stdio.stdout.is_some(),
        stderr: stdio.stderr.is_some(),
    });
    let mut fds = vec![plan(cx, container, command, tty).await?];
    fds.extend([stdio.stdin, stdio.stdout, stdio.stderr].into_iter().flatten());
    let mut connection = monitor.open(request, &fds).await?;
    drop(fds);
    let answer = connection
        .answer()
        .await
        .map_err(|error| error.within(format!("exec {command:?} in container {}", container.id())))?;
    match answer.reply {
        // The first descriptor is the process's pidfd; the connection says all that matters.
        reply::Reply::Started(_) => Ok(Running { connection, terminal: answer.fds.into_iter().nth(1) }),
        other => Err(Error::internal(format!("the monitor answered Exec with {other:?}"))),
    }
}

async fn plan(cx: &Arc<Ctx>, container: &Arc<Container>, command: &[String], tty: bool) -> Result<OwnedFd> {
    let (cx, container, command) = (cx.clone(), container.clone(), command.to_vec());
    blocking::run("make an exec plan", move || {
        let path = cx.layout.container_plan(container.id());
        let file = std::fs::File::open(&path).doing(|| format!("open {}", path.display()))?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, PLAN_LIMIT), &mut bytes)
            .doing(|| format!("read {}", path.display()))?;
        let launch = wire::LaunchPlan::decode(bytes.as_slice())
            .map_err(|error| Error::caused(Kind::Corrupt, format!("plan {}", path.display()), error))?;
        let process = launch
            .process
            .ok_or_else(|| Error::new(Kind::Corrupt, format!("plan {}: holds no process", path.display())))?;
        let plan = spec::exec_plan(
            &process,
            &spec::Exec { container_id: container.id().as_str(), cmd: &command, tty },
        )?;
        sys::memfd::sealed("exec-plan", &plan.encode_to_vec())
            .map_err(|error| Error::caused(Kind::Exhausted, "pass the exec plan", error))
    })
    .await
}
