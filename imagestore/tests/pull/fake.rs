//! A scripted registry on a loopback address: plain HTTP/1.1 by hand, so that it can misbehave in every way.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// How many requests for this path came before.
    pub(crate) earlier: usize,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_blob(&self) -> bool {
        self.path.contains("/blobs/")
    }

    /// All that was sent, to look for secrets in.
    pub(crate) fn everything(&self) -> String {
        format!("{self:?}")
    }
}

/// What becomes of the body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    Whole,
    /// The connection is closed after so many bytes.
    Cut(usize),
    /// Nothing comes after so many bytes, and the connection stays open.
    Stall(usize),
    /// One byte each time.
    Drip(Duration),
    /// Chunked, without a length, for ever.
    Endless,
    /// Not even a head.
    Silence,
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) how: How,
    /// Announced instead of the true length.
    pub(crate) length: Option<String>,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), how: How::Whole, length: None }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn how(mut self, how: How) -> Self {
        self.how = how;
        self
    }

    pub(crate) fn length(mut self, length: impl ToString) -> Self {
        self.length = Some(length.to_string());
        self
    }
}

/// Content by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content(pub(crate) HashMap<String, (String, Vec<u8>)>);

impl Content {
    /// Answers as a good registry does, ranges and HEAD included.
    pub(crate) fn reply(&self, request: &Request) -> Reply {
        let Some((media_type, body)) = self.0.get(&request.path) else {
            let words = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
            return Reply::new(404).with("content-type", "application/json").body(words.as_slice());
        };
        let digest = imagestore::Digest::of(body).to_string();
        let reply = Reply::new(200).with("content-type", media_type).with("docker-content-digest", digest);
        match request
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        {
            Some(from) if from < body.len() => {
                let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
                Reply { status: 206, ..reply }.with("content-range", range).body(&body[from..])
            }
            Some(_) => Reply::new(416),
            None => reply.body(body.clone()),
        }
    }
}

type Script = dyn Fn(&Request, &Content) -> Reply + Send + Sync;

/// A running registry. Stops when dropped.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Request>>>,
    task: AbortHandle,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// Serves `content` well.
    pub(crate) async fn good(content: Content) -> Self {
        Self::scripted(content, |request, content| content.reply(request)).await
    }

    /// Serves by `script`, on 127.0.0.1.
    pub(crate) async fn scripted(
        content: Content,
        script: impl Fn(&Request, &Content) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::at("127.0.0.1:0", content, script).await
    }

    pub(crate) async fn at(
        address: &str,
        content: Content,
        script: impl Fn(&Request, &Content) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::serve(address, None, content, Arc::new(script)).await
    }

    pub(crate) async fn tls(
        server: Arc<rustls::ServerConfig>,
        content: Content,
        script: impl Fn(&Request, &Content) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::serve("127.0.0.1:0", Some(server), content, Arc::new(script)).await
    }

    async fn serve(
        address: &str,
        tls: Option<Arc<rustls::ServerConfig>>,
        content: Content,
        script: Arc<Script>,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let log: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (seen, content) = (Arc::clone(&log), Arc::new(content));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, content, script, tls) =
                    (seen.clone(), content.clone(), script.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tokio_rustls::TlsAcceptor::from(tls).accept(stream).await {
                                talk(stream, &seen, &content, &*script).await;
                            }
                        }
                        None => talk(stream, &seen, &content, &*script).await,
                    }
                });
            }
        });
        Self { address, log, task: task.abort_handle() }
    }

    /// `127.0.0.1:port`
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn log(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn clear(&self) {
        self.log.lock().unwrap().clear();
    }

    pub(crate) fn count(&self, fits: impl Fn(&Request) -> bool) -> usize {
        self.log().iter().filter(|request| fits(request)).count()
    }

    /// Whether `secret`, or its base64, ever came here.
    pub(crate) fn saw(&self, secret: &str) -> bool {
        self.log().iter().any(|request| request.everything().contains(secret))
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    log: &Mutex<Vec<Request>>,
    content: &Content,
    script: &Script,
) {
    let mut stream = BufReader::new(stream);
    while let Some(mut request) = read(&mut stream).await {
        let reply = {
            let mut log = log.lock().unwrap();
            request.earlier = log.iter().filter(|before| before.path == request.path).count();
            log.push(request.clone());
            drop(log);
            script(&request, content)
        };
        if !answer(stream.get_mut(), &reply, request.method == "HEAD").await {
            return;
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|n| *n > 0)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: String::new(),
        earlier: 0,
    };
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Some(request)
}

/// False if the connection is at its end.
async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, reply: &Reply, head: bool) -> bool {
    if matches!(reply.how, How::Silence) {
        std::future::pending::<()>().await;
    }
    let mut text = format!("HTTP/1.1 {} X\r\n", reply.status);
    for (name, value) in &reply.headers {
        text += &format!("{name}: {value}\r\n");
    }
    match reply.how {
        How::Endless => text += "transfer-encoding: chunked\r\n\r\n",
        _ => {
            let length = reply.length.clone().unwrap_or_else(|| reply.body.len().to_string());
            text += &format!("content-length: {length}\r\n\r\n");
        }
    }
    if stream.write_all(text.as_bytes()).await.is_err() || head {
        return head;
    }
    let sent = match reply.how {
        How::Whole | How::Silence => stream.write_all(&reply.body).await.is_ok() && reply.length.is_none(),
        How::Cut(at) => {
            let _ = stream.write_all(&reply.body[..at]).await;
            let _ = stream.flush().await;
            false
        }
        How::Stall(at) => {
            let _ = stream.write_all(&reply.body[..at]).await;
            let _ = stream.flush().await;
            std::future::pending().await
        }
        How::Drip(every) => {
            for byte in &reply.body {
                if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
                    return false;
                }
                tokio::time::sleep(every).await;
            }
            true
        }
        How::Endless => loop {
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            if stream.write_all(chunk.as_bytes()).await.is_err() {
                return false;
            }
        },
    };
    let _ = stream.flush().await;
    sent
}
