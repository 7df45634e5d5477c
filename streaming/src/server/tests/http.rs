//! What is refused before a session begins.

use super::*;

/// Sends `request` and gives the answer's status line and headers.
async fn answer(running: &Running, request: &str) -> String {
    let mut socket = TcpStream::connect(running.server.address()).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon(socket.read_u8()).await.unwrap());
    }
    String::from_utf8(answer).unwrap().to_ascii_lowercase()
}

fn exec(running: &Running) -> String {
    let url = running.exec_url(&["exit", "0"], ExecRequest::default());
    url.splitn(4, '/').nth(3).unwrap().to_owned()
}

const UPGRADE: &str = "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: SPDY/3.1\r\n";

#[tokio::test]
async fn an_upgrade_is_answered_with_the_clients_best_protocol() {
    let running = start().await;
    let request = format!(
        "GET /{} HTTP/1.1\r\n{UPGRADE}X-Stream-Protocol-Version: v5.channel.k8s.io, v4.channel.k8s.io\r\nX-Stream-Protocol-Version: channel.k8s.io\r\n\r\n",
        exec(&running)
    );
    let answer = answer(&running, &request).await;
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("upgrade: spdy/3.1\r\n"), "{answer}");
    assert!(answer.contains("x-stream-protocol-version: v4.channel.k8s.io\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_without_a_version_is_upgraded_silently() {
    let running = start().await;
    let answer = answer(&running, &format!("POST /{} HTTP/1.1\r\n{UPGRADE}\r\n", exec(&running))).await;
    assert!(answer.starts_with("http/1.1 101") && !answer.contains("x-stream"), "{answer}");
}

#[tokio::test]
async fn strangers_are_refused_with_what_we_speak() {
    let running = start().await;
    let line = "X-Stream-Protocol-Version: v9.channel.k8s.io\r\n";
    let request = format!("GET /{} HTTP/1.1\r\n{UPGRADE}{line}\r\n", exec(&running));
    let answer = answer(&running, &request).await;
    assert!(answer.starts_with("http/1.1 403"), "{answer}");
    assert_eq!(answer.matches("x-accepted-stream-protocol-versions").count(), 4, "{answer}");
}

#[tokio::test]
async fn only_upgrades_with_a_fresh_token_and_the_right_verb_work() {
    let running = start().await;
    let used = exec(&running);
    let status = async |request: String| answer(&running, &request).await[9..12].to_owned();
    assert_eq!(status(format!("GET /{used} HTTP/1.1\r\nHost: x\r\n\r\n")).await, "400", "no upgrade");
    assert_eq!(status(format!("GET /{used} HTTP/1.1\r\n{UPGRADE}\r\n")).await, "404", "spent");
    assert_eq!(status(format!("GET /exec/{} HTTP/1.1\r\n{UPGRADE}\r\n", "0".repeat(32))).await, "404");
    assert_eq!(status(format!("GET / HTTP/1.1\r\n{UPGRADE}\r\n")).await, "404");
    let other = exec(&running).replace("exec", "attach");
    assert_eq!(status(format!("GET /{other} HTTP/1.1\r\n{UPGRADE}\r\n")).await, "404", "another verb");
    assert_eq!(status(format!("PUT /{} HTTP/1.1\r\n{UPGRADE}\r\n", exec(&running))).await, "405");
}

#[tokio::test]
async fn a_client_that_opens_no_streams_and_leaves_is_forgotten() {
    let running = start().await;
    let request = format!("GET /{} HTTP/1.1\r\n{UPGRADE}\r\n", exec(&running));
    drop(answer(&running, &request).await);
    running.nothing_left().await;
}
