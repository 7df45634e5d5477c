//! One GET over the pod network, with nothing between us and the socket.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};

use crate::failure::{Failure, Result};

pub(super) const PORT: u16 = 8080;
/// Of the whole answer.
const MAX_ANSWER: u64 = 64 * 1024;
/// How long a server that has just been started may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// The body of `http://<ip>:8080/`; waits until somebody listens there.
pub(super) async fn fetch(ip: Ipv4Addr) -> Result<String> {
    let fetched = time::timeout(PATIENCE, async {
        loop {
            match once(ip).await {
                Ok(body) => return body,
                Err(_) => time::sleep(PAUSE).await,
            }
        }
    });
    fetched.await.map_err(|_| {
        Failure::new(format!("nobody answers at http://{ip}:{PORT}/ for {PATIENCE:?}"))
            .or_try("`nft list ruleset`: does a firewall of this machine drop what comes from new bridges?")
    })
}

async fn once(ip: Ipv4Addr) -> std::io::Result<String> {
    let mut socket = TcpStream::connect((ip, PORT)).await?;
    socket.write_all(format!("GET / HTTP/1.1\r\nHost: {ip}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    socket.take(MAX_ANSWER).read_to_string(&mut answer).await?;
    let body = answer.strip_prefix("HTTP/1.1 200 ").and_then(|rest| rest.split_once("\r\n\r\n"));
    body.map(|(_, body)| body.trim_end().to_owned()).ok_or_else(|| std::io::Error::other("not 200"))
}
