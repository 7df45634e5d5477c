//! One pull's view of the registries: the endpoints for a reference, asked in order, with retries and failover.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Response};

use crate::content::Blob;
use crate::credentials::Credentials;
use crate::digest::Digest;
use crate::error::{Error, Fault, Result};
use crate::manifest::{self, DOCUMENT_MAX_BYTES, Descriptor};
use crate::reference::Reference;
use crate::registry::Registry;
use crate::registry::endpoint::Endpoint;
use crate::registry::failure::{Failure, Retry};
use crate::registry::send::{Ask, bounded};

/// Tries of a request to the last endpoint that could answer it.
const TRIES: u32 = 5;
/// Tries of a request to a mirror that another endpoint can stand in for.
const TRIES_OF_MIRROR: u32 = 2;

/// What a tag led to.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// The digest alone: its content is to be fetched or here already.
    Digest(Digest),
    /// The document itself.
    Document(Blob),
}

/// The endpoints for one reference and one caller.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) registry: Arc<Registry>,
    pub(super) reference: Reference,
    pub(super) credentials: Option<Credentials>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) scope: String,
}

impl Session {
    /// The repository, complete.
    pub(crate) fn name(&self) -> String {
        self.reference.repository()
    }

    /// Finds out what the reference means now. With `known`, only the digest is asked for, where that works:
    /// registries count it less than a download, and the content is probably here.
    pub(crate) async fn resolve(&self, reference: &Reference, known: bool) -> Result<Resolved> {
        let digest = reference.digest();
        let name = match digest {
            Some(digest) => digest.to_string(),
            None => reference.tag().unwrap_or("latest").to_owned(),
        };
        let path = format!("{}/manifests/{name}", reference.path());
        let what = format!("manifest of {reference}");
        // A digest needs no trust, so a mirror that must not resolve tags may be asked.
        let usable = |endpoint: &&Endpoint| if digest.is_some() { endpoint.pull } else { endpoint.resolve };
        let mut failed = Failures::default();
        for (endpoint, tries) in self.in_order(usable) {
            if known
                && let Some(told) = self.head(endpoint, &path).await
                && digest.is_none_or(|digest| digest == told)
            {
                return Ok(Resolved::Digest(told));
            }
            match self.patiently(endpoint, tries, &path, manifest::ACCEPT, digest).await {
                Ok(blob) => return Ok(Resolved::Document(blob)),
                Err(failure) => failed.add(endpoint, failure),
            }
        }
        Err(failed.into_error(reference, &what))
    }

    /// The digest that a HEAD request tells; nothing if it tells none, for whatever reason.
    async fn head(&self, endpoint: &Endpoint, path: &str) -> Option<Digest> {
        let ask = Ask { method: Method::HEAD, ..self.ask(endpoint, path, manifest::ACCEPT) };
        let answer = self.registry.send(&ask).await.ok()?;
        announced(&answer)
    }

    /// Fetches a manifest or index by digest.
    pub(crate) async fn manifest(&self, digest: &Digest) -> Result<Blob> {
        let path = format!("{}/manifests/{digest}", self.reference.path());
        self.verified("manifest", &path, digest, manifest::ACCEPT).await
    }

    /// Fetches an image config.
    pub(crate) async fn config(&self, descriptor: &Descriptor) -> Result<Blob> {
        let path = format!("{}/blobs/{}", self.reference.path(), descriptor.digest);
        let blob = self.verified("config", &path, &descriptor.digest, "*/*").await?;
        let got = blob.bytes().len() as u64;
        if got != descriptor.size {
            let what = format!("config {}", descriptor.digest);
            return Err(Error::Mismatch {
                what,
                expected: format!("{} bytes", descriptor.size),
                got: format!("{got} bytes"),
            });
        }
        Ok(blob)
    }

    async fn verified(&self, kind: &str, path: &str, digest: &Digest, accept: &'static str) -> Result<Blob> {
        let mut failed = Failures::default();
        for (endpoint, tries) in self.in_order(|endpoint| endpoint.pull) {
            match self.patiently(endpoint, tries, path, accept, Some(*digest)).await {
                Ok(blob) => return Ok(blob),
                Err(failure) => failed.add(endpoint, failure),
            }
        }
        Err(failed.into_error(&self.reference, &format!("{kind} {}@{digest}", self.name())))
    }

    /// Fetches a document from one endpoint, trying again where that can help.
    async fn patiently(
        &self,
        endpoint: &Endpoint,
        tries: u32,
        path: &str,
        accept: &'static str,
        digest: Option<Digest>,
    ) -> std::result::Result<Blob, Failure> {
        let mut tried = 1;
        loop {
            match self.document(endpoint, path, accept, digest).await {
                Ok(blob) => return Ok(blob),
                Err(failure) => match self.wait_of(&failure, tried, tries) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(failure),
                },
            }
            tried += 1;
        }
    }

    /// A document that must be what it was asked for as: by digest, or, as it names itself, by what came in the head.
    async fn document(
        &self,
        endpoint: &Endpoint,
        path: &str,
        accept: &'static str,
        digest: Option<Digest>,
    ) -> std::result::Result<Blob, Failure> {
        let answer = self.registry.send(&self.ask(endpoint, path, accept)).await?;
        let named = digest.or_else(|| announced(&answer));
        let blob = Blob::named_by_itself(self.document_body(answer).await?.into());
        match named {
            Some(named) if named != blob.digest() => Err(Failure::mismatch(named, blob.digest())),
            _ => Ok(blob),
        }
    }

    async fn document_body(&self, answer: Response) -> std::result::Result<Vec<u8>, Failure> {
        // A document of 4 MiB at the lowest rate we tolerate.
        let span = self.registry.timeouts.rate_span;
        let time = span.max(self.registry.timeouts.idle) * 2;
        let body = bounded(answer, DOCUMENT_MAX_BYTES as usize, time).await?;
        body.ok_or_else(|| Failure::protocol(format!("a document of more than {DOCUMENT_MAX_BYTES} bytes")))
    }

    pub(super) fn ask<'a>(&'a self, endpoint: &'a Endpoint, path: &'a str, accept: &'static str) -> Ask<'a> {
        Ask {
            endpoint,
            method: Method::GET,
            path,
            accept,
            from: 0,
            scope: &self.scope,
            credentials: self.credentials.as_ref(),
        }
    }

    /// The usable endpoints with the number of tries each gets.
    fn in_order(&self, usable: impl Fn(&&Endpoint) -> bool) -> Vec<(&Endpoint, u32)> {
        let mut order: Vec<(&Endpoint, u32)> =
            self.endpoints.iter().filter(usable).map(|endpoint| (endpoint, TRIES_OF_MIRROR)).collect();
        if let Some((_, tries)) = order.last_mut() {
            *tries = TRIES;
        }
        order
    }

    /// How long to wait before the next try, if there should be one.
    pub(super) fn wait_of(&self, failure: &Failure, tried: u32, tries: u32) -> Option<Duration> {
        let backoff = self.registry.timeouts.backoff * 2_u32.saturating_pow(tried.min(10) - 1);
        let allowed = match failure.retry {
            Retry::No => 1,
            Retry::Once => 2.min(tries),
            Retry::Often | Retry::After(_) => tries,
        };
        if tried >= allowed {
            return None;
        }
        tracing::debug!(tried, fault = %failure.fault, "registry request is tried again");
        match failure.retry {
            Retry::After(wait) => Some(wait.max(backoff)),
            _ => Some(jittered(backoff)),
        }
    }
}

/// Failures of several endpoints, for one error that tells of all.
#[derive(Debug, Default)]
pub(super) struct Failures {
    mirrors: Vec<String>,
    last: Option<(String, Failure)>,
}

impl Failures {
    pub(super) fn add(&mut self, endpoint: &Endpoint, failure: Failure) {
        if let Some((host, before)) = self.last.take() {
            self.mirrors.push(format!("{host}: {}", before.fault));
        }
        self.last = Some((endpoint.origin.to_string(), failure));
    }

    pub(super) fn into_error(self, reference: &Reference, what: &str) -> Error {
        let what = match self.mirrors.is_empty() {
            true => what.to_owned(),
            false => format!("{what} (before that, {})", self.mirrors.join("; ")),
        };
        match self.last {
            Some((host, failure)) => failure.into_error(host, what),
            None => Error::Registry {
                host: reference.host().to_owned(),
                what,
                fault: Fault::Unavailable("hosts.toml leaves no server that may be asked".to_owned()),
                source: None,
            },
        }
    }
}

/// The digest in the answer's head, if it is one we can check.
fn announced(answer: &Response) -> Option<Digest> {
    answer.headers().get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

/// Spreads the retries of many nodes: between three quarters and five quarters of `wait`.
fn jittered(wait: Duration) -> Duration {
    let mut byte = [128];
    // Without randomness the retries merely come together.
    let _ = getrandom::fill(&mut byte);
    wait.mul_f64(0.75 + f64::from(byte[0]) / 512.0)
}
