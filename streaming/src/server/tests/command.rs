//! Exec and attach, from the client's call to the program's end.

use std::sync::Mutex;

use super::*;
use crate::{BoxRead, BoxWrite, TerminalSize, client::ClientIo};

/// A local output that remembers.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn sink(&self) -> Option<BoxWrite> {
        Some(Box::pin(self.clone()))
    }
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl AsyncWrite for Kept {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn source(bytes: Vec<u8>) -> Option<BoxRead> {
    Some(Box::pin(std::io::Cursor::new(bytes)))
}

fn outputs() -> ExecRequest {
    ExecRequest { stdout: true, stderr: true, ..ExecRequest::default() }
}

fn in_and_out() -> ExecRequest {
    ExecRequest { stdin: true, stdout: true, ..ExecRequest::default() }
}

/// Waits until `condition` holds.
async fn until(condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            time::sleep(Duration::from_millis(2)).await;
        }
    };
    soon(reached).await;
}

#[tokio::test]
async fn both_outputs_and_the_exit_code_arrive() {
    for way in ways() {
        let running = start().await;
        let (out, err) = (Kept::default(), Kept::default());
        let io = ClientIo { stdout: out.sink(), stderr: err.sink(), ..ClientIo::default() };
        let code = soon(client::exec_by(&way, &running.exec_url(&["both"], outputs()), io)).await.unwrap();
        assert_eq!((code, out.text().as_str(), err.text().as_str()), (3, "to stdout", "to stderr"));
        running.nothing_left().await;
    }
}

#[tokio::test]
async fn the_end_of_standard_input_reaches_the_program() {
    for way in ways() {
        let running = start().await;
        let out = Kept::default();
        let input = "line\n".repeat(400_000);
        let io = ClientIo { stdin: source(input.clone().into()), stdout: out.sink(), ..ClientIo::default() };
        assert_eq!(
            soon(client::exec_by(&way, &running.exec_url(&["cat"], in_and_out()), io)).await.unwrap(),
            0
        );
        assert!(out.text() == input);
        running.nothing_left().await;
    }
}

#[tokio::test]
async fn a_program_may_end_before_its_input() {
    for way in ways() {
        let running = start().await;
        // An input that never ends.
        let (_kept, never) = tokio::io::duplex(1);
        let io =
            ClientIo { stdin: Some(Box::pin(never)), stdout: Kept::default().sink(), ..ClientIo::default() };
        assert_eq!(
            soon(client::exec_by(&way, &running.exec_url(&["exit", "7"], in_and_out()), io)).await.unwrap(),
            7
        );
        running.nothing_left().await;
    }
}

#[tokio::test]
async fn an_input_may_end_before_the_session_begins() {
    for way in ways() {
        let running = start().await;
        for _ in 0..50 {
            let out = Kept::default();
            let io = ClientIo { stdin: source(b"x".into()), stdout: out.sink(), ..ClientIo::default() };
            soon(client::exec_by(&way, &running.exec_url(&["cat"], in_and_out()), io)).await.unwrap();
            assert_eq!(out.text(), "x");
        }
    }
}

#[tokio::test]
async fn a_failure_is_told_in_words() {
    for way in ways() {
        let running = start().await;
        let io = ClientIo {
            stdout: Kept::default().sink(),
            stderr: Kept::default().sink(),
            ..ClientIo::default()
        };
        let error =
            soon(client::exec_by(&way, &running.exec_url(&["fail", "no such program"], outputs()), io)).await;
        assert!(error.unwrap_err().to_string().ends_with("no such program"));
    }
}

#[tokio::test]
async fn a_terminal_has_a_size() {
    for way in ways() {
        let running = start().await;
        let request = ExecRequest { stdout: true, tty: true, ..ExecRequest::default() };
        let (sizes, receiver) = tokio::sync::mpsc::channel(1);
        sizes.send(TerminalSize { width: 132, height: 50 }).await.unwrap();
        let out = Kept::default();
        let io = ClientIo { stdout: out.sink(), resize: Some(receiver), ..ClientIo::default() };
        soon(client::exec_by(&way, &running.exec_url(&["size"], request), io)).await.unwrap();
        assert_eq!(out.text(), "132x50");
    }
}

#[tokio::test]
async fn attach_is_exec_without_a_command() {
    for way in ways() {
        let running = start().await;
        let request = AttachRequest { container_id: "c1".into(), stdout: true, ..AttachRequest::default() };
        let out = Kept::default();
        let io = ClientIo { stdout: out.sink(), ..ClientIo::default() };
        soon(client::attach_by(&way, &running.server.attach_url(request).unwrap(), io)).await.unwrap();
        assert_eq!(out.text(), "attached to c1");
    }
}

/// Takes its time for the first bytes, then counts.
struct Slow {
    pause: Pin<Box<time::Sleep>>,
    seen: Arc<AtomicU64>,
}

impl AsyncWrite for Slow {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.pause.as_mut().poll(cx));
        self.seen.fetch_add(buf.len() as u64, Ordering::SeqCst);
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_hundred_megabytes_wait_for_a_slow_reader_outside_memory() {
    for way in ways() {
        let wire = way.wire;
        const ALL: u64 = 100 * 1024 * 1024;
        let running = start().await;
        let request = ExecRequest { stdout: true, ..ExecRequest::default() };
        let url = running.exec_url(&["flood", &ALL.to_string()], request);
        let seen = Arc::new(AtomicU64::new(0));
        let slow = Slow { pause: Box::pin(time::sleep(Duration::from_secs(1))), seen: Arc::clone(&seen) };
        let io = ClientIo { stdout: Some(Box::pin(slow)), ..ClientIo::default() };
        let client = tokio::spawn(async move { client::exec_by(&way, &url, io).await });
        until(|| running.flooded.load(Ordering::SeqCst) > 0).await;
        time::sleep(Duration::from_millis(300)).await;
        // One stream window at the client, one queue at the server; WebSocket has no windows, so sockets fill too.
        let limit = if wire == client::Wire::Spdy { 1024 * 1024 } else { 16 * 1024 * 1024 };
        let ahead = running.flooded.load(Ordering::SeqCst);
        assert!(seen.load(Ordering::SeqCst) > 0 || ahead < limit, "{ahead} bytes wait somewhere");
        assert_eq!(soon(client).await.unwrap().unwrap(), 0);
        assert_eq!(seen.load(Ordering::SeqCst), ALL);
        running.nothing_left().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_aborted_sessions_leave_nothing() {
    for way in ways() {
        let running = start().await;
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        for round in 0..10 {
            let mut clients = JoinSet::new();
            for _ in 0..100 {
                let (_kept, never) = tokio::io::duplex(1);
                let url = running.exec_url(&["deaf"], in_and_out());
                let stdout = Kept::default().sink();
                let way = way.clone();
                clients.spawn(async move {
                    let io = ClientIo { stdin: Some(Box::pin(never)), stdout, ..ClientIo::default() };
                    client::exec_by(&way, &url, io).await
                });
            }
            until(|| running.running.load(Ordering::SeqCst) == 100).await;
            // Dropped in the middle of it, as by kill -9.
            clients.shutdown().await;
            running.nothing_left().await;
            until(|| tasks() <= before).await;
            assert_eq!(tasks(), before, "round {round}");
        }
    }
}

#[tokio::test]
async fn shutdown_ends_sessions_that_would_go_on() {
    for way in ways() {
        let running = start().await;
        let url = running.exec_url(&["deaf"], ExecRequest { stdout: true, ..ExecRequest::default() });
        let io = ClientIo { stdout: Kept::default().sink(), ..ClientIo::default() };
        let client = tokio::spawn(async move { client::exec_by(&way, &url, io).await });
        until(|| running.running.load(Ordering::SeqCst) == 1).await;
        running.shutdown.cancel();
        soon(running.task).await.unwrap();
        assert_eq!(running.running.load(Ordering::SeqCst), 0);
        assert!(matches!(soon(client).await.unwrap(), Err(client::ClientError::Lost(_))));
    }
}
