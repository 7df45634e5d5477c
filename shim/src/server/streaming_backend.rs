//! Exec, Attach and PortForward: the URL a client is sent to, and what the streaming server asks of the daemon then.
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use proto::cri;
use streaming::{AttachRequest, Backend, BackendError, Duplex, ExecRequest, Io, PortForwardRequest};

use crate::{
    container,
    ctx::Ctx,
    error::{Error, Kind, Result},
    pod,
};

/// Does for the streaming server what ExecSync and friends do for gRPC.
#[derive(Debug)]
pub(crate) struct StreamingBackend {
    cx: Arc<Ctx>,
}

impl StreamingBackend {
    pub(crate) fn new(cx: Arc<Ctx>) -> Self {
        Self { cx }
    }
}

fn told(error: &Error) -> BackendError {
    BackendError::new(error.chain())
}

impl Backend for StreamingBackend {
    fn exec(
        &self,
        request: ExecRequest,
        io: Io,
    ) -> BoxFuture<'static, std::result::Result<i32, BackendError>> {
        let cx = self.cx.clone();
        async move { container::attach::exec(&cx, request, io).await.map_err(|error| told(&error)) }.boxed()
    }

    fn attach(
        &self,
        request: AttachRequest,
        io: Io,
    ) -> BoxFuture<'static, std::result::Result<(), BackendError>> {
        let cx = self.cx.clone();
        async move { container::attach::attach(&cx, request, io).await.map_err(|error| told(&error)) }.boxed()
    }

    fn port_forward(
        &self,
        pod: String,
        port: u16,
    ) -> BoxFuture<'static, std::result::Result<Box<dyn Duplex>, BackendError>> {
        let cx = self.cx.clone();
        async move { pod::port_forward::connect(&cx, &pod, port).await.map_err(|error| told(&error)) }.boxed()
    }
}

fn refused(error: streaming::UrlError) -> Error {
    Error::caused(Kind::Exhausted, "make a streaming URL", error)
}

/// At least one stream, and with a terminal no stderr of its own.
fn check(stdin: bool, stdout: bool, stderr: bool, tty: bool) -> Result<()> {
    if !(stdin || stdout || stderr) {
        return Err(Error::invalid("one of stdin, stdout and stderr must be asked for"));
    }
    if tty && stderr {
        return Err(Error::invalid("tty and stderr exclude each other: a terminal has one output"));
    }
    Ok(())
}

pub(super) fn exec_url(cx: &Arc<Ctx>, request: cri::ExecRequest) -> Result<String> {
    check(request.stdin, request.stdout, request.stderr, request.tty)?;
    let container = cx.store.container(&request.container_id)?;
    container.require_running()?;
    let ask = ExecRequest {
        container_id: container.id().to_string(),
        cmd: request.cmd,
        stdin: request.stdin,
        stdout: request.stdout,
        stderr: request.stderr,
        tty: request.tty,
    };
    cx.streaming.exec_url(ask).map_err(refused)
}

pub(super) fn attach_url(cx: &Arc<Ctx>, request: cri::AttachRequest) -> Result<String> {
    check(request.stdin, request.stdout, request.stderr, request.tty)?;
    let container = cx.store.container(&request.container_id)?;
    container.require_running()?;
    let ask = AttachRequest {
        container_id: container.id().to_string(),
        stdin: request.stdin,
        stdout: request.stdout,
        stderr: request.stderr,
        tty: request.tty,
    };
    cx.streaming.attach_url(ask).map_err(refused)
}

pub(super) fn port_forward_url(cx: &Arc<Ctx>, request: cri::PortForwardRequest) -> Result<String> {
    let pod = cx.store.pod(&request.pod_sandbox_id)?;
    pod.require_ready()?;
    let port = |port: &i32| {
        u16::try_from(*port)
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| Error::invalid(format!("port {port}: not between 1 and 65535")))
    };
    let ports = request.port.iter().map(port).collect::<Result<_>>()?;
    cx.streaming.port_forward_url(PortForwardRequest { pod_id: pod.id().to_string(), ports }).map_err(refused)
}
