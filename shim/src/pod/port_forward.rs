//! PortForward: a connection to the pod's own localhost, made on a socket that lives in its network namespace.
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::OwnedFd,
    sync::Arc,
    time::Duration,
};

use proto::monitor::{self as wire, request::Request};
use streaming::Duplex;
use tokio::net::{TcpSocket, TcpStream};

use crate::{
    ctx::Ctx,
    error::{Error, Kind, Result},
    monitor::Monitor,
};

const AF_INET: i32 = 2;
const AF_INET6: i32 = 10;
/// SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK
const STREAM: i32 = 1 | 0o2_000_000 | 0o4_000;
/// Localhost answers at once or not at all.
const CONNECT: Duration = Duration::from_secs(10);

/// IPv4 first, then IPv6, as kubelet's own port forwarding does.
pub(crate) async fn connect(cx: &Arc<Ctx>, pod: &str, port: u16) -> Result<Box<dyn Duplex>> {
    let pod = cx.store.pod(pod)?;
    let monitor = pod.monitor()?;
    let v4 = dial(&monitor, AF_INET, IpAddr::V4(Ipv4Addr::LOCALHOST), port).await;
    let stream = match v4 {
        Ok(stream) => stream,
        Err(error) => match dial(&monitor, AF_INET6, IpAddr::V6(Ipv6Addr::LOCALHOST), port).await {
            Ok(stream) => stream,
            Err(_) => return Err(error),
        },
    };
    Ok(Box::new(stream))
}

async fn dial(monitor: &Monitor, domain: i32, address: IpAddr, port: u16) -> Result<TcpStream> {
    let request = Request::OpenSocket(wire::OpenSocket { domain, r#type: STREAM, protocol: 0 });
    let answer = monitor.call(request, &[]).await?;
    let socket: OwnedFd =
        answer.fds.into_iter().next().ok_or_else(|| Error::internal("the monitor sent no socket"))?;
    let connecting =
        TcpSocket::from_std_stream(std::net::TcpStream::from(socket)).connect(SocketAddr::new(address, port));
    let failed =
        |error| Error::caused(Kind::Unavailable, format!("connect to port {port} of the pod"), error);
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(outcome) => outcome.map_err(failed),
        Err(_) => Err(failed(std::io::Error::from(std::io::ErrorKind::TimedOut))),
    }
}
