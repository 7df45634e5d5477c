//! The same sessions over TLS, and clients that do not get so far.

use super::*;
use crate::tls;

fn certificate() -> (Vec<u8>, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem().into_bytes(), made.signing_key.serialize_pem().into_bytes())
}

#[tokio::test]
async fn sessions_run_over_tls_with_a_server_that_is_known() {
    let (certificate, key) = certificate();
    let running = start_with(|server| server.with_tls(tls::server(&certificate, &key).unwrap())).await;
    let request = ExecRequest { stdin: true, stdout: true, ..ExecRequest::default() };
    for way in ways() {
        let way = client::Way { tls: Some(tls::client(&certificate).unwrap()), ..way };
        let url = running.exec_url(&["cat"], request.clone());
        assert!(url.starts_with("https://127.0.0.1:"), "{url}");
        let ((near, far), input) = (tokio::io::duplex(64), vec![b'y'; 3_000_000]);
        let (session, text) = soon(async {
            let io = client::ClientIo {
                stdin: Some(Box::pin(std::io::Cursor::new(input.clone()))),
                stdout: Some(Box::pin(far)),
                ..client::ClientIo::default()
            };
            let read = async {
                let (mut near, mut text) = (near, Vec::new());
                near.read_to_end(&mut text).await.unwrap();
                text
            };
            tokio::join!(client::exec_by(&way, &url, io), read)
        })
        .await;
        assert_eq!(session.unwrap(), 0);
        assert!(text == input);
        let forward = PortForwardRequest { pod_id: "pod".into(), ports: Vec::new() };
        let url = running.server.port_forward_url(forward).unwrap();
        let forwarder = soon(client::port_forward_by(&way, &url)).await.unwrap();
        let mut connection = forwarder.connect(9).unwrap();
        connection.write_all(&[1; 100_000]).await.unwrap();
        connection.shutdown().await.unwrap();
        let mut answer = String::new();
        soon(connection.read_to_string(&mut answer)).await.unwrap();
        assert_eq!(answer, "pod got 100000");
    }
    running.nothing_left().await;
}

#[tokio::test]
async fn strangers_do_not_get_past_tls() {
    let (cert, key) = certificate();
    let running = start_with(|server| server.with_tls(tls::server(&cert, &key).unwrap())).await;
    let url = running.exec_url(&["exit", "0"], ExecRequest::default());
    let error = client::exec(&url, client::ClientIo::default()).await.unwrap_err();
    assert!(matches!(error, client::ClientError::Url { .. }), "nobody to trust was named");
    let other = client::Way { tls: Some(tls::client(&certificate().0).unwrap()), ..Default::default() };
    let error = soon(client::exec_by(&other, &url, client::ClientIo::default())).await.unwrap_err();
    assert!(matches!(error, client::ClientError::Tls { .. }), "another's certificate");
    let plain = url.replace("https", "http");
    assert!(soon(client::exec(&plain, client::ClientIo::default())).await.is_err());
    // The token is still good: none of them came so far.
    let way = client::Way { tls: Some(tls::client(&cert).unwrap()), ..Default::default() };
    assert_eq!(soon(client::exec_by(&way, &url, client::ClientIo::default())).await.unwrap(), 0);
    running.nothing_left().await;
}

#[tokio::test]
async fn a_client_that_leaves_over_tls_takes_its_program_along() {
    let (cert, key) = certificate();
    let running = start_with(|server| server.with_tls(tls::server(&cert, &key).unwrap())).await;
    for way in ways() {
        let way = client::Way { tls: Some(tls::client(&cert).unwrap()), ..way };
        let url = running.exec_url(&["deaf"], ExecRequest { stdin: true, ..ExecRequest::default() });
        // More than the session can hold, so that its end is behind bytes that nobody reads.
        let io = client::ClientIo {
            stdin: Some(Box::pin(tokio::io::repeat(b'x'))),
            ..client::ClientIo::default()
        };
        let client = tokio::spawn(async move { client::exec_by(&way, &url, io).await });
        while running.running.load(Ordering::SeqCst) == 0 {
            time::sleep(Duration::from_millis(2)).await;
        }
        client.abort();
        running.nothing_left().await;
    }
}

#[test]
fn files_that_are_no_certificates_are_refused_by_name() {
    let (cert, key) = certificate();
    assert!(matches!(tls::server(b"", &key), Err(tls::TlsError::NoCertificate)));
    assert!(matches!(tls::server(&cert, &cert), Err(tls::TlsError::Key(_))));
    assert!(matches!(tls::server(&certificate().0, &key), Err(tls::TlsError::Unusable(_))));
    assert!(matches!(tls::client(b"nothing"), Err(tls::TlsError::NoCertificate)));
}
