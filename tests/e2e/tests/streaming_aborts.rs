//! Clients that break off, at every moment of a session and over both wires: of hundreds nothing is left.

use std::{fmt::Display, fs, time::Duration};

use e2e::{monitor_of, ways};
use harness::{Doing, Failure, Node, Result, RunningPod, container, run, until};
use proto::cri::{AttachRequest, ExecRequest};
use streaming::client::{self, ClientIo, Way, Wire};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);
/// Sessions of each moment and wire, broken off at once; there are eleven moments.
const ROUNDS: usize = 15;

/// When a client leaves.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Connected,
    HalfARequest,
    NoStreams,
    Starting,
    Running,
    OutputUnread,
    InputUnread,
    Terminal,
    Attached,
    Forwarding,
    ForwardRefused,
}

impl Moment {
    const ALL: [Self; 11] = [
        Self::Connected,
        Self::HalfARequest,
        Self::NoStreams,
        Self::Starting,
        Self::Running,
        Self::OutputUnread,
        Self::InputUnread,
        Self::Terminal,
        Self::Attached,
        Self::Forwarding,
        Self::ForwardRefused,
    ];
}

/// What sessions are made with.
struct Target<'a> {
    node: &'a Node,
    pod: &'a RunningPod,
    id: &'a str,
    /// A URL that was used: where the server listens.
    used: String,
}

/// What two processes hold.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    daemon_fds: usize,
    monitor_fds: usize,
    /// Of the pod, monitor and all.
    processes: usize,
}

#[test]
fn hundreds_of_broken_sessions_leave_nothing() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = served(&node).await?;
        let used = exec_url(&node, &id, &["true"], false).await?;
        let target = Target { node: &node, pod: &pod, id: &id, used };
        // What is made once for all sessions is there after the first ones.
        for moment in Moment::ALL {
            for way in ways() {
                abort(&target, moment, &way).await?;
            }
        }
        until("the first sessions are gone", PATIENCE, async || idle(&node, &id).await).await?;
        let (before, things) = (held(&node, &pod)?, node.leftovers()?);
        for moment in Moment::ALL {
            for way in ways() {
                let aborts = (0..ROUNDS).map(|_| abort(&target, moment, &way));
                for ended in futures_util::future::join_all(aborts).await {
                    ended?;
                }
            }
        }
        let mut now = before.clone();
        let back = until("all is as it was before", PATIENCE, async || {
            now = held(&node, &pod).unwrap_or_else(|_| before.clone());
            now == before
        });
        back.await.map_err(|failure| Failure::new(format!("{}: {before:?}, {now:?}", failure.text())))?;
        node.settle(&things).await?;
        assert_eq!(node.cri.shell(&id, "echo still here").await?, "still here\n");
        node.finish().await
    })
}

/// A container with input and a terminal's worth of programs, that serves HTTP on 8080.
async fn served(node: &Node) -> Result<(RunningPod, String)> {
    let pod = node.run_pod(&node.pod("p")).await?;
    let serve = "mkdir -p /tmp/www && head -c 20000000 /dev/zero > /tmp/www/big && \
        (httpd -p 127.0.0.1:8080 -h /tmp/www) && while true; do read line; echo $line; sleep 0.1; done";
    let id = node.start_container(&pod, &container("c").shell(serve).stdin(false)).await?;
    until("it listens", PATIENCE, async || {
        node.cri.shell(&id, "wget -qO- 127.0.0.1:8080/big | wc -c").await.is_ok()
    })
    .await?;
    Ok((pod, id))
}

/// One session, up to its moment.
async fn abort(target: &Target<'_>, moment: Moment, way: &Way) -> Result {
    let doing = timeout(PATIENCE, abort_at(target, moment, way));
    doing.await.map_err(|_| Failure::new(format!("{moment:?} over {:?} hangs", way.wire)))?
}

async fn abort_at(target: &Target<'_>, moment: Moment, way: &Way) -> Result {
    let Target { node, pod, id, used } = target;
    let sleep = ["sh", "-c", "echo up; sleep 888"];
    match moment {
        Moment::Connected | Moment::HalfARequest => raw(used, moment, way).await,
        Moment::NoStreams => raw(&exec_url(node, id, &sleep, false).await?, moment, way).await,
        Moment::Starting => {
            let (session, _near, _out) = begin(way, exec_url(node, id, &sleep, false).await?, false);
            tokio::task::yield_now().await;
            drop(session);
            Ok(())
        }
        Moment::Running => {
            let (_session, _near, mut out) = begin(way, exec_url(node, id, &sleep, false).await?, false);
            read(&mut out, 1).await
        }
        Moment::OutputUnread => {
            let url = exec_url(node, id, &["cat", "/dev/zero"], false).await?;
            let (_session, _near, mut out) = begin(way, url, false);
            read(&mut out, 100_000).await
        }
        Moment::InputUnread => {
            let (_session, mut near, mut out) = begin(way, exec_url(node, id, &sleep, false).await?, false);
            near.write_all(&[b'x'; 500_000]).await?;
            read(&mut out, 1).await
        }
        Moment::Terminal => {
            let (_session, mut near, mut out) = begin(way, exec_url(node, id, &["sh"], true).await?, true);
            near.write_all(b"sleep 888 &\n").await?;
            read(&mut out, 1).await
        }
        Moment::Attached => {
            let request = AttachRequest {
                container_id: (*id).to_owned(),
                stdin: true,
                stdout: true,
                ..Default::default()
            };
            let (_session, mut near, mut out) = begin(way, node.cri.attach_url(request).await?, false);
            near.write_all(b"a line\n").await?;
            read(&mut out, 1).await
        }
        Moment::Forwarding => {
            let forwarder =
                client::port_forward_by(way, &node.cri.port_forward_url(&pod.id, &[]).await?).await?;
            let mut silent = forwarder.connect(8080)?;
            silent.write_all(b"GET /").await?;
            let mut big = forwarder.connect(8080)?;
            big.write_all(b"GET /big HTTP/1.0\r\n\r\n").await?;
            read(&mut big, 10_000).await
        }
        Moment::ForwardRefused => {
            let forwarder =
                client::port_forward_by(way, &node.cri.port_forward_url(&pod.id, &[]).await?).await?;
            let mut closed = forwarder.connect(9)?;
            closed.write_all(b"nobody").await?;
            let mut open = forwarder.connect(8080)?;
            open.write_all(b"GET /big HTTP/1.0\r\n\r\n").await?;
            read(&mut open, 10_000).await
        }
    }
}

async fn exec_url(node: &Node, id: &str, command: &[&str], tty: bool) -> Result<String> {
    let cmd = command.iter().map(|word| (*word).to_owned()).collect();
    let request = ExecRequest {
        container_id: id.to_owned(),
        cmd,
        stdin: true,
        stdout: true,
        tty,
        ..Default::default()
    };
    Ok(node.cri.exec_url(request).await?)
}

/// A session that ends, without a word, when the first of these is dropped.
fn begin(way: &Way, url: String, tty: bool) -> (JoinSet<()>, DuplexStream, DuplexStream) {
    let ((near, far), (out, far_out)) = (duplex(1 << 20), duplex(1 << 10));
    let way = way.clone();
    let mut session = JoinSet::new();
    session.spawn(async move {
        let (_sizes, resize) = mpsc::channel(1);
        let io = ClientIo {
            stdin: Some(Box::pin(far)),
            stdout: Some(Box::pin(far_out)),
            resize: tty.then_some(resize),
            ..Default::default()
        };
        let _ = client::exec_by(&way, &url, io).await;
    });
    (session, near, out)
}

async fn read(reader: &mut (impl tokio::io::AsyncRead + Unpin), bytes: usize) -> Result {
    let mut chunk = vec![0; bytes];
    reader.read_exact(&mut chunk).await?;
    Ok(())
}

/// The moments before there is a session.
async fn raw(url: &str, moment: Moment, way: &Way) -> Result {
    let (address, path) =
        url.trim_start_matches("http://").split_once('/').doing(|| format!("understand {url}"))?;
    let mut socket = TcpStream::connect(address).await?;
    let upgrade = match way.wire {
        Wire::Spdy => "Upgrade: SPDY/3.1\r\n",
        Wire::WebSocket => {
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
    };
    let request = format!("GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n{upgrade}\r\n");
    match moment {
        Moment::HalfARequest => socket.write_all(&request.as_bytes()[..60]).await?,
        Moment::NoStreams => {
            socket.write_all(request.as_bytes()).await?;
            read(&mut socket, 20).await?;
        }
        _ => {}
    }
    Ok(())
}

/// No command of a session is left in the container.
async fn idle(node: &Node, id: &str) -> bool {
    let count = "ps | grep -E 'sleep 888|cat /dev/zero|sh$' | grep -vc grep || true";
    node.cri.shell(id, count).await.is_ok_and(|text| text.trim() == "0")
}

fn held(node: &Node, pod: &RunningPod) -> Result<Held> {
    let daemon = node.daemon.pid().doing(|| "find the daemon".to_owned())?;
    let monitor = monitor_of(node, &pod.id)?;
    let fds = |pid: &dyn Display| -> Result<usize> { Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count()) };
    let processes = node.leftovers()?.things().filter(|thing| thing.starts_with("process ")).count();
    Ok(Held { daemon_fds: fds(&daemon)?, monitor_fds: fds(&monitor)?, processes })
}
