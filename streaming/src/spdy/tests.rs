//! Connections over the loopback device: streams, windows, half-close, peers without manners.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::{headers::Encoder, *};
use crate::socket::Tcp;

const SOON: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(3600);

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

fn start(socket: TcpStream, role: Role, idle: Duration) -> (Connection, Handle) {
    let socket = Tcp::new(socket);
    let alive = socket.alive();
    connect(socket, alive, Bytes::new(), role, 10, idle)
}

/// Both ends, running in `tasks`.
async fn pair(tasks: &mut JoinSet<Result<(), Error>>) -> (Handle, Handle) {
    let (client, server) = sockets().await;
    let (run_client, client) = start(client, Role::Client, LONG);
    let (run_server, server) = start(server, Role::Server, LONG);
    tasks.spawn(run_client.run());
    tasks.spawn(run_server.run());
    (client, server)
}

/// Our server end and a bare socket at the other.
async fn against_socket(idle: Duration) -> (JoinSet<Result<(), Error>>, Handle, TcpStream) {
    let (socket, server) = sockets().await;
    let (run, handle) = start(server, Role::Server, idle);
    let mut tasks = JoinSet::new();
    tasks.spawn(run.run());
    (tasks, handle, socket)
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.expect("in time")
}

#[tokio::test]
async fn a_stream_carries_bytes_both_ways_and_half_closes() {
    let mut tasks = JoinSet::new();
    let (client, server) = pair(&mut tasks).await;
    let mut ours = client.open(Headers::default().with("streamType", "data")).unwrap();
    ours.write_all(b"ping").await.unwrap();
    ours.shutdown().await.unwrap();

    let mut theirs = soon(server.accept()).await.unwrap();
    assert_eq!(theirs.header("streamtype"), Some("data"));
    let mut got = String::new();
    soon(theirs.read_to_string(&mut got)).await.unwrap();
    assert_eq!(got, "ping");
    // Our direction has ended; the other has not.
    theirs.write_all(b"pong").await.unwrap();
    theirs.shutdown().await.unwrap();
    got.clear();
    soon(ours.read_to_string(&mut got)).await.unwrap();
    assert_eq!(got, "pong");
    drop((ours, theirs));
    assert_eq!((client.streams(), server.streams()), (0, 0));
}

#[tokio::test]
async fn a_reset_is_an_error_and_a_dropped_stream_stops_its_sender() {
    let mut tasks = JoinSet::new();
    let (client, server) = pair(&mut tasks).await;
    let mut ours = client.open(Headers::default()).unwrap();
    soon(server.accept()).await.unwrap().reset();
    assert!(soon(ours.read(&mut [0; 1])).await.is_err());

    let mut ours = client.open(Headers::default()).unwrap();
    drop(soon(server.accept()).await.unwrap());
    let stopped = async { while ours.write_all(&[0; 1000]).await.is_ok() {} };
    soon(stopped).await;
}

#[tokio::test]
async fn a_slow_reader_holds_its_writer_and_nobody_else() {
    let mut tasks = JoinSet::new();
    let (client, server) = pair(&mut tasks).await;
    let mut slow = client.open(Headers::default()).unwrap();
    let mut fast = client.open(Headers::default()).unwrap();
    let stuck = tokio::spawn(async move {
        let result = slow.write_all(&vec![7; 10_000_000]).await;
        slow.shutdown().await.unwrap();
        result
    });
    let mut slow_end = soon(server.accept()).await.unwrap();
    let mut fast_end = soon(server.accept()).await.unwrap();
    // Whatever the slow one does, the other is served again and again.
    for _ in 0..200 {
        fast.write_all(&[1; 1000]).await.unwrap();
        soon(fast_end.read_exact(&mut [0; 1000])).await.unwrap();
    }
    assert!(!stuck.is_finished());
    assert!(server.held() <= STREAM_WINDOW, "{}", server.held());
    let mut all = Vec::new();
    soon(slow_end.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all.len(), 10_000_000);
    soon(stuck).await.unwrap().unwrap();
}

#[tokio::test]
async fn more_than_a_session_window_passes_through_many_streams() {
    let mut tasks = JoinSet::new();
    let (client, server) = pair(&mut tasks).await;
    let mut work = JoinSet::new();
    for _ in 0..8 {
        let mut stream = client.open(Headers::default()).unwrap();
        work.spawn(async move {
            stream.write_all(&vec![1; 3_000_000]).await.unwrap();
            stream.shutdown().await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap()
        });
        let mut stream = soon(server.accept()).await.unwrap();
        work.spawn(async move {
            let n = stream.read_to_end(&mut Vec::new()).await.unwrap();
            stream.shutdown().await.unwrap();
            n
        });
    }
    let total: usize = soon(work.join_all()).await.into_iter().sum();
    assert_eq!(total, 24_000_000);
}

#[tokio::test]
async fn finish_delivers_what_was_written() {
    let mut tasks = JoinSet::new();
    let (client, server) = pair(&mut tasks).await;
    let mut ours = client.open(Headers::default()).unwrap();
    let mut theirs = soon(server.accept()).await.unwrap();
    let sending = tokio::spawn(async move {
        theirs.write_all(&vec![3; 1_000_000]).await.unwrap();
        theirs.shutdown().await.unwrap();
        server.finish();
        // Kept, so that the end comes from `finish`.
        theirs
    });
    let mut all = Vec::new();
    soon(ours.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all.len(), 1_000_000);
    assert!(soon(client.accept()).await.is_none());
    client.finish();
    soon(sending).await.unwrap();
    soon(tasks.join_all()).await.into_iter().for_each(|result| result.unwrap());
}

#[tokio::test]
async fn a_peer_that_vanishes_ends_every_stream() {
    let mut tasks = JoinSet::new();
    let (client, server) = pair(&mut tasks).await;
    let _ours = client.open(Headers::default()).unwrap();
    let mut theirs = soon(server.accept()).await.unwrap();
    tasks.abort_all();
    assert!(soon(theirs.read(&mut [0; 1])).await.is_err());
    assert!(theirs.write(&[0; 1]).await.is_err());
    assert!(soon(server.accept()).await.is_none());
}

fn syn(encoder: &mut Encoder, id: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::syn_stream(&mut bytes, id, &encoder.encode(&Headers::default().with("streamType", "stdin")));
    bytes
}

#[tokio::test]
async fn a_peer_without_flow_control_is_held_by_tcp_and_noticed_when_it_leaves() {
    let (mut tasks, handle, mut socket) = against_socket(LONG).await;
    socket.write_all(&syn(&mut Encoder::default(), 1)).await.unwrap();
    let stream = soon(handle.accept()).await.unwrap();
    let flood = async {
        let mut frame = Vec::new();
        frame::data(&mut frame, 1, false, &vec![0; 1 << 20]);
        loop {
            socket.write_all(&frame).await.unwrap();
        }
    };
    // The stream's reader does nothing: the flood must stop, with one window in memory.
    assert!(timeout(Duration::from_millis(500), flood).await.is_err());
    assert_eq!(handle.held(), STREAM_WINDOW);
    drop(socket);
    assert!(soon(tasks.join_next()).await.unwrap().unwrap().is_err());
    drop(stream);
}

#[tokio::test]
async fn output_for_a_peer_without_flow_control_does_not_stop_at_a_window() {
    let (_tasks, handle, mut socket) = against_socket(LONG).await;
    socket.write_all(&syn(&mut Encoder::default(), 1)).await.unwrap();
    let mut stream = soon(handle.accept()).await.unwrap();
    let sender = tokio::spawn(async move { stream.write_all(&vec![0; 20 * STREAM_WINDOW]).await });
    let mut got = 0;
    let mut chunk = vec![0; 65536];
    while got < 20 * STREAM_WINDOW {
        got += soon(socket.read(&mut chunk)).await.unwrap();
    }
    soon(sender).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_window_is_honoured_once_the_peer_uses_it() {
    let (_tasks, handle, mut socket) = against_socket(LONG).await;
    let mut hello = Vec::new();
    frame::initial_window(&mut hello, 1000);
    hello.extend(syn(&mut Encoder::default(), 1));
    socket.write_all(&hello).await.unwrap();
    let mut stream = soon(handle.accept()).await.unwrap();
    assert_eq!(stream.write(&[0; 5000]).await.unwrap(), 1000);
    assert!(timeout(Duration::from_millis(50), stream.write(&[0; 5000])).await.is_err());
    let mut more = Vec::new();
    frame::window_update(&mut more, 1, 7);
    socket.write_all(&more).await.unwrap();
    assert_eq!(soon(stream.write(&[0; 5000])).await.unwrap(), 7);
}

#[tokio::test]
async fn too_many_streams_are_refused_and_floods_are_not_answered_without_end() {
    let (mut tasks, handle, mut socket) = against_socket(LONG).await;
    let mut encoder = Encoder::default();
    for id in (1..2001).step_by(2) {
        socket.write_all(&syn(&mut encoder, id)).await.unwrap();
    }
    for _ in 0..10 {
        soon(handle.accept()).await.unwrap();
    }
    // Pings whose answers nobody reads: we stop reading too, with bounded memory.
    let mut pings = Vec::new();
    for _ in 0..10_000 {
        frame::ping(&mut pings, 1);
    }
    let flood = async {
        loop {
            socket.write_all(&pings).await.unwrap();
        }
    };
    assert!(timeout(Duration::from_secs(2), flood).await.is_err());
    assert!(tasks.try_join_next().is_none());
    drop(socket);
    soon(tasks.join_next()).await.unwrap().unwrap().unwrap_err();
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let (mut tasks, _handle, _socket) = against_socket(Duration::from_millis(30)).await;
    assert!(matches!(soon(tasks.join_next()).await, Some(Ok(Err(Error::Idle(_))))));
}

#[tokio::test]
async fn an_overflowing_window_ends_what_it_overflows() {
    let (mut tasks, _handle, mut socket) = against_socket(LONG).await;
    let mut bytes = Vec::new();
    frame::window_update(&mut bytes, 0, 0x7fff_ffff);
    frame::window_update(&mut bytes, 0, 0x7fff_ffff);
    socket.write_all(&bytes).await.unwrap();
    assert!(matches!(soon(tasks.join_next()).await, Some(Ok(Err(Error::Protocol(_))))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After a good start, anything: the connection ends or goes on, but never panics and never holds much.
    #[test]
    fn random_bytes_do_no_harm(noise in proptest::collection::vec(any::<u8>(), 0..4096), good in 0usize..5) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut tasks, handle, mut socket) = against_socket(LONG).await;
            let mut encoder = Encoder::default();
            for n in 0..good {
                socket.write_all(&syn(&mut encoder, 2 * n as u32 + 1)).await.unwrap();
            }
            // A connection that is closed under us is a fine answer to noise.
            let _ = socket.write_all(&noise).await;
            let _ = socket.shutdown().await;
            let ended = soon(tasks.join_next()).await.unwrap();
            assert!(ended.is_ok(), "no panic");
            assert!(handle.held() <= SESSION_WINDOW);
        });
    }
}
