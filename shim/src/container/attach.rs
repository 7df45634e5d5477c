//! The streaming sides of exec and attach: copies between the client's streams and the monitor's descriptors.
use std::sync::Arc;

use proto::monitor::{self as wire, reply, request::Request};
use streaming::{AttachRequest, BoxRead, BoxWrite, ExecRequest, Io, TerminalSize};
use tokio::{io::AsyncWriteExt, sync::mpsc};

use super::{
    Container,
    exec::{self, Stdio},
};
use crate::{
    ctx::Ctx,
    error::{Error, Kind, Result},
    monitor::Monitor,
    stream_io::StreamFd,
};

fn broken(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::caused(Kind::Internal, what, error)
}

/// Runs a command with the client's streams until it ends; gives its exit code.
pub(crate) async fn exec(cx: &Arc<Ctx>, request: ExecRequest, io: Io) -> Result<i32> {
    let container = cx.store.container(&request.container_id)?;
    if request.tty {
        exec_terminal(cx, &container, &request, io).await
    } else {
        exec_pipes(cx, &container, &request, io).await
    }
}

async fn exec_terminal(
    cx: &Arc<Ctx>,
    container: &Arc<Container>,
    request: &ExecRequest,
    mut io: Io,
) -> Result<i32> {
    let mut running = exec::exec(cx, container, &request.cmd, true, Stdio::default()).await?;
    let master = running.terminal.take().ok_or_else(|| Error::internal("the monitor sent no terminal"))?;
    let terminal = StreamFd::new(master).map_err(broken("watch the terminal"))?;
    let output = copy_out(Some(terminal.clone()), io.stdout.take());
    let input = copy_in(io.stdin.take(), Some(terminal.clone()));
    let sizes = resize(&mut io.resize, |size| {
        let _ = terminal.resize(size.width, size.height);
        std::future::ready(())
    });
    finish(async { running.exit_code().await }, output, input, sizes).await
}

async fn exec_pipes(
    cx: &Arc<Ctx>,
    container: &Arc<Container>,
    request: &ExecRequest,
    mut io: Io,
) -> Result<i32> {
    let (mut stdio, mut ours) = (Stdio::default(), (None, None, None));
    let pipe = || sys::io::pipe().map_err(|error| Error::caused(Kind::Exhausted, "make a pipe", error));
    if io.stdin.is_some() {
        let (reader, writer) = pipe()?;
        (stdio.stdin, ours.0) = (Some(reader), Some(StreamFd::new(writer).map_err(broken("watch stdin"))?));
    }
    if io.stdout.is_some() {
        let (reader, writer) = pipe()?;
        (stdio.stdout, ours.1) = (Some(writer), Some(StreamFd::new(reader).map_err(broken("watch stdout"))?));
    }
    if io.stderr.is_some() {
        let (reader, writer) = pipe()?;
        (stdio.stderr, ours.2) = (Some(writer), Some(StreamFd::new(reader).map_err(broken("watch stderr"))?));
    }
    let mut running = exec::exec(cx, container, &request.cmd, false, stdio).await?;
    let output = async {
        tokio::join!(copy_out(ours.1.take(), io.stdout.take()), copy_out(ours.2.take(), io.stderr.take()));
    };
    let input = copy_in(io.stdin.take(), ours.0.take());
    finish(async { running.exit_code().await }, output, input, std::future::pending()).await
}

/// After the end of a process: how long its output is waited for. A grandchild may hold it open for ever.
const DRAIN: std::time::Duration = std::time::Duration::from_secs(2);

/// The exit code, once the output has been copied. Input and sizes only go along.
async fn finish<T>(
    end: impl Future<Output = Result<T>>,
    output: impl Future<Output = ()>,
    input: impl Future<Output = ()>,
    sizes: impl Future<Output = ()>,
) -> Result<T> {
    let both = async {
        let mut output = std::pin::pin!(output);
        let mut end = std::pin::pin!(end);
        let mut flowed = false;
        let code = loop {
            tokio::select! {
                code = &mut end => break code?,
                () = &mut output, if !flowed => flowed = true,
            }
        };
        if !flowed {
            let _ = tokio::time::timeout(DRAIN, output).await;
        }
        Ok(code)
    };
    let along = async {
        tokio::join!(input, sizes);
        std::future::pending().await
    };
    tokio::select! {
        outcome = both => outcome,
        never = along => never,
    }
}

async fn copy_out(from: Option<StreamFd>, to: Option<BoxWrite>) {
    if let (Some(mut from), Some(mut to)) = (from, to) {
        // A client that went away ends the session from its side.
        let _ = tokio::io::copy(&mut from, &mut to).await;
        let _ = to.flush().await;
    }
}

/// Ends by dropping the container's side, which is how a pipe says end of file.
async fn copy_in(from: Option<BoxRead>, to: Option<StreamFd>) {
    if let (Some(mut from), Some(mut to)) = (from, to) {
        let _ = tokio::io::copy(&mut from, &mut to).await;
    }
}

async fn resize<F: Future<Output = ()>>(
    sizes: &mut mpsc::Receiver<TerminalSize>,
    apply: impl Fn(TerminalSize) -> F,
) {
    while let Some(size) = sizes.recv().await {
        apply(size).await;
    }
}

/// Joins the streams of a container's main process until it ends or the client goes.
pub(crate) async fn attach(cx: &Arc<Ctx>, request: AttachRequest, mut io: Io) -> Result<()> {
    let container = cx.store.container(&request.container_id)?;
    container.require_running()?;
    let monitor = cx.store.pod(container.pod_id().as_str())?.monitor()?;
    let ask = wire::Attach {
        container_id: container.id().to_string(),
        stdin: io.stdin.is_some(),
        stdout: io.stdout.is_some(),
        stderr: io.stderr.is_some(),
    };
    let wanted = (ask.stdin, ask.stdout, ask.stderr);
    // Kept open: a TTY's attach ends when its connection does.
    let mut connection = monitor.open(Request::Attach(ask), &[]).await?;
    let answer = connection.answer().await?;
    let reply::Reply::Done(_) = answer.reply else {
        return Err(Error::internal("the monitor answered Attach with something else"));
    };
    let mut fds = answer.fds.into_iter();
    let mut next = |wanted: bool| -> Result<Option<StreamFd>> {
        if !wanted {
            return Ok(None);
        }
        fds.next().map(StreamFd::new).transpose().map_err(broken("watch an attached stream"))
    };
    let (stdin, stdout, stderr) = (next(wanted.0)?, next(wanted.1)?, next(wanted.2)?);
    let output =
        async { tokio::join!(copy_out(stdout, io.stdout.take()), copy_out(stderr, io.stderr.take())) };
    let input = copy_in(io.stdin.take(), stdin);
    let sizes =
        resize(&mut io.resize, |size| resize_container(monitor.clone(), container.id().to_string(), size));
    let end = async {
        container.wait_until_not_running().await;
        Ok(())
    };
    let both_outputs = async {
        output.await;
        if !wanted.1 && !wanted.2 {
            std::future::pending::<()>().await;
        }
    };
    finish(end, both_outputs, input, sizes).await
}

async fn resize_container(monitor: Arc<Monitor>, container_id: String, size: TerminalSize) {
    let request = wire::Resize { container_id, width: size.width.into(), height: size.height.into() };
    let _ = monitor.call(Request::Resize(request), &[]).await;
}
