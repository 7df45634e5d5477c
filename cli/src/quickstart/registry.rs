//! A registry on localhost that serves one image and takes nothing: as much of the OCI distribution API as a pull needs.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::task::AbortOnDropHandle;

use super::image::{Image, MANIFEST_TYPE};
use crate::failure::{Doing, Result};

const NAME: &str = "berth/quickstart";
const TAG: &str = "latest";

/// Serves until it is dropped.
#[derive(Debug)]
pub(super) struct Registry {
    address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

impl Registry {
    pub(super) async fn start(image: Image) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.doing("listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, Arc::new(image)));
        Ok(Self { address, _task: AbortOnDropHandle::new(task) })
    }

    /// What to pull.
    pub(super) fn reference(&self) -> String {
        format!("{}/{NAME}:{TAG}", self.address)
    }
}

async fn serve(listener: TcpListener, image: Arc<Image>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let image = Arc::clone(&image);
                let service = service_fn(move |request: Request<Incoming>| {
                    let response = answer(request.method(), request.uri().path(), &image);
                    async move { Ok::<_, Infallible>(response) }
                });
                // A client that breaks off says so to itself.
                connections.spawn(async move {
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
                });
            }
        }
    }
}

fn answer(method: &Method, path: &str, image: &Image) -> Response<Full<Bytes>> {
    let found = match path.strip_prefix("/v2/") {
        _ if !matches!(*method, Method::GET | Method::HEAD) => None,
        Some("") => Some(("application/json", None, b"{}".as_slice())),
        Some(path) => path.strip_prefix(NAME).and_then(|path| lookup(path, image)),
        None => None,
    };
    let mut response = Response::new(Full::default());
    let Some((content_type, digest, bytes)) = found else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    if let Some(digest) = digest.and_then(|digest: &String| digest.parse().ok()) {
        headers.insert("docker-content-digest", digest);
    }
    if *method == Method::GET {
        *response.body_mut() = Full::from(bytes.to_vec());
    }
    response
}

/// (media type, digest, bytes) of what lies at a path of the repository.
fn lookup<'a>(path: &str, image: &'a Image) -> Option<(&'static str, Option<&'a String>, &'a [u8])> {
    if let Some(reference) = path.strip_prefix("/manifests/") {
        let manifest = &image.manifest;
        let found = reference == TAG || reference == manifest.digest;
        return found.then_some((MANIFEST_TYPE, Some(&manifest.digest), manifest.bytes.as_slice()));
    }
    let digest = path.strip_prefix("/blobs/")?;
    let blob = image.blobs.iter().find(|blob| blob.digest == digest)?;
    Some(("application/octet-stream", Some(&blob.digest), blob.bytes.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_finds_all_it_asks_for_and_nothing_else() {
        let image = super::super::image::pack().unwrap();
        let status = |method: &Method, path: &str| answer(method, path, &image).status().as_u16();
        let get = |path: &str| status(&Method::GET, path);
        assert_eq!(get("/v2/"), 200);
        assert_eq!(get("/v2/berth/quickstart/manifests/latest"), 200);
        assert_eq!(get(&format!("/v2/berth/quickstart/manifests/{}", image.manifest.digest)), 200);
        for blob in &image.blobs {
            assert_eq!(get(&format!("/v2/berth/quickstart/blobs/{}", blob.digest)), 200);
        }
        for missing in [
            "/",
            "/v2/other/manifests/latest",
            "/v2/berth/quickstart/manifests/1",
            "/v2/berth/quickstart/tags/list",
        ] {
            assert_eq!(get(missing), 404, "{missing}");
        }
        assert_eq!(status(&Method::HEAD, "/v2/berth/quickstart/manifests/latest"), 200);
        assert_eq!(status(&Method::PUT, "/v2/berth/quickstart/manifests/latest"), 404);
    }
}
