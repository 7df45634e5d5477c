//! The Kubernetes API as scenarios use it: JSON objects in, JSON objects out.

use std::{sync::Arc, time::Duration};

use harness::{Doing, Failure, Result};
use reqwest::{Client, Method, StatusCode, header};
use serde_json::Value;

use crate::pki::Pki;

/// A debug cluster on a busy machine answers slowly; a hang shall still end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection as administrator.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: Client,
    server: String,
}

impl Api {
    /// Connects lazily to `server`, trusting the authority of the run.
    pub(crate) fn new(pki: &Pki, server: &str) -> Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(pki.authority_der())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let mut headers = header::HeaderMap::new();
        headers.insert(header::AUTHORIZATION, header::HeaderValue::from_static("Bearer admin"));
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(headers)
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { client, server: server.to_owned() })
    }

    /// The same administrator at another server of the cluster.
    pub(crate) fn at(&self, server: &str) -> Self {
        Self { client: self.client.clone(), server: server.to_owned() }
    }

    /// The answer as text.
    pub(crate) async fn text(&self, path: &str) -> Result<String> {
        let (status, text) = self.send(Method::GET, path, None).await?;
        expect(status, text, path)
    }

    /// An object.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let text = self.text(path).await?;
        serde_json::from_str(&text).doing(|| format!("understand {path}"))
    }

    /// An object, if it is there.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Value>> {
        let (status, text) = self.send(Method::GET, path, None).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let text = expect(status, text, path)?;
        serde_json::from_str(&text).map(Some).doing(|| format!("understand {path}"))
    }

    /// The items of a list.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let list = self.get(path).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Makes an object where its kind and namespace say.
    pub(crate) async fn create(&self, object: &Value) -> Result<Value> {
        let path = collection(object);
        let (status, text) = self.send(Method::POST, &path, Some(("application/json", object))).await?;
        let what = format!("create {} {}", object["kind"], object["metadata"]["name"]);
        let text = expect(status, text, &what)?;
        serde_json::from_str(&text).doing(|| what)
    }

    /// A strategic merge patch; for what has none, such as status of a custom kind, there is no use here.
    pub(crate) async fn patch(&self, path: &str, change: &Value) -> Result<Value> {
        let kind = "application/strategic-merge-patch+json";
        let (status, text) = self.send(Method::PATCH, path, Some((kind, change))).await?;
        let text = expect(status, text, path)?;
        serde_json::from_str(&text).doing(|| format!("patch {path}"))
    }

    /// Deletes an object, as `kubectl delete` does; gone already is fine.
    pub(crate) async fn delete(&self, path: &str) -> Result {
        let (status, text) = self.send(Method::DELETE, path, None).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        expect(status, text, path).map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<(StatusCode, String)> {
        let what = format!("{method} {path}");
        let mut request = self.client.request(method, format!("{}{path}", self.server));
        if let Some((kind, body)) = body {
            request = request.header(header::CONTENT_TYPE, kind).body(body.to_string());
        }
        let answer = request.send().await.doing(|| what.clone())?;
        let status = answer.status();
        Ok((status, answer.text().await.doing(|| what)?))
    }
}

fn expect(status: StatusCode, text: String, what: &str) -> Result<String> {
    if status.is_success() {
        return Ok(text);
    }
    let answer: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let message = answer["message"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
    Err(Failure::new(format!("{what}: {status}: {message}")))
}

/// Where objects of this kind are made.
pub(crate) fn collection(object: &Value) -> String {
    let version = object["apiVersion"].as_str().unwrap_or("v1");
    let root = if version == "v1" { "/api/v1".to_owned() } else { format!("/apis/{version}") };
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{kind}s"),
        None => format!("{root}/{kind}s"),
    }
}
