//! Exec, attach and port-forward over the streaming server, as kubelet proxies them.

use std::{fs, time::Duration};

use e2e::{refused, ways};
use harness::{Failure, Node, Options, Result, container, run, until};
use proto::cri::{AttachRequest, ExecRequest};
use streaming::{
    TerminalSize,
    client::{self, ClientError, ClientIo, Way},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tonic::Code;

const PATIENCE: Duration = Duration::from_secs(20);

fn exec_request(id: &str, command: &[&str]) -> ExecRequest {
    let cmd = command.iter().map(|word| (*word).to_owned()).collect();
    ExecRequest { container_id: id.to_owned(), cmd, stdout: true, ..Default::default() }
}

/// A session beside the test; its exit code, which is 0 of attach.
fn begin(way: &Way, url: String, io: ClientIo) -> JoinHandle<std::result::Result<i32, ClientError>> {
    let way = way.clone();
    tokio::spawn(async move { client::exec_by(&way, &url, io).await })
}

/// A pipe whose far end goes into a [`ClientIo`].
fn pipe() -> (DuplexStream, DuplexStream) {
    duplex(1 << 20)
}

async fn all(mut reader: impl AsyncRead + Unpin) -> Result<String> {
    let mut bytes = Vec::new();
    timeout(PATIENCE, reader.read_to_end(&mut bytes)).await??;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads until `wanted` has come by.
async fn read_until(reader: &mut (impl AsyncRead + Unpin), wanted: &str) -> Result<String> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = timeout(PATIENCE, reader.read(&mut buffer)).await??;
        seen.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&seen);
        if text.contains(wanted) {
            return Ok(text.into_owned());
        }
        if count == 0 {
            return Err(Failure::new(format!("{wanted:?} never came, only {text:?}")));
        }
    }
}

#[test]
fn exec_carries_both_streams_and_the_exit_code() -> Result {
    run(async {
        for way in ways() {
            let node = Node::start().await?;
            let (_, id) = node.sleeper("p").await?;
            let before = node.leftovers()?;
            let request = ExecRequest {
                stderr: true,
                ..exec_request(&id, &["sh", "-c", "echo out; echo err >&2; exit 42"])
            };
            let url = node.cri.exec_url(request).await?;
            assert!(url.starts_with("http://127.0.0.1:"), "{url}");
            let ((out, far_out), (err, far_err)) = (pipe(), pipe());
            let io = ClientIo {
                stdout: Some(Box::pin(far_out)),
                stderr: Some(Box::pin(far_err)),
                ..Default::default()
            };
            let code = timeout(PATIENCE, client::exec_by(&way, &url, io)).await??;
            assert_eq!((all(out).await?.as_str(), all(err).await?.as_str(), code), ("out\n", "err\n", 42));
            assert!(client::exec_by(&way, &url, ClientIo::default()).await.is_err(), "a URL serves once");
            node.settle(&before).await?;
            node.finish().await?;
        }
        Ok(())
    })
}

#[test]
fn the_end_of_standard_input_reaches_the_command() -> Result {
    run(async {
        for way in ways() {
            let node = Node::start().await?;
            let (_, id) = node.sleeper("p").await?;
            let url =
                node.cri.exec_url(ExecRequest { stdin: true, ..exec_request(&id, &["wc", "-c"]) }).await?;
            let ((mut near, far), (out, far_out)) = (pipe(), pipe());
            let io = ClientIo {
                stdin: Some(Box::pin(far)),
                stdout: Some(Box::pin(far_out)),
                ..Default::default()
            };
            let session = begin(&way, url, io);
            near.write_all(&vec![b'x'; 300_000]).await?;
            drop(near);
            assert_eq!(timeout(PATIENCE, session).await???, 0);
            assert_eq!(all(out).await?.trim(), "300000");
            node.finish().await?;
        }
        Ok(())
    })
}

#[test]
fn a_terminal_has_a_size_that_can_change() -> Result {
    run(async {
        for way in ways() {
            let node = Node::start().await?;
            let (_, id) = node.sleeper("p").await?;
            let request = ExecRequest { stdin: true, tty: true, ..exec_request(&id, &["sh"]) };
            let url = node.cri.exec_url(request).await?;
            let ((mut near, far), (mut out, far_out)) = (pipe(), pipe());
            let (resize, sizes) = mpsc::channel(4);
            resize.send(TerminalSize { width: 81, height: 25 }).await?;
            let io = ClientIo {
                stdin: Some(Box::pin(far)),
                stdout: Some(Box::pin(far_out)),
                resize: Some(sizes),
                ..Default::default()
            };
            let session = begin(&way, url, io);
            // Asked again and again: the size arrives on a stream of its own.
            near.write_all(b"tty; until stty size | grep '25 81'; do sleep 0.1; done\n").await?;
            let text = read_until(&mut out, "25 81\r\n").await?;
            assert!(text.contains("/dev/pts/") || text.contains("/dev/console"), "{text}");
            resize.send(TerminalSize { width: 132, height: 50 }).await?;
            near.write_all(b"until stty size | grep '50 132'; do sleep 0.1; done\n").await?;
            read_until(&mut out, "50 132\r\n").await?;
            near.write_all(b"exit 17\n").await?;
            assert_eq!(timeout(PATIENCE, session).await???, 17);
            node.finish().await?;
        }
        Ok(())
    })
}

#[test]
fn a_client_that_leaves_takes_its_command_along() -> Result {
    run(async {
        for way in ways() {
            let node = Node::start().await?;
            let (_, id) = node.sleeper("p").await?;
            let before = node.leftovers()?;
            for _ in 0..5 {
                let url = node
                    .cri
                    .exec_url(ExecRequest {
                        stdin: true,
                        ..exec_request(&id, &["sh", "-c", "echo up; sleep 888"])
                    })
                    .await?;
                let ((near, far), (mut out, far_out)) = (pipe(), pipe());
                let io = ClientIo {
                    stdin: Some(Box::pin(far)),
                    stdout: Some(Box::pin(far_out)),
                    ..Default::default()
                };
                let session = begin(&way, url, io);
                read_until(&mut out, "up").await?;
                session.abort();
                drop(near);
            }
            until("the commands are gone", PATIENCE, async || {
                node.cri
                    .shell(&id, "ps | grep -v grep | grep -c 'sleep 888' || true")
                    .await
                    .is_ok_and(|text| text.trim() == "0")
            })
            .await?;
            node.settle(&before).await?;
            node.finish().await?;
        }
        Ok(())
    })
}

#[test]
fn attach_sees_what_is_written_and_closes_standard_input_once() -> Result {
    run(async {
        for way in ways() {
            let node = Node::start().await?;
            let pod = node.run_pod(&node.pod("p")).await?;
            let echo = container("echo")
                .shell("while read line; do echo \"got $line\"; done; echo bye; exit 3")
                .stdin(true);
            let id = node.start_container(&pod, &echo).await?;
            let request =
                AttachRequest { container_id: id.clone(), stdin: true, stdout: true, ..Default::default() };
            let url = node.cri.attach_url(request).await?;
            let ((mut near, far), (mut out, far_out)) = (pipe(), pipe());
            let io = ClientIo {
                stdin: Some(Box::pin(far)),
                stdout: Some(Box::pin(far_out)),
                ..Default::default()
            };
            let session = begin(&way, url, io);
            near.write_all(b"hello\n").await?;
            read_until(&mut out, "got hello\n").await?;
            drop(near);
            read_until(&mut out, "bye\n").await?;
            timeout(PATIENCE, session).await???;
            assert_eq!(node.wait_exit(&id).await?.exit_code, 3);
            let log: Vec<_> = node.log(&pod, "echo")?.iter().map(harness::Line::text).collect();
            assert_eq!(log, ["got hello", "bye"], "the log has it all the same");
            node.finish().await?;
        }
        Ok(())
    })
}

#[test]
fn attach_to_a_terminal_comes_and_goes() -> Result {
    run(async {
        for way in ways() {
            let node = Node::start().await?;
            let pod = node.run_pod(&node.pod("p")).await?;
            let id = node.start_container(&pod, &container("sh").command(["sh"]).tty().stdin(false)).await?;
            for round in ["first", "second"] {
                let request = AttachRequest {
                    container_id: id.clone(),
                    stdin: true,
                    stdout: true,
                    tty: true,
                    ..Default::default()
                };
                let url = node.cri.attach_url(request).await?;
                let ((mut near, far), (mut out, far_out)) = (pipe(), pipe());
                let (_resize, sizes) = mpsc::channel(1);
                let io = ClientIo {
                    stdin: Some(Box::pin(far)),
                    stdout: Some(Box::pin(far_out)),
                    resize: Some(sizes),
                    ..Default::default()
                };
                let session = begin(&way, url, io);
                // The terminal echoes what is typed; the sum is only in the answer.
                near.write_all(format!("echo {round} $((40 + 2))\n").as_bytes()).await?;
                read_until(&mut out, &format!("{round} 42\r\n")).await?;
                session.abort();
            }
            assert_eq!(node.cri.status(&id).await?.finished_at, 0, "it outlives who was attached");
            node.cri.stop(&id, 0).await?;
            node.finish().await?;
        }
        Ok(())
    })
}

#[test]
fn what_makes_no_sense_is_refused_before_a_url_is_given() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("p").await?;
        let none = ExecRequest { stdout: false, ..exec_request(&id, &["true"]) };
        refused(node.cri.exec_url(none).await, &[Code::InvalidArgument], &[])?;
        let both = ExecRequest { tty: true, stderr: true, ..exec_request(&id, &["true"]) };
        refused(node.cri.exec_url(both).await, &[Code::InvalidArgument], &["tty", "stderr"])?;
        let never = "a".repeat(64);
        refused(node.cri.exec_url(exec_request(&never, &["true"])).await, &[Code::NotFound], &[&never])?;
        refused(node.cri.port_forward_url(&never, &[80]).await, &[Code::NotFound], &[&never])?;
        node.cri.stop_pod(&pod.id).await?;
        refused(node.cri.exec_url(exec_request(&id, &["true"])).await, &[Code::FailedPrecondition], &[&id])?;
        let attach = AttachRequest { container_id: id.clone(), stdout: true, ..Default::default() };
        refused(node.cri.attach_url(attach).await, &[Code::FailedPrecondition], &[&id])?;
        refused(node.cri.port_forward_url(&pod.id, &[80]).await, &[Code::FailedPrecondition], &[&pod.id])?;
        node.finish().await
    })
}

#[test]
fn a_url_with_a_guessed_token_leads_nowhere() -> Result {
    run(async {
        for way in ways() {
            let node = Node::start().await?;
            let (_, id) = node.sleeper("p").await?;
            let url = node.cri.exec_url(exec_request(&id, &["true"])).await?;
            let (base, token) = url.rsplit_once('/').unwrap_or_default();
            assert!(token.len() >= 22, "128 bits at least: {token}");
            let guess: String = token.chars().rev().collect();
            assert!(client::exec_by(&way, &format!("{base}/{guess}"), ClientIo::default()).await.is_err());
            node.finish().await?;
        }
        Ok(())
    })
}

async fn forwards(way: &Way, node: &Node, pod: &harness::RunningPod) -> Result {
    let url = node.cri.port_forward_url(&pod.id, &[8080]).await?;
    let forwarder = client::port_forward_by(way, &url).await?;
    for round in 0..3 {
        let mut connection = forwarder.connect(8080)?;
        connection.write_all(format!("GET /round{round} HTTP/1.0\r\n\r\n").as_bytes()).await?;
        let text = all(&mut connection).await?;
        assert!(text.starts_with("HTTP/1.") && text.contains("a page\n"), "{text}");
    }
    // Nobody listens there: this connection fails, the session goes on.
    let mut closed = forwarder.connect(9)?;
    assert_eq!(all(&mut closed).await.unwrap_or_default(), "");
    assert!(timeout(PATIENCE, closed.verdict()).await?.is_err(), "the refusal is told");
    let mut again = forwarder.connect(8080)?;
    again.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    assert!(all(&mut again).await?.contains("a page\n"));
    Ok(())
}

const SERVE: &str = "mkdir -p /tmp/www && echo 'a page' > /tmp/www/index.html && \
    for i in 0 1 2; do cp /tmp/www/index.html /tmp/www/round$i; done && exec httpd -f -p 127.0.0.1:8080 -h /tmp/www";

#[test]
fn port_forward_reaches_the_pods_localhost() -> Result {
    run(async {
        for way in ways() {
            let node = Node::start().await?;
            let pod = node.run_pod(&node.pod("p")).await?;
            let id = node.start_container(&pod, &container("www").shell(SERVE)).await?;
            until("the server listens", PATIENCE, async || {
                node.cri.shell(&id, "wget -qO- 127.0.0.1:8080").await.is_ok()
            })
            .await?;
            let before = node.leftovers()?;
            forwards(&way, &node, &pod).await?;
            node.settle(&before).await?;
            node.finish().await?;
        }
        Ok(())
    })
}

#[test]
fn sessions_can_be_had_over_tls() -> Result {
    run(async {
        let dir = tempfile::tempdir()?;
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let (cert, key, config) =
            (dir.path().join("cert.pem"), dir.path().join("key.pem"), dir.path().join("berth.toml"));
        fs::write(&cert, made.cert.pem())?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        let lines = format!("[streaming]\ntls_cert = {cert:?}\ntls_key = {key:?}\n");
        fs::write(&config, lines)?;
        let arguments = vec!["--config".into(), config.into()];
        let node = Node::start_with(Options { arguments, ..Options::default() }).await?;
        let (_, id) = node.sleeper("p").await?;
        let tls = Some(streaming::tls::client(&fs::read(&cert)?)?);
        for way in ways() {
            let url = node.cri.exec_url(exec_request(&id, &["sh", "-c", "echo secret; exit 6"])).await?;
            assert!(url.starts_with("https://127.0.0.1:"), "{url}");
            let (out, far_out) = pipe();
            let io = ClientIo { stdout: Some(Box::pin(far_out)), ..Default::default() };
            let code = timeout(PATIENCE, begin(&Way { tls: tls.clone(), ..way }, url, io)).await???;
            assert_eq!((code, all(out).await?.as_str()), (6, "secret\n"));
        }
        node.finish().await
    })
}
