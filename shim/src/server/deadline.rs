//! A caller's deadline, answered as gRPC says: DEADLINE_EXCEEDED.
//!
//! tonic enforces `grpc-timeout` itself, but answers CANCELLED, which kubelet takes for something else. This layer sits
//! inside tonic's and is a moment earlier. What was asked for goes on: operations never live in the request's future.
use std::{
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

/// Before tonic's own timer, and before the client's, which starts earlier and so ends earlier.
const EARLY: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy)]
pub(super) struct DeadlineLayer;

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Deadline<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let limit = limit(request.headers());
        let answer = self.inner.call(request);
        Box::pin(async move {
            match limit {
                None => answer.await,
                Some(limit) => {
                    tokio::time::timeout(limit.saturating_sub(EARLY), answer).await.unwrap_or_else(|_| {
                        let text = format!(
                            "no answer within the caller's deadline of {limit:?}; what was asked for goes on"
                        );
                        Ok(Status::deadline_exceeded(text).into_http())
                    })
                }
            }
        })
    }
}

/// The `grpc-timeout` header: at most eight digits and a unit (gRPC over HTTP/2, "Requests").
fn limit(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = Some(digits).filter(|digits| digits.len() <= 8)?.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
