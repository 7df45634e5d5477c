//! Port-forward: many connections, half-close, failures that stay with their connection.

use super::*;
use crate::client::{ClientError, PortForwarder, Way, port_forward_by};

async fn session(way: &Way, running: &Running, ports: &[u16]) -> PortForwarder {
    let request = PortForwardRequest { pod_id: "pod".into(), ports: ports.into() };
    soon(port_forward_by(way, &running.server.port_forward_url(request).unwrap())).await.unwrap()
}

async fn echoes(session: &PortForwarder, bytes: usize) {
    let mut connection = session.connect(7).unwrap();
    let sent = vec![42; bytes];
    let mut got = vec![0; bytes];
    let (mut reader, mut writer) = tokio::io::split(&mut connection);
    soon(async { tokio::try_join!(writer.write_all(&sent), reader.read_exact(&mut got)) }).await.unwrap();
    assert!(sent == got);
    soon(writer.shutdown()).await.unwrap();
    assert_eq!(soon(reader.read(&mut [0; 1])).await.unwrap(), 0);
    soon(connection.verdict()).await.unwrap();
}

#[tokio::test]
async fn many_connections_go_on_at_once() {
    for way in ways() {
        let running = start().await;
        let session = session(&way, &running, &[]).await;
        let many = (0..200).map(|n| echoes(&session, 1000 + 100 * n));
        futures_util::future::join_all(many).await;
        echoes(&session, 5_000_000).await;
        assert_eq!(running.server.sessions(), 1);
        drop(session);
        running.nothing_left().await;
    }
}

#[tokio::test]
async fn the_client_may_close_first_and_still_be_answered() {
    for way in ways() {
        let running = start().await;
        let session = session(&way, &running, &[]).await;
        let mut connection = session.connect(9).unwrap();
        connection.write_all(&[1; 100_000]).await.unwrap();
        connection.shutdown().await.unwrap();
        let mut answer = String::new();
        soon(connection.read_to_string(&mut answer)).await.unwrap();
        assert_eq!(answer, "pod got 100000");
    }
}

#[tokio::test]
async fn a_refused_port_is_told_and_the_session_goes_on() {
    for way in ways() {
        let running = start().await;
        let session = session(&way, &running, &[]).await;
        let mut refused = session.connect(1).unwrap();
        assert_eq!(soon(refused.read(&mut [0; 1])).await.unwrap(), 0);
        let Err(ClientError::Remote(text)) = soon(refused.verdict()).await else {
            panic!("an error was sent")
        };
        assert!(text.contains("port 1") && text.ends_with("connection refused"), "{text}");
        echoes(&session, 10).await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_reset_without_words() {
    for way in ways() {
        let running = start().await;
        let session = session(&way, &running, &[]).await;
        let mut broken = session.connect(2).unwrap();
        broken.write_all(b"x").await.unwrap();
        assert!(soon(broken.read(&mut [0; 1])).await.is_err(), "a break is not an end of file");
        soon(broken.verdict()).await.unwrap();
        echoes(&session, 10).await;
    }
}

#[tokio::test]
async fn only_named_ports_may_be_reached() {
    for way in ways() {
        let running = start().await;
        let session = session(&way, &running, &[7]).await;
        echoes(&session, 10).await;
        let mut forbidden = session.connect(9).unwrap();
        soon(forbidden.read(&mut [0; 1])).await.unwrap_or_default();
        let Err(ClientError::Remote(text)) = soon(forbidden.verdict()).await else {
            panic!("an error was sent")
        };
        assert!(text.contains("port 9"), "{text}");
        assert_eq!(running.server.sessions(), 1);
    }
}

#[tokio::test]
async fn an_aborted_session_takes_its_connections_along() {
    for way in ways() {
        let running = start().await;
        for _ in 0..20 {
            let session = session(&way, &running, &[]).await;
            let mut open: Vec<_> = (0..20).map(|_| session.connect(7).unwrap()).collect();
            for connection in &mut open {
                connection.write_all(b"x").await.unwrap();
                soon(connection.read_exact(&mut [0; 1])).await.unwrap();
            }
            drop(session);
            assert!(soon(open[0].read(&mut [0; 1])).await.is_err());
        }
        running.nothing_left().await;
    }
}
