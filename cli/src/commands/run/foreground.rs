//! A container that is waited for: its output is ours, Ctrl-C stops it, its exit code is ours.

use proto::cri::{ContainerState, ContainerStatus};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Args, Made, remove};
use crate::{
    client::Client,
    commands::{attach, logs, stop::stop_container},
    failure::Result,
    log::Options,
    output,
    session::End,
};

/// How long a program may take to end after Ctrl-C; a second one does not wait.
const PATIENCE_SECONDS: u32 = 10;

/// Stays with the container until it ends; removes it if that was asked for.
pub(super) async fn follow(client: &mut Client, made: &Made, args: &Args) -> Result<i32> {
    let followed = if args.tty {
        terminal(client, made, args.interactive).await
    } else {
        pipes(client, made, args.interactive).await
    };
    let left = match followed {
        Ok(End::Detached) => {
            output::remark(format!(
                "detached; `berth attach {0}` comes back, `berth rm -f {0}` ends it",
                made.name
            ));
            return Ok(0);
        }
        Ok(End::Exited(_)) => ended(client, made).await.map(|status| status.exit_code),
        Err(failure) => Err(failure),
    };
    if args.rm {
        remove(client, made).await?;
    }
    left
}

/// With a terminal everything goes through one session; what was printed before there was one is in the log.
async fn terminal(client: &mut Client, made: &Made, stdin: bool) -> Result<End> {
    let mut log = logs::open(client, &made.container_id, &made.name, Options::default()).await?;
    log.print_new()?;
    match attach::attach(client, &made.container_id, &made.name, stdin, true, true).await {
        // It ended before we were attached.
        Err(_) if !running(client, made).await? => log.print_new().map(|_| End::Exited(0)),
        result => result,
    }
}

/// Without one the log is the output: nothing of it is missed, however early it was printed.
async fn pipes(client: &mut Client, made: &Made, stdin: bool) -> Result<End> {
    let (mut printer, mut feeder) = (client.clone(), client.clone());
    let printing = logs::follow(&mut printer, &made.container_id, &made.name, Options::default());
    let feeding = async {
        if stdin {
            // A program that ends before it has read all has a right to.
            let _ = attach::attach(&mut feeder, &made.container_id, &made.name, true, false, false).await;
        }
        std::future::pending::<()>().await;
    };
    let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopping = async {
        // The result shows in the container's state; a failure to stop shows by its running on.
        let _ = stop_when_asked(client, made, interrupt, terminate).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        printed = printing => printed.map(|()| End::Exited(0)),
        () = feeding => Ok(End::Exited(0)),
        () = stopping => Ok(End::Exited(0)),
    }
}

async fn stop_when_asked(
    client: &mut Client,
    made: &Made,
    mut interrupt: Signal,
    mut terminate: Signal,
) -> Result {
    let mut again = client.clone();
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tokio::select! {
        stopped = stop_container(client, &made.container_id, &made.name, PATIENCE_SECONDS) => stopped,
        _ = interrupt.recv() => stop_container(&mut again, &made.container_id, &made.name, 0).await,
    }
}

async fn running(client: &mut Client, made: &Made) -> Result<bool> {
    let status = logs::status(client, &made.container_id, &made.name).await?;
    Ok(status.state() == ContainerState::ContainerRunning)
}

/// The status once the container no longer runs; its streams may end a moment before it.
async fn ended(client: &mut Client, made: &Made) -> Result<ContainerStatus> {
    loop {
        let status = logs::status(client, &made.container_id, &made.name).await?;
        if status.state() != ContainerState::ContainerRunning {
            return Ok(status);
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
