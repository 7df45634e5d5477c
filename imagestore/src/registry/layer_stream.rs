//! The bytes of one layer, in order and only once, over as many connections and servers as it takes.
//!
//! A connection that breaks or stalls is replaced by one that goes on where the last ended (Range); a server
//! without ranges is read from the start again and the known part skipped. The digest is the reader's to check.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode};

use crate::error::{Error, Result};
use crate::manifest::Descriptor;
use crate::registry::failure::{Failure, Retry};
use crate::registry::session::{Failures, Session};

/// Broken connections in a row that brought less than `PROGRESS`, before another server is asked.
const FRUITLESS_MAX: u32 = 5;
/// Bytes that make a broken connection count as progress.
const PROGRESS: u64 = 32 << 10;

/// A layer on its way.
#[derive(Debug)]
pub(crate) struct LayerStream {
    session: Arc<Session>,
    layer: Descriptor,
    path: String,
    /// Bytes delivered.
    at: u64,
    /// Where `at` was when the connection was made.
    opened_at: u64,
    endpoint: usize,
    body: Option<Body>,
    fruitless: u32,
    failed: Failures,
}

impl LayerStream {
    /// Begins with the servers from `endpoint` on; 0 means all.
    pub(crate) fn new(session: Arc<Session>, layer: Descriptor, endpoint: usize) -> Self {
        let path = format!("{}/blobs/{}", session.reference.path(), layer.digest);
        let failed = Failures::default();
        Self { session, layer, path, at: 0, opened_at: 0, endpoint, body: None, fruitless: 0, failed }
    }

    /// The servers that nobody has asked yet, for another stream; `None` if there are none.
    pub(crate) fn others(&self) -> Option<usize> {
        self.next_endpoint(self.endpoint + 1)
    }

    /// The next bytes; `None` after exactly as many as the manifest promises.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.at == self.layer.size {
                return self.end().await;
            }
            match self.step().await {
                Ok(bytes) if bytes.len() as u64 > self.layer.size - self.at => return Err(self.too_long()),
                Ok(bytes) => {
                    self.at += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                Err(failure) => self.recover(failure).await?,
            }
        }
    }

    async fn step(&mut self) -> std::result::Result<Bytes, Failure> {
        if self.body.is_none() {
            self.body = Some(self.open().await?);
            self.opened_at = self.at;
        }
        let short = || Failure::unavailable("the body ended early", Retry::Often);
        let body = self.body.as_mut().ok_or_else(short)?;
        body.next().await?.ok_or_else(short)
    }

    /// Everything is there: the body must end too, or the content is longer than promised.
    async fn end(&mut self) -> Result<Option<Bytes>> {
        match self.body.take() {
            Some(mut body) => match body.next().await {
                Ok(Some(_)) => Err(self.too_long()),
                // How the connection ends no longer matters.
                Ok(None) | Err(_) => Ok(None),
            },
            None => Ok(None),
        }
    }

    fn too_long(&self) -> Error {
        let size = self.layer.size;
        let what = format!("layer {}", self.layer.digest);
        Error::Mismatch { what, expected: format!("{size} bytes"), got: format!("more than {size} bytes") }
    }

    /// Waits, or turns to the next server, or gives up.
    async fn recover(&mut self, failure: Failure) -> Result<()> {
        self.body = None;
        let last = self.others().is_none();
        if self.at - self.opened_at >= PROGRESS {
            self.fruitless = 0;
        }
        self.opened_at = self.at;
        self.fruitless += 1;
        let tries = if last { FRUITLESS_MAX } else { 2 };
        if let Some(wait) = self.session.wait_of(&failure, self.fruitless, tries) {
            tokio::time::sleep(wait).await;
            return Ok(());
        }
        if let Some(endpoint) = self.session.endpoints.get(self.endpoint) {
            self.failed.add(endpoint, failure);
        }
        match self.others() {
            Some(next) => {
                self.endpoint = next;
                self.fruitless = 0;
                Ok(())
            }
            None => Err(self.give_up()),
        }
    }

    fn give_up(&mut self) -> Error {
        let what = format!("layer {}@{}", self.session.reference.repository(), self.layer.digest);
        std::mem::take(&mut self.failed).into_error(&self.session.reference, &what)
    }

    fn next_endpoint(&self, from: usize) -> Option<usize> {
        (from..self.session.endpoints.len()).find(|index| self.session.endpoints[*index].pull)
    }

    /// Opens a connection whose first byte is the one at `at`.
    async fn open(&mut self) -> std::result::Result<Body, Failure> {
        let nobody = || Failure::unavailable("hosts.toml leaves no server that may be asked", Retry::No);
        self.endpoint = self.next_endpoint(self.endpoint).ok_or_else(nobody)?;
        let endpoint = &self.session.endpoints[self.endpoint];
        let mut ask = self.session.ask(endpoint, &self.path, "*/*");
        ask.from = self.at;
        let answer = self.session.registry.send(&ask).await?;
        let skip = match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                check_range(&answer, self.at, self.layer.size)?;
                0
            }
            _ => self.at,
        };
        let expected = self.layer.size - (self.at - skip);
        if let Some(got) = answer.content_length().filter(|got| *got != expected) {
            return Err(Failure::mismatch(format!("{expected} bytes"), format!("{got} bytes")));
        }
        Ok(Body { answer, skip, pace: Pace::new(&self.session) })
    }
}

/// A server that answers another range would make us glue pieces together wrongly, and only the digest would tell.
fn check_range(answer: &Response, from: u64, size: u64) -> std::result::Result<(), Failure> {
    let text = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let parsed = text.strip_prefix("bytes ").and_then(|rest| {
        let (range, total) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total))
    });
    match parsed {
        Some((first, last, total))
            if first == from
                && last.checked_add(1) == Some(size)
                && (total == "*" || total.parse() == Ok(size)) =>
        {
            Ok(())
        }
        _ => Err(Failure::protocol(format!(
            "asked for bytes {from}- of {size}, got {:?}",
            super::origin::quoted(text)
        ))),
    }
}

/// One connection's body.
#[derive(Debug)]
struct Body {
    answer: Response,
    /// Bytes still to skip: they were delivered before.
    skip: u64,
    pace: Pace,
}

impl Body {
    async fn next(&mut self) -> std::result::Result<Option<Bytes>, Failure> {
        loop {
            let began = Instant::now();
            let next = tokio::time::timeout(self.pace.idle, self.answer.chunk()).await;
            let Ok(next) = next else { return Err(self.pace.stalled(self.pace.idle)) };
            let Some(mut bytes) = next.map_err(Failure::transport)? else { return Ok(None) };
            self.pace.count(began.elapsed(), bytes.len())?;
            let known = self.skip.min(bytes.len() as u64);
            bytes.advance(known as usize);
            self.skip -= known;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }
}

/// Tells a slow server from a stalled one. Only the time that we wait for it counts, not what our disk takes.
#[derive(Debug)]
struct Pace {
    idle: Duration,
    span: Duration,
    least: u64,
    waited: Duration,
    received: u64,
}

impl Pace {
    fn new(session: &Session) -> Self {
        let timeouts = &session.registry.timeouts;
        Self {
            idle: timeouts.idle,
            span: timeouts.rate_span,
            least: timeouts.min_bytes,
            waited: Duration::ZERO,
            received: 0,
        }
    }

    fn count(&mut self, waited: Duration, bytes: usize) -> std::result::Result<(), Failure> {
        self.waited += waited;
        self.received += bytes as u64;
        if self.waited < self.span {
            return Ok(());
        }
        if self.received < self.least {
            return Err(self.stalled(self.span));
        }
        self.waited = Duration::ZERO;
        self.received = 0;
        Ok(())
    }

    fn stalled(&self, after: Duration) -> Failure {
        Failure::unavailable(format!("the body stalled: {} bytes in {after:?}", self.received), Retry::Often)
    }
}
