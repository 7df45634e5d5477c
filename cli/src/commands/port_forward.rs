//! `berth port-forward`: local ports that lead into a pod.

use std::{net::SocketAddr, sync::Arc};

use proto::cri::PortForwardRequest;
use streaming::client::{Forwarded, PortForwarder, port_forward_by};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::Node;
use crate::{
    failure::{Doing, Failure, OrTry, Result},
    find::{self, Thing},
    output,
};

/// Forward local ports to a pod
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth port-forward web 8080:80    127.0.0.1:8080 is port 80 of the pod
  berth port-forward web 80 5432    the same numbers on both sides
  berth port-forward web :80        any free local port; which one is printed

Ctrl-C ends it. Programs that listen on the pod's localhost are reached, too.")]
pub(crate) struct Args {
    /// The pod, or a container in it
    pod: String,
    /// [LOCAL:]REMOTE
    #[arg(required = true, value_name = "PORTS", value_parser = Ports::parse)]
    ports: Vec<Ports>,
    /// Local address to listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    address: std::net::IpAddr,
}

/// Which local port leads to which of the pod's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    /// 0: any that is free.
    local: u16,
    remote: u16,
}

impl Ports {
    fn parse(text: &str) -> Result<Self, String> {
        let (local, remote) = text.split_once(':').unwrap_or((text, text));
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let port = if digits { text.parse().ok() } else { None };
            port.ok_or_else(|| format!("{text:?} is not a port"))
        };
        match (if local.is_empty() { 0 } else { number(local)? }, number(remote)?) {
            (_, 0) => Err("the pod's port cannot be 0".to_owned()),
            (local, remote) => Ok(Self { local, remote }),
        }
    }
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let pod_id = match find::thing(&mut client, &args.pod).await? {
        Thing::Pod(pod) => pod.id,
        Thing::Container(container) => container.pod_sandbox_id,
    };
    let request = PortForwardRequest { pod_sandbox_id: pod_id, port: Vec::new() };
    let answer = client.runtime.port_forward(request).await;
    let url = answer.doing(format_args!("forward ports of {}", args.pod))?.into_inner().url;
    let session = Arc::new(
        port_forward_by(&client.way, &url).await.doing(format_args!("forward ports of {}", args.pod))?,
    );
    let mut listeners = JoinSet::new();
    for ports in &args.ports {
        let address = SocketAddr::new(args.address, ports.local);
        let listener = TcpListener::bind(address)
            .await
            .doing(format_args!("listen on {address}"))
            .or_try(format!("another local port: berth port-forward {} :{}", args.pod, ports.remote))?;
        output::line(format!("{} → port {} of {}", listener.local_addr()?, ports.remote, args.pod))?;
        listeners.spawn(listen(listener, Arc::clone(&session), ports.remote));
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        // Listeners end only with the session.
        _ = listeners.join_next() => Err(Failure::new(format!("the pod {} is gone", args.pod)).or_try("`berth pods`")),
    }
}

/// Until the session is over; its connections end with it.
async fn listen(listener: TcpListener, session: Arc<PortForwarder>, remote: u16) {
    let mut connections = JoinSet::new();
    let mut check = tokio::time::interval(std::time::Duration::from_secs(1));
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let Ok(forwarded) = session.connect(remote) else { return };
                connections.spawn(forward(socket, forwarded, remote));
            }
            Some(_) = connections.join_next() => {}
            _ = check.tick() => {
                if session.is_closed() {
                    return;
                }
            }
        }
    }
}

async fn forward(mut socket: TcpStream, mut forwarded: Forwarded, remote: u16) {
    // Either end may break off; that is the application's business.
    let _ = copy_bidirectional(&mut socket, &mut forwarded).await;
    if let Err(error) = forwarded.verdict().await {
        output::remark(format!("port {remote}: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_three_forms() {
        assert_eq!(Ports::parse("8080:80"), Ok(Ports { local: 8080, remote: 80 }));
        assert_eq!(Ports::parse("80"), Ok(Ports { local: 80, remote: 80 }));
        assert_eq!(Ports::parse(":80"), Ok(Ports { local: 0, remote: 80 }));
        for bad in ["", ":", "0", "80:", "80:0", "65536", "+1", "a:b", "1:2:3"] {
            assert!(Ports::parse(bad).is_err(), "{bad}");
        }
    }
}
