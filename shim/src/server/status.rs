//! From the daemon's error kinds to gRPC codes: the one table, and the one place where a failed request is logged.
use tonic::{Code, Status};

use crate::error::{Error, Kind};

fn code(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::Exists => Code::AlreadyExists,
        Kind::WrongState => Code::FailedPrecondition,
        Kind::Denied => Code::PermissionDenied,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Exhausted => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        // kubelet strips the code's prefix from the text only for UNKNOWN, and looks for its words at the start.
        Kind::PullKnown => Code::Unknown,
        Kind::Timeout => Code::DeadlineExceeded,
        Kind::Unsupported => Code::Unimplemented,
        Kind::Corrupt => Code::DataLoss,
        Kind::Internal => Code::Internal,
    }
}

/// The status a caller gets; the chain is logged once, here.
pub(super) fn status(verb: &'static str, error: &Error) -> Status {
    let text = error.chain();
    match error.kind() {
        Kind::Internal | Kind::Corrupt => tracing::error!(verb, error = text, "request failed"),
        Kind::NotFound => tracing::debug!(verb, error = text, "request failed"),
        _ => tracing::warn!(verb, error = text, "request failed"),
    }
    Status::new(code(error.kind()), text)
}

/// For RPCs that are not built yet.
pub(super) fn unimplemented(verb: &str) -> Status {
    Status::unimplemented(format!("{verb}: Berth does not implement this yet"))
}
