//! RunPodSandbox: reserve, monitor, network, files, commit.
//!
//! The record names everything before it exists. On any error, and after a crash, `teardown` takes away what it names.
use std::sync::Arc;

use proto::{cri, record};

use super::{Pod, teardown};
use crate::{
    ctx::Ctx,
    error::{Error, Kind, Result},
    events::{self, What},
    steps::Step,
};

mod network;
mod process;
mod reserve;

/// Makes a sandbox, or joins the making of an equal one. Returns its id once it is ready.
pub(crate) async fn run(cx: &Arc<Ctx>, config: cri::PodSandboxConfig, handler: &str) -> Result<String> {
    let pod = reserve::reserve(cx, config, handler)?;
    let (context, target) = (cx.clone(), pod.clone());
    pod.driver.run("run", async move { operation(&context, &target).await }).await?;
    Ok(pod.id().to_string())
}

async fn operation(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    match pod.state() {
        record::State::Creating => {}
        record::State::Ready => return Ok(()),
        _ => {
            return Err(Error::new(
                Kind::Unavailable,
                format!("pod sandbox {}: its creation failed; try again", pod.id()),
            ));
        }
    }
    match steps(cx, pod).await {
        Ok(()) => {
            events::send(cx, What::ContainerCreatedEvent, pod.id().as_str(), pod.id());
            events::send(cx, What::ContainerStartedEvent, pod.id().as_str(), pod.id());
            Ok(())
        }
        Err(cause) => {
            teardown::after_failed_run(cx, pod).await;
            Err(cause)
        }
    }
}

async fn steps(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    reserve::record(cx, pod).await?;
    let sandbox = process::start(cx, pod).await?;
    network::attach(cx, pod, sandbox).await?;
    // The hosts file has the address, which a plugin gives only now.
    super::files::write(cx, pod).await?;
    cx.steps.reach(Step::RunCommit)?;
    pod.save(cx, |record| record.set_state(record::State::Ready)).await?;
    Ok(())
}
