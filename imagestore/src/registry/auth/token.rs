//! The token service's protocol: distribution's token specification, with OAuth2 for identity tokens.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;

use crate::credentials::Credentials;
use crate::registry::auth::{Challenge, basic};
use crate::registry::failure::Failure;

/// What a token lives if the service does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// Longest time we rely on a token.
const LIFE_MAX: Duration = Duration::from_secs(3600);
/// Longest token taken: it must fit into a header.
const TOKEN_MAX: usize = 64 << 10;

/// The request for a token that allows `scope`.
pub(crate) fn request(
    client: &Client,
    realm: Url,
    challenge: &Challenge,
    scope: &str,
    credentials: Option<&Credentials>,
) -> Result<RequestBuilder, Failure> {
    let Challenge::Bearer { service, scopes, .. } = challenge else {
        return Err(Failure::protocol("a token was asked for without a Bearer challenge"));
    };
    let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    if !scopes.contains(&scope) {
        scopes.push(scope);
    }
    let service = service.as_deref().unwrap_or_default();
    match credentials.filter(|credentials| !credentials.is_empty()) {
        Some(secret) if !secret.identity_token.is_empty() => {
            let form = [
                ("grant_type", "refresh_token"),
                ("service", service),
                ("client_id", "berth"),
                ("scope", &scopes.join(" ")),
                ("refresh_token", &secret.identity_token),
            ];
            let mut body = Url::parse("x:").map_err(|e| Failure::protocol(e.to_string()))?;
            body.query_pairs_mut().extend_pairs(form);
            let body = body.query().unwrap_or_default().to_owned();
            Ok(client.post(realm).header("Content-Type", "application/x-www-form-urlencoded").body(body))
        }
        secret => {
            let mut url = realm;
            {
                let mut query = url.query_pairs_mut();
                if !service.is_empty() {
                    query.append_pair("service", service);
                }
                query.extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
                if let Some(secret) = secret {
                    query.append_pair("account", &secret.username);
                }
            }
            match secret {
                Some(secret) => Ok(client.get(url).header(AUTHORIZATION, basic(secret)?)),
                None => Ok(client.get(url)),
            }
        }
    }
}

/// A token and how long it can be used.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) token: String,
    pub(crate) life: Duration,
}

#[derive(Deserialize)]
struct Raw {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<f64>,
}

impl Answer {
    /// Reads the service's answer.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::protocol(format!("its token service's answer: {why}"));
        let raw: Raw = serde_json::from_slice(body).map_err(|_| wrong("it is no JSON with a token"))?;
        let token = raw.token.filter(|token| !token.is_empty()).or(raw.access_token).unwrap_or_default();
        if token.is_empty() || token.len() > TOKEN_MAX {
            return Err(wrong("it has no token, or one of more than 64 KiB"));
        }
        let life = match raw.expires_in {
            Some(seconds) if seconds.is_finite() && seconds >= 0.0 => {
                // A tenth earlier, for the way and the clocks.
                Duration::from_secs_f64((seconds * 0.9).min(LIFE_MAX.as_secs_f64()))
            }
            Some(_) => Duration::ZERO,
            None => DEFAULT_LIFE,
        };
        Ok(Self { token, life })
    }
}
