//! One request to one endpoint: authorization, redirects, time; out comes a successful answer or a failure.

use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, LOCATION, RANGE};
use reqwest::{Client, Method, Request, RequestBuilder, Response, StatusCode, Url};

use crate::credentials::Credentials;
use crate::registry::Registry;
use crate::registry::auth::{self, Answer, Challenge, Demand, Key};
use crate::registry::client::Wanted;
use crate::registry::endpoint::Endpoint;
use crate::registry::failure::{Failure, Retry};
use crate::registry::guard::Nearness;
use crate::registry::origin::{Origin, quoted, redacted};

/// Most redirects followed: storage services need one or two.
const HOPS_MAX: usize = 10;
/// Most times a 401 is answered in one request: an old token that ran out, then a new one.
const AUTH_ROUNDS_MAX: usize = 2;
/// Most bytes read of an answer that is only an error's text.
const WORDS_MAX: usize = 8 << 10;
/// Most bytes of a token service's answer.
const TOKEN_ANSWER_MAX: usize = 1 << 20;

/// What to ask an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) method: Method,
    /// Below the API's root: `library/busybox/manifests/latest`.
    pub(crate) path: &'a str,
    pub(crate) accept: &'static str,
    /// First byte wanted; 0 asks for all.
    pub(crate) from: u64,
    /// What a token must allow.
    pub(crate) scope: &'a str,
    /// The caller's, whoever the endpoint is: `send` decides whether it may see them.
    pub(crate) credentials: Option<&'a Credentials>,
}

impl Registry {
    /// Sends once, answering challenges and following redirects. A success is 200 or 206.
    pub(crate) async fn send(&self, ask: &Ask<'_>) -> Result<Response, Failure> {
        let client = self.client(ask.endpoint, &ask.endpoint.origin, None)?;
        let key = Key {
            origin: ask.endpoint.origin.clone(),
            scope: ask.scope.to_owned(),
            credentials: ask.credentials.filter(|secret| may_see(ask.endpoint, secret)).cloned(),
        };
        let mut url = ask.endpoint.url(ask.path);
        let mut header = self.authorizations.get(&key);
        let mut rounds = 0;
        for _ in 0..=HOPS_MAX {
            let answer = self.at_origin(&client, ask, &url, header.as_ref()).await?;
            match answer.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return Ok(answer),
                StatusCode::UNAUTHORIZED if rounds < AUTH_ROUNDS_MAX => {
                    rounds += 1;
                    self.authorizations.forget(&key);
                    header = Some(self.authorize(&client, ask, &key, &answer, header.is_some()).await?);
                }
                status if status.is_redirection() => {
                    url = redirect(&answer)?;
                    if Origin::of(&url).as_ref() != Some(&key.origin) {
                        return self.elsewhere(ask, url, self.nearness(&answer)).await;
                    }
                }
                _ => return Err(self.refusal(answer).await),
            }
        }
        Err(Failure::protocol(format!("more than {HOPS_MAX} redirects")))
    }

    /// One request to the endpoint itself, with all it may see.
    async fn at_origin(
        &self,
        client: &Client,
        ask: &Ask<'_>,
        url: &Url,
        header: Option<&HeaderValue>,
    ) -> Result<Response, Failure> {
        let request = plain(client, ask, url.clone()).headers(ask.endpoint.headers.clone());
        let mut request = request.build().map_err(Failure::transport)?;
        if let Some(header) = header {
            // In place of the operator's own Authorization header, which was answered with a challenge.
            request.headers_mut().insert(AUTHORIZATION, header.clone());
        }
        self.answer(client, request).await
    }

    /// Follows a redirect away from the endpoint: no credentials, no headers of the operator, no identity, and
    /// no address nearer to us than the registry.
    async fn elsewhere(&self, ask: &Ask<'_>, mut url: Url, nearness: Nearness) -> Result<Response, Failure> {
        let mut secure = ask.endpoint.origin.https;
        for _ in 0..HOPS_MAX {
            let Some(origin) = Origin::of(&url) else {
                return Err(Failure::protocol(format!("a redirect to {}", redacted(&url))));
            };
            if secure && !origin.https {
                return Err(Failure::refused(format!("a redirect from https to {origin}")));
            }
            secure = origin.https;
            let client = self.foreign_client(ask.endpoint, &origin, nearness)?;
            let request = plain(&client, ask, url.clone()).build().map_err(Failure::transport)?;
            let answer = self.answer(&client, request).await?;
            match answer.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return Ok(answer),
                StatusCode::UNAUTHORIZED => {
                    return Err(auth::unauthenticated(&format!(
                        "it sent us to {origin}, which wants credentials we must not give it"
                    )));
                }
                status if status.is_redirection() => url = redirect(&answer)?,
                _ => return Err(self.refusal(answer).await),
            }
        }
        Err(Failure::protocol(format!("more than {HOPS_MAX} redirects")))
    }

    /// Turns a 401 into the header for the next try.
    async fn authorize(
        &self,
        client: &Client,
        ask: &Ask<'_>,
        key: &Key,
        answer: &Response,
        refused: bool,
    ) -> Result<HeaderValue, Failure> {
        let (header, life) = match auth::demand(answer.headers(), key, refused)? {
            Demand::Send(header, life) => (header, life),
            Demand::Token(challenge) => {
                self.token(client, ask.endpoint, key, &challenge, self.nearness(answer)).await?
            }
        };
        if !life.is_zero() {
            self.authorizations.keep(key.clone(), header.clone(), life);
        }
        Ok(header)
    }

    async fn token(
        &self,
        client: &Client,
        endpoint: &Endpoint,
        key: &Key,
        challenge: &Challenge,
        nearness: Nearness,
    ) -> Result<(HeaderValue, Duration), Failure> {
        let Challenge::Bearer { realm, .. } = challenge else {
            return Err(Failure::protocol("no Bearer challenge"));
        };
        let secret = key.credentials.as_ref().filter(|secret| !secret.is_empty());
        let realm = auth::check_realm(&key.origin, realm, secret.is_some(), &endpoint.token_realms)?;
        let at = redacted(&realm);
        let client = match Origin::of(&realm) {
            Some(origin) if origin == key.origin => client.clone(),
            Some(origin) => self.foreign_client(endpoint, &origin, nearness)?,
            None => return Err(Failure::protocol("no token service")),
        };
        let request = auth::token_request(&client, realm, challenge, &key.scope, secret)?;
        let answer = self.answer(&client, request.build().map_err(Failure::transport)?).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.no_token(answer, &at, secret.is_some()).await);
        }
        let body = bounded(answer, TOKEN_ANSWER_MAX, self.timeouts.answer).await?;
        let body = body.ok_or_else(|| {
            Failure::protocol(format!("{at} answers with more than {TOKEN_ANSWER_MAX} bytes"))
        })?;
        let Answer { token, life } = Answer::parse(&body)?;
        Ok((auth::bearer(&token)?, life))
    }

    async fn no_token(&self, answer: Response, at: &str, secret: bool) -> Failure {
        let status = answer.status();
        let failure = self.refusal(answer).await;
        match status {
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND => {
                let why = if secret {
                    "does not take the credentials"
                } else {
                    "gives no token without credentials"
                };
                auth::unauthenticated(&format!("the token service {at} {why} ({status})"))
            }
            _ => failure,
        }
    }

    /// Waits for the head of an answer.
    async fn answer(&self, client: &Client, request: Request) -> Result<Response, Failure> {
        let at = redacted(request.url());
        match tokio::time::timeout(self.timeouts.answer, client.execute(request)).await {
            Ok(result) => result.map_err(Failure::transport),
            Err(_) => {
                let text = format!("no answer from {at} within {:?}", self.timeouts.answer);
                Err(Failure::unavailable(text, Retry::Once))
            }
        }
    }

    /// Reads what an error answer says.
    async fn refusal(&self, answer: Response) -> Failure {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body =
            bounded(answer, WORDS_MAX, Duration::from_secs(2)).await.ok().flatten().unwrap_or_default();
        Failure::status(status, &headers, words(&body), self.timeouts.retry_after_max)
    }

    fn client(
        &self,
        endpoint: &Endpoint,
        origin: &Origin,
        no_nearer_than: Option<Nearness>,
    ) -> Result<Client, Failure> {
        let without = endpoint.tls.without_identity();
        let same_host = origin.host == endpoint.origin.host;
        let wanted = Wanted {
            tls: if same_host { &endpoint.tls } else { &without },
            https: origin.https,
            dial_timeout: endpoint.dial_timeout,
            no_nearer_than,
        };
        self.clients.get(wanted).map_err(|text| Failure::unavailable(text, Retry::No))
    }

    /// A client for a server that `endpoint` sent us to.
    fn foreign_client(
        &self,
        endpoint: &Endpoint,
        origin: &Origin,
        nearness: Nearness,
    ) -> Result<Client, Failure> {
        if origin.host == endpoint.origin.host {
            return self.client(endpoint, origin, None);
        }
        // A name is checked when it is resolved; an address never is.
        let address = origin.address();
        if address.is_some_and(|address| !nearness.admits(address)) {
            return Err(Failure::refused(format!(
                "it sends us to {origin}, an address of this node's own network"
            )));
        }
        self.client(endpoint, origin, Some(nearness))
    }

    /// How near the server is that gave `answer`.
    fn nearness(&self, answer: &Response) -> Nearness {
        let seen = match answer.remote_addr() {
            Some(address) if !self.clients.has_proxy() => Nearness::of(address.ip()),
            _ => Nearness::Public,
        };
        if self.allow_private_redirects { seen.max(Nearness::Private) } else { seen }
    }
}

/// Whether `endpoint` is the one `secret` is for.
fn may_see(endpoint: &Endpoint, secret: &Credentials) -> bool {
    let address = secret.server_address.trim_end_matches('/');
    if address.is_empty() {
        return endpoint.is_server;
    }
    // `https://index.docker.io/v1/`, `registry.example.com`, `registry.example.com:5000`
    let bare = address.split_once("://").map_or(address, |(_, rest)| rest);
    let named = bare.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let own = endpoint.namespace.as_deref();
    let docker = matches!(named.as_str(), "docker.io" | "index.docker.io" | "registry-1.docker.io");
    let at =
        |host: &str| host == named || format!("{}:{}", endpoint.origin.host, endpoint.origin.port) == named;
    at(&endpoint.origin.host)
        || (docker && endpoint.origin.host == "registry-1.docker.io")
        || (endpoint.is_server && own.is_some_and(|host| host == named || (docker && host == "docker.io")))
}

fn plain(client: &Client, ask: &Ask<'_>, url: Url) -> RequestBuilder {
    let request = client
        .request(ask.method.clone(), url)
        .header(ACCEPT, ask.accept)
        .header(ACCEPT_ENCODING, "identity");
    if ask.from == 0 { request } else { request.header(RANGE, format!("bytes={}-", ask.from)) }
}

fn redirect(answer: &Response) -> Result<Url, Failure> {
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location =
        location.ok_or_else(|| Failure::protocol(format!("{} without a place to go", answer.status())))?;
    answer.url().join(location).map_err(|_| Failure::protocol("a redirect to what is no URL"))
}

/// Reads a body of at most `limit` bytes within `time`; `None` if it is longer.
pub(crate) async fn bounded(
    mut answer: Response,
    limit: usize,
    time: Duration,
) -> Result<Option<Vec<u8>>, Failure> {
    if answer.content_length().is_some_and(|length| length > limit as u64) {
        return Ok(None);
    }
    let read = async {
        let mut body = Vec::new();
        while let Some(bytes) = answer.chunk().await.map_err(Failure::transport)? {
            if body.len() + bytes.len() > limit {
                return Ok(None);
            }
            body.extend_from_slice(&bytes);
        }
        Ok(Some(body))
    };
    match tokio::time::timeout(time, read).await {
        Ok(result) => result,
        Err(_) => Err(Failure::unavailable(format!("a body that takes more than {time:?}"), Retry::Often)),
    }
}

/// The registry's explanation, out of the error format of the distribution specification.
fn words(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else { return String::new() };
    let text = |name: &str| value.pointer(&format!("/errors/0/{name}")).and_then(serde_json::Value::as_str);
    match (text("code"), text("message")) {
        (Some(code), Some(message)) => quoted(&format!("{code}: {message}")),
        (Some(one), None) | (None, Some(one)) => quoted(one),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests;
