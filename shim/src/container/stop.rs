//! StopContainer: signal, wait, kill. Idempotent; an unknown container is stopped already.
use std::{sync::Arc, time::Duration};

use proto::{
    monitor::{self as wire, request::Request},
    record,
};
use tokio::time::Instant;

use super::{Container, control_group, exited};
use crate::{
    ctx::Ctx,
    error::{Error, Kind, Result},
    steps::Step,
};

/// After SIGKILL: how long the kernel may take before the container is called unkillable.
const DEATH: Duration = Duration::from_secs(15);

pub(crate) async fn stop_by_id(cx: &Arc<Ctx>, id: &str, timeout_s: i64) -> Result<()> {
    match cx.store.container(id) {
        Ok(container) => stop(cx, &container, timeout_s).await,
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Stops the container, with SIGKILL after `timeout_s` seconds. A shorter time than that of a stop under way hastens it.
pub(crate) async fn stop(cx: &Arc<Ctx>, container: &Arc<Container>, timeout_s: i64) -> Result<()> {
    let wait = Duration::from_secs(u64::try_from(timeout_s).unwrap_or(0));
    let deadline = Instant::now()
        .checked_add(wait)
        .unwrap_or_else(|| Instant::now() + Duration::from_secs(u32::MAX.into()));
    container.kill_at().send_modify(|at| *at = Some(at.map_or(deadline, |at| at.min(deadline))));
    let (context, target) = (cx.clone(), container.clone());
    container
        .driver
        .run("stop", async move {
            let outcome = operation(&context, &target, wait.is_zero()).await;
            target.kill_at().send_replace(None);
            outcome
        })
        .await
}

async fn operation(cx: &Arc<Ctx>, container: &Arc<Container>, at_once: bool) -> Result<()> {
    if container.state() != record::State::Running {
        return Ok(());
    }
    cx.steps.reach(Step::StopSignal)?;
    if !at_once {
        signal(cx, container).await?;
        wait_or_deadline(container).await;
    }
    cx.steps.reach(Step::StopWait)?;
    if container.state() == record::State::Running {
        kill(cx, container).await?;
    }
    Ok(())
}

async fn signal(cx: &Arc<Ctx>, container: &Container) -> Result<()> {
    let record = container.record();
    let signal = spec::StopSignal::parse(&record.stop_signal).unwrap_or(spec::StopSignal::TERM).number();
    let pod = cx.store.pod(container.pod_id().as_str())?;
    let request = Request::Signal(wire::Signal { container_id: container.id().to_string(), signal });
    match pod.monitor()?.call(request, &[]).await {
        // Ended meanwhile: the watch will say so.
        Err(error) if matches!(error.kind(), Kind::WrongState | Kind::NotFound) => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

/// Until the program has ended or the deadline, which may move closer meanwhile, has passed.
async fn wait_or_deadline(container: &Container) {
    let mut deadlines = container.kill_at().subscribe();
    loop {
        let deadline = (*deadlines.borrow_and_update()).unwrap_or_else(Instant::now);
        tokio::select! {
            () = container.wait_until_not_running() => return,
            () = tokio::time::sleep_until(deadline) => return,
            _ = deadlines.changed() => {}
        }
    }
}

async fn kill(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<()> {
    let pod = cx.store.pod(container.pod_id().as_str())?;
    let Ok(monitor) = pod.monitor() else {
        // Nobody is left to report the end.
        return exited::monitor_lost(cx, container).await;
    };
    let request = Request::KillAll(wire::KillAll { container_id: container.id().to_string() });
    if monitor.call(request, &[]).await.is_err() {
        control_group::kill(cx, container).await?;
    }
    if tokio::time::timeout(DEATH, container.wait_until_not_running()).await.is_err() {
        let pid = container.record().pid;
        let doing = sys::proc_table::describe(pid);
        return Err(Error::new(
            Kind::Timeout,
            format!(
                "container {}: process {pid} does not die from SIGKILL ({doing}); it waits in the kernel, often for a lost disk or NFS server",
                container.id()
            ),
        ));
    }
    Ok(())
}
