//! WebSocket clients of other makes: old subprotocols, refusals, and those that break the rules.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, frame::coding::CloseCode},
    },
};

use super::*;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const UPGRADE: &str = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";

/// Sends a request for the path of `url`; the answer's head in lower case, and what can be talked to then.
async fn ask(url: &str, headers: &str) -> (String, TcpStream) {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon(socket.read_u8()).await.unwrap());
    }
    (String::from_utf8(answer).unwrap().to_ascii_lowercase(), socket)
}

fn offer(protocol: &str) -> String {
    format!("{UPGRADE}Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: {protocol}\r\n")
}

/// A session with `protocol`, past the handshake.
async fn open(url: &str, protocol: &str) -> WebSocketStream<TcpStream> {
    let (answer, socket) = ask(url, &offer(protocol)).await;
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{answer}");
    assert!(answer.contains(&format!("sec-websocket-protocol: {}\r\n", protocol.to_ascii_lowercase())));
    WebSocketStream::from_raw_socket(socket, Role::Client, None).await
}

/// Everything up to the end, and how it was closed.
async fn rest(mut session: WebSocketStream<TcpStream>) -> (Vec<Message>, Option<(CloseCode, String)>) {
    let mut messages = Vec::new();
    while let Some(message) = soon(session.next()).await {
        match message {
            Ok(Message::Close(frame)) => {
                return (messages, frame.map(|frame| (frame.code, frame.reason.to_string())));
            }
            Ok(message) => messages.push(message),
            Err(_) => break,
        }
    }
    (messages, None)
}

fn both(running: &Running) -> String {
    let request = ExecRequest { stdout: true, stderr: true, ..ExecRequest::default() };
    running.exec_url(&["both"], request)
}

fn cat(running: &Running) -> String {
    let request = ExecRequest { stdin: true, stdout: true, ..ExecRequest::default() };
    running.exec_url(&["cat"], request)
}

#[tokio::test]
async fn every_subprotocol_is_spoken() {
    let running = start().await;
    for protocol in ["v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"] {
        let (messages, close) = rest(open(&both(&running), protocol).await).await;
        let data: Vec<_> = messages.into_iter().map(Message::into_data).collect();
        assert_eq!(data[0].as_ref(), [1], "an empty message says that the session stands");
        let of = |number: u8| data.iter().filter(move |data| data[0] == number).flat_map(|data| &data[1..]);
        assert_eq!(of(1).copied().collect::<Vec<_>>(), b"to stdout");
        assert_eq!(of(2).copied().collect::<Vec<_>>(), b"to stderr");
        let status = String::from_utf8(of(3).copied().collect()).unwrap();
        assert_eq!(data.last().unwrap()[0], 3, "the status is the last word");
        let json = status.contains(r#""reason":"NonZeroExitCode""#);
        assert_eq!(json, protocol != "channel.k8s.io", "{status}");
        assert_eq!(close.unwrap().0, CloseCode::Normal);
    }
    for protocol in ["v4.base64.channel.k8s.io", "base64.channel.k8s.io"] {
        let (messages, _) = rest(open(&both(&running), protocol).await).await;
        let text: Vec<_> = messages.iter().map(|message| message.to_text().unwrap()).collect();
        assert!(messages.iter().all(Message::is_text), "{text:?}");
        assert!(text.contains(&"1") && text.contains(&"1dG8gc3Rkb3V0") && text.contains(&"2dG8gc3RkZXJy"));
    }
    running.nothing_left().await;
}

#[tokio::test]
async fn a_client_without_a_subprotocol_gets_plain_channels() {
    let running = start().await;
    let (answer, socket) = ask(&both(&running), &format!("{UPGRADE}Sec-WebSocket-Key: {KEY}\r\n")).await;
    assert!(answer.starts_with("http/1.1 101") && !answer.contains("sec-websocket-protocol"), "{answer}");
    let session = WebSocketStream::from_raw_socket(socket, Role::Client, None).await;
    let (messages, _) = rest(session).await;
    assert!(messages.contains(&Message::Binary(b"\x01to stdout".as_slice().into())));
}

#[tokio::test]
async fn only_the_fifth_version_closes_an_input() {
    let running = start().await;
    let mut session = open(&cat(&running), "v5.channel.k8s.io").await;
    // Fragments, and a channel that is not there, on the way.
    session.send(Message::Binary(b"\x00hel".as_slice().into())).await.unwrap();
    session.send(Message::Binary(b"\x07nobody".as_slice().into())).await.unwrap();
    session.send(Message::Text("\0lo".into())).await.unwrap();
    session.send(Message::Binary(b"\xff\x09".as_slice().into())).await.unwrap();
    session.send(Message::Binary(b"\xff".as_slice().into())).await.unwrap();
    session.send(Message::Binary(Bytes::new())).await.unwrap();
    session.send(Message::Binary(b"\xff\x00".as_slice().into())).await.unwrap();
    session.send(Message::Binary(b"\x00too late".as_slice().into())).await.unwrap();
    let (messages, close) = rest(session).await;
    let out: Vec<u8> = messages
        .iter()
        .map(|m| m.clone().into_data())
        .filter(|m| m[0] == 1)
        .flat_map(|m| m.slice(1..))
        .collect();
    assert_eq!((out.as_slice(), close.unwrap().0), (&b"hello"[..], CloseCode::Normal));

    let mut session = open(&cat(&running), "v4.channel.k8s.io").await;
    session.send(Message::Binary(b"\xff\x00".as_slice().into())).await.unwrap();
    session.send(Message::Binary(b"\x00still".as_slice().into())).await.unwrap();
    let heard = async {
        loop {
            let message = session.next().await.unwrap().unwrap().into_data();
            if message.as_ref() == b"\x01still" {
                break;
            }
        }
    };
    soon(heard).await;
    drop(session);
    running.nothing_left().await;
}

#[tokio::test]
async fn a_wrong_handshake_is_answered_in_words() {
    let running = start().await;
    let status = async |headers: &str, words: &str| {
        let (answer, mut socket) = ask(&both(&running), headers).await;
        let mut body = String::new();
        soon(socket.read_to_string(&mut body)).await.unwrap();
        assert!(body.contains(words), "{body}");
        answer[9..12].to_owned()
    };
    let key = format!("Sec-WebSocket-Key: {KEY}\r\n");
    assert_eq!(status(&offer("v9.channel.k8s.io, graphql-ws"), "v5.channel.k8s.io, v4").await, "403");
    assert_eq!(status(&offer("SPDY/3.1+portforward.k8s.io"), "spoken here").await, "403", "another verb's");
    assert_eq!(status(UPGRADE, "16 bytes").await, "400");
    assert_eq!(status(&format!("{UPGRADE}Sec-WebSocket-Key: c2hvcnQ=\r\n"), "16 bytes").await, "400");
    let old = UPGRADE.replace("Version: 13", "Version: 8");
    assert_eq!(status(&format!("{old}{key}"), "13").await, "426");
    let bare = "Host: x\r\nUpgrade: websocket\r\n";
    assert_eq!(status(&format!("{bare}{key}"), "Connection: Upgrade").await, "400");
}

#[tokio::test]
async fn a_web_page_gets_nowhere_without_a_token_and_a_dashboard_does_with_one() {
    let running = start().await;
    let page = format!("{}Origin: https://dashboard.example\r\n", offer("v4.channel.k8s.io"));
    let url = both(&running);
    let (answer, _) = ask(&url, &page).await;
    assert!(answer.starts_with("http/1.1 101") && !answer.contains("access-control"), "{answer}");
    for wrong in [url.clone(), format!("{}{}", &url[..url.len() - 32], "0".repeat(32))] {
        let (answer, _) = ask(&wrong, &page).await;
        assert!(answer.starts_with("http/1.1 404") && !answer.contains("access-control"), "{answer}");
    }
}

/// Sends `bytes` as they are on a fresh session; gives how the server closes it.
async fn provoked(running: &Running, bytes: &[u8]) -> CloseCode {
    let mut session = open(&cat(running), "v5.channel.k8s.io").await;
    session.get_mut().write_all(bytes).await.unwrap();
    rest(session).await.1.expect("a reason").0
}

#[tokio::test]
async fn what_breaks_the_rules_is_told_so_and_ends_its_session_alone() {
    let running = start().await;
    let mut other = open(&cat(&running), "v5.channel.k8s.io").await;
    assert_eq!(provoked(&running, b"\x82\x03\x00hi").await, CloseCode::Protocol, "not masked");
    let huge = [&b"\x82\xff"[..], &u64::MAX.to_be_bytes(), b"mask"].concat();
    assert_eq!(provoked(&running, &huge).await, CloseCode::Size, "a lie of a length");
    let large = [&b"\x82\xff"[..], &(2u64 << 20).to_be_bytes(), b"mask"].concat();
    assert_eq!(provoked(&running, &large).await, CloseCode::Size);
    // Half a mebibyte, three times, never the end of it.
    let part = [&b"\x02\xff"[..], &(512u64 << 10).to_be_bytes(), b"mask", &vec![0; 512 << 10]].concat();
    let next = [&b"\x00\xff"[..], &part[2..]].concat();
    assert_eq!(
        provoked(&running, &[part, next.clone(), next].concat()).await,
        CloseCode::Size,
        "in fragments"
    );
    assert_eq!(provoked(&running, b"\xf2\x80mask").await, CloseCode::Protocol, "reserved bits");
    assert_eq!(provoked(&running, b"\x83\x80mask").await, CloseCode::Protocol, "an opcode nobody knows");
    assert_eq!(provoked(&running, b"\x80\x80mask").await, CloseCode::Protocol, "a rest of nothing");
    assert_eq!(provoked(&running, b"\x09\x80mask").await, CloseCode::Protocol, "a ping in pieces");
    assert_eq!(provoked(&running, b"\x81\x81\0\0\0\0\xff").await, CloseCode::Invalid, "text that is none");
    let mut base64 = open(&cat(&running), "base64.channel.k8s.io").await;
    base64.send(Message::Text("0???".into())).await.unwrap();
    assert_eq!(rest(base64).await.1.unwrap(), (CloseCode::Protocol, "not base64".into()));

    other.send(Message::Binary(b"\x00alive\xff".as_slice().into())).await.unwrap();
    other.send(Message::Binary(b"\xff\x00".as_slice().into())).await.unwrap();
    let (messages, _) = rest(other).await;
    assert!(messages.contains(&Message::Binary(b"\x01alive\xff".as_slice().into())));
    running.nothing_left().await;
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_or_ends_with_its_session() {
    let running = start().await;
    let mut session = open(&cat(&running), "v5.channel.k8s.io").await;
    session.send(Message::Ping(b"you there?".as_slice().into())).await.unwrap();
    let pong = async {
        loop {
            if let Message::Pong(words) = session.next().await.unwrap().unwrap() {
                break words;
            }
        }
    };
    assert_eq!(soon(pong).await.as_ref(), b"you there?");
    // Never reads: what waits for it is bounded, so it is cut off, or all of it fits into sockets.
    let ping = [&b"\x89\xfd\0\0\0\0"[..], &[7; 125]].concat().repeat(1000);
    let flood = async {
        for _ in 0..1000 {
            if session.get_mut().write_all(&ping).await.is_err() {
                return;
            }
        }
    };
    soon(flood).await;
    drop(session);
    running.nothing_left().await;
}

#[tokio::test]
async fn a_program_that_reads_nothing_holds_up_its_client_and_ends_with_it() {
    let running = start().await;
    let request = ExecRequest { stdin: true, stdout: true, ..ExecRequest::default() };
    let url = running.exec_url(&["deaf"], request);
    let mut session = open(&url, "v5.channel.k8s.io").await;
    let input = [&[0][..], &vec![b'x'; 100_000]].concat();
    let filled = async {
        loop {
            let send = session.send(Message::Binary(input.clone().into()));
            if time::timeout(Duration::from_millis(300), send).await.is_err() {
                break;
            }
        }
    };
    soon(filled).await;
    assert_eq!(running.server.sessions(), 1);
    // Its socket still holds bytes that nobody has read: that it is gone must be seen all the same.
    drop(session);
    running.nothing_left().await;
}

#[tokio::test]
async fn a_client_that_leaves_at_any_moment_is_forgotten() {
    let running = start().await;
    for moment in 0..4 {
        let (_, mut socket) = ask(&cat(&running), &offer("v5.channel.k8s.io")).await;
        let half: &[u8] = [&b""[..], b"\x82", b"\x82\x85mas", b"\x82\x85mask\x00hi"][moment];
        socket.write_all(half).await.unwrap();
        drop(socket);
    }
    // Half-open: says that it sends no more, and waits.
    let (_, mut socket) = ask(&cat(&running), &offer("v5.channel.k8s.io")).await;
    socket.shutdown().await.unwrap();
    soon(socket.read_to_end(&mut Vec::new())).await.unwrap();
    // In order.
    let mut session = open(&cat(&running), "v5.channel.k8s.io").await;
    session.close(None).await.unwrap();
    rest(session).await;
    running.nothing_left().await;
}

#[tokio::test]
async fn a_tunnel_takes_messages_of_any_size_and_nothing_else() {
    let running = start().await;
    let url = || {
        let request = PortForwardRequest { pod_id: "pod".into(), ports: Vec::new() };
        running.server.port_forward_url(request).unwrap()
    };
    let mut session = open(&url(), "SPDY/3.1+portforward.k8s.io").await;
    // A SPDY ping, a byte at a time, comes back.
    for byte in [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1] {
        session.send(Message::Binary(vec![byte].into())).await.unwrap();
    }
    let mut bytes = Vec::new();
    let echoed = async {
        while !bytes.ends_with(&[0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]) {
            bytes.extend_from_slice(&session.next().await.unwrap().unwrap().into_data());
        }
    };
    soon(echoed).await;
    session.send(Message::Text("a word".into())).await.unwrap();
    rest(session).await;
    let mut nonsense = open(&url(), "SPDY/3.1+portforward.k8s.io").await;
    nonsense.send(Message::Binary(vec![0xff; 1000].into())).await.unwrap();
    rest(nonsense).await;
    running.nothing_left().await;
}

#[tokio::test]
async fn ports_named_beforehand_can_be_reached_by_channels() {
    let running = start().await;
    let request = PortForwardRequest { pod_id: "pod".into(), ports: vec![7, 1] };
    let mut session = open(&running.server.port_forward_url(request).unwrap(), "v4.channel.k8s.io").await;
    session.send(Message::Binary(b"\x00echo".as_slice().into())).await.unwrap();
    let mut got = vec![Vec::new(); 4];
    let told = async {
        while got[0].len() < 6 || got[3].len() < 20 {
            let data = session.next().await.unwrap().unwrap().into_data();
            got[usize::from(data[0])].extend_from_slice(&data[1..]);
        }
    };
    soon(told).await;
    assert_eq!((got[0].as_slice(), got[1].as_slice()), (&b"\x07\x00echo"[..], &b"\x07\x00"[..]));
    assert_eq!(&got[2], b"\x01\x00");
    assert!(got[3].starts_with(b"\x01\x00port 1 of pod pod"), "{:?}", String::from_utf8_lossy(&got[3]));
    drop(session);
    let any = PortForwardRequest { pod_id: "pod".into(), ports: Vec::new() };
    let (answer, _) = ask(&running.server.port_forward_url(any).unwrap(), &offer("v4.channel.k8s.io")).await;
    assert!(answer.starts_with("http/1.1 400"), "{answer}");
    running.nothing_left().await;
}

#[tokio::test]
async fn random_bytes_do_no_harm() {
    let running = start().await;
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..100 {
        let (_, mut socket) = ask(&cat(&running), &offer("v5.channel.k8s.io")).await;
        let mut noise = [0; 512];
        for byte in &mut noise {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            *byte = seed as u8;
        }
        let _ = socket.write_all(&noise).await;
    }
    running.nothing_left().await;
}

#[tokio::test]
async fn our_own_client_refuses_a_server_that_answers_wrongly() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/exec/x", listener.local_addr().unwrap());
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await.unwrap();
        let answer =
            "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";
        socket.write_all(answer.as_bytes()).await.unwrap();
        socket
    };
    let way = client::Way { wire: client::Wire::WebSocket, tls: None };
    let (answer, _) =
        soon(futures_util::future::join(client::exec_by(&way, &url, client::ClientIo::default()), server))
            .await;
    assert!(answer.unwrap_err().to_string().contains("lost"));
}
