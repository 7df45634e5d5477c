//! StartContainer: cgroup, launch, commit. Returns once the program has been executed.
use std::{os::fd::OwnedFd, sync::Arc};

use proto::{
    monitor::{self as wire, reply, request::Request},
    record,
};

use super::{Container, control_group};
use crate::{
    blocking,
    ctx::{Ctx, now_ns},
    error::{Error, IoContext, Kind, Result},
    events::What,
    monitor::hold,
    steps::Step,
};

/// As the other runtimes report a program that could not be executed.
const START_ERROR_EXIT: i32 = 128;

pub(crate) async fn start(cx: &Arc<Ctx>, id: &str) -> Result<()> {
    let container = cx.store.container(id)?;
    let (context, target) = (cx.clone(), container.clone());
    container.driver.run("start", async move { operation(&context, &target).await }).await
}

async fn operation(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<()> {
    match container.state() {
        record::State::Ready => {}
        state => {
            return Err(Error::wrong_state(format!(
                "container {}: it is {}; only a created container can be started",
                container.id(),
                super::status::cri_state(state).as_str_name()
            )));
        }
    }
    let pod = cx.store.pod(container.pod_id().as_str())?;
    pod.require_ready()?;
    let monitor = pod.monitor()?;
    let prepared = prepare(cx, container).await;
    let fds = match prepared.and_then(|fds| cx.steps.reach(Step::StartLaunch).map(|()| fds)) {
        Ok(fds) => fds,
        Err(error) => {
            failed(cx, container, &error).await;
            return Err(error.within(format!("start container {}", container.id())));
        }
    };
    let request = Request::Start(wire::Start { container_id: container.id().to_string() });
    let outcome = monitor.call(request, &fds).await.and_then(|answer| match answer.reply {
        reply::Reply::Started(started) => Ok(started),
        other => Err(Error::internal(format!("the monitor answered Start with {other:?}"))),
    });
    match outcome {
        Ok(started) => {
            commit(cx, container, started).await;
            Ok(())
        }
        Err(error) => {
            // Without an answer, what became of the program is for the monitor's watch or recovery to say.
            if error.kind() != Kind::Unavailable {
                failed(cx, container, &error).await;
            }
            Err(error.within(format!("start container {}", container.id())))
        }
    }
}

/// Makes the cgroup and opens the plan, which names its directories. What holds a scope open comes second.
async fn prepare(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<Vec<OwnedFd>> {
    cx.steps.reach(Step::StartCgroup)?;
    let (cx, container) = (cx.clone(), container.clone());
    blocking::run("make a container's cgroup", move || {
        let record = container.record();
        let resources = super::create::linux_resources(&cx, &container)?;
        let hold = if cgroup::Driver::is_scope(&record.cgroup_path) {
            let hold = hold::start(&cx, container.id())?;
            cx.cgroups.create_scope(&record.cgroup_path, &resources, hold.pid)?;
            Some(hold.end)
        } else {
            cx.cgroups.create(&record.cgroup_path, &resources)?;
            None
        };
        let path = cx.layout.container_plan(container.id());
        let plan = std::fs::File::open(&path).doing(|| format!("open {}", path.display()))?;
        Ok(std::iter::once(OwnedFd::from(plan)).chain(hold).collect())
    })
    .await
}

/// The program runs: from the monitor's answer, or from its report, whichever comes first.
pub(crate) async fn commit(cx: &Arc<Ctx>, container: &Arc<Container>, started: wire::Started) {
    if let Err(error) = cx.steps.reach(Step::StartCommit) {
        // The program runs, so the caller must not hear that it does not.
        tracing::warn!(container = %container.id(), error = error.chain(), "a start could not be recorded; the monitor knows it");
    }
    let told = container.transition(cx, What::ContainerStartedEvent, move |record| {
        if record.state() != record::State::Ready {
            return false;
        }
        record.set_state(record::State::Running);
        record.pid = started.pid;
        record.started_at_ns = started.started_at_ns;
        true
    });
    // An error says that the change panicked, and has been logged.
    let _ = told.await;
}

/// A container whose program could not be executed has exited, with the reason in its status.
async fn failed(cx: &Arc<Ctx>, container: &Arc<Container>, error: &Error) {
    let message = error.chain();
    let ended = container.transition(cx, What::ContainerStoppedEvent, |record| {
        record.set_state(record::State::Stopped);
        record.reason = "StartError".into();
        record.message = message;
        record.exit_code = START_ERROR_EXIT;
        record.finished_at_ns = now_ns();
        true
    });
    let _ = ended.await;
    let _ = control_group::remove(cx, container).await;
}
