//! Client against server with a backend of its own: every verb, every protocol, every way to leave.

use std::{
    pin::Pin,
    sync::atomic::AtomicU64,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::*;
use crate::{BackendError, Duplex, Io, client};

mod command;
mod forward;
mod http;
mod tls;
mod websocket;

const SOON: Duration = Duration::from_secs(60);

/// What commands do is told by their name.
#[derive(Default)]
struct Fake {
    /// Futures of this backend that are alive.
    running: Arc<AtomicUsize>,
    /// Bytes `flood` has managed to write.
    flooded: Arc<AtomicU64>,
}

/// Counts itself while it lives, as whatever holds resources for a session would.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Backend for Fake {
    fn exec(&self, request: ExecRequest, mut io: Io) -> BoxFuture<'static, Result<i32, BackendError>> {
        let alive = Alive::new(&self.running);
        let flooded = Arc::clone(&self.flooded);
        Box::pin(async move {
            let _alive = alive;
            let argument = request.cmd.get(1).cloned().unwrap_or_default();
            match request.cmd[0].as_str() {
                "cat" => {
                    let (mut stdin, mut stdout) = (io.stdin.take().unwrap(), io.stdout.take().unwrap());
                    tokio::io::copy(&mut stdin, &mut stdout).await.unwrap();
                    Ok(0)
                }
                "both" => {
                    io.stdout.take().unwrap().write_all(b"to stdout").await.unwrap();
                    io.stderr.take().unwrap().write_all(b"to stderr").await.unwrap();
                    Ok(3)
                }
                "exit" => Ok(argument.parse().unwrap()),
                "fail" => Err(BackendError::new(argument)),
                "size" => {
                    let size = io.resize.recv().await.unwrap();
                    let text = format!("{}x{}", size.width, size.height);
                    io.stdout.take().unwrap().write_all(text.as_bytes()).await.unwrap();
                    Ok(0)
                }
                "flood" => {
                    let mut left: u64 = argument.parse().unwrap();
                    let mut stdout = io.stdout.take().unwrap();
                    while left > 0 {
                        let n = stdout.write(&vec![b'x'; left.min(32768) as usize]).await.unwrap() as u64;
                        left -= n;
                        flooded.fetch_add(n, Ordering::SeqCst);
                    }
                    Ok(0)
                }
                "deaf" => std::future::pending().await,
                other => panic!("{other}"),
            }
        })
    }

    fn attach(&self, request: AttachRequest, mut io: Io) -> BoxFuture<'static, Result<(), BackendError>> {
        Box::pin(async move {
            let text = format!("attached to {}", request.container_id);
            io.stdout.take().unwrap().write_all(text.as_bytes()).await.unwrap();
            Ok(())
        })
    }

    /// Port 7 echoes, 9 counts what it gets until its end and then answers, 1 refuses, 2 breaks off.
    fn port_forward(
        &self,
        pod: String,
        port: u16,
    ) -> BoxFuture<'static, Result<Box<dyn Duplex>, BackendError>> {
        let alive = Alive::new(&self.running);
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(4096);
            let server = async move {
                let (mut reader, mut writer) = tokio::io::split(theirs);
                match port {
                    7 => drop(tokio::io::copy(&mut reader, &mut writer).await),
                    9 => {
                        let n = reader.read_to_end(&mut Vec::new()).await.unwrap();
                        writer.write_all(format!("{pod} got {n}").as_bytes()).await.unwrap();
                    }
                    _ => drop(reader.read(&mut [0; 10]).await),
                }
                let _ = writer.shutdown().await;
            };
            if port == 1 {
                return Err(BackendError::new("connection refused"));
            }
            let task = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(server));
            Ok(Box::new(Connection { io: ours, breaks: port == 2, _task: task, _alive: alive })
                as Box<dyn Duplex>)
        })
    }
}

/// A connection to a pod, whose other end lives as long as it.
struct Connection {
    io: tokio::io::DuplexStream,
    breaks: bool,
    _task: tokio_util::task::AbortOnDropHandle<()>,
    _alive: Alive,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = std::task::ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        Poll::Ready(if self.breaks { Err(io::ErrorKind::ConnectionReset.into()) } else { result })
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A server that runs until the test ends.
struct Running {
    server: Arc<Server>,
    running: Arc<AtomicUsize>,
    flooded: Arc<AtomicU64>,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

async fn start() -> Running {
    start_with(|server| server).await
}

async fn start_with(settings: impl FnOnce(Server) -> Server) -> Running {
    let server = Arc::new(settings(Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap()));
    let fake = Fake::default();
    let (running, flooded) = (Arc::clone(&fake.running), Arc::clone(&fake.flooded));
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&server).serve(Arc::new(fake), shutdown.clone()));
    Running { server, running, flooded, shutdown, task }
}

impl Running {
    fn exec_url(&self, cmd: &[&str], request: ExecRequest) -> String {
        let cmd = cmd.iter().map(|&word| word.to_owned()).collect();
        self.server.exec_url(ExecRequest { cmd, ..request }).unwrap()
    }

    /// Waits until no session and no future of the backend is left.
    async fn nothing_left(&self) {
        let quiet = async {
            while self.server.sessions() + self.running.load(Ordering::SeqCst) > 0 {
                time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon(quiet).await;
    }
}

/// What every behaviour is tried over.
fn ways() -> [client::Way; 2] {
    [client::Wire::Spdy, client::Wire::WebSocket].map(|wire| client::Way { wire, tls: None })
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    time::timeout(SOON, future).await.expect("in time")
}
