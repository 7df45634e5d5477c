//! How a command's end is told on the error stream: text in the old protocols, a `metav1.Status` in v4.

use serde::{Deserialize, Serialize};

use super::protocol::Command;

const NON_ZERO: &str = "NonZeroExitCode";
const EXIT_CODE: &str = "ExitCode";

/// How an exec or attach ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The program's exit code.
    Exited(i32),
    /// It could not be run, or we lost it.
    Failed(String),
}

/// The part of `metav1.Status` (k8s.io/apimachinery) that clients look at.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Status {
    metadata: Empty,
    status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Empty {}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cause {
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

impl Outcome {
    /// What to write to the error stream before closing it; nothing, where success is told by silence.
    pub(crate) fn encode(&self, protocol: Command) -> Vec<u8> {
        if protocol < Command::V4 {
            return match self {
                Self::Exited(0) => Vec::new(),
                Self::Exited(code) => format!("command terminated with exit code {code}").into_bytes(),
                Self::Failed(message) => message.clone().into_bytes(),
            };
        }
        let status = match self {
            Self::Exited(0) => Status { status: "Success".into(), ..Status::default() },
            Self::Exited(code) => Status {
                status: "Failure".into(),
                message: format!("command terminated with non-zero exit code: {code}"),
                reason: NON_ZERO.into(),
                details: Some(Details {
                    causes: vec![Cause { reason: EXIT_CODE.into(), message: code.to_string() }],
                }),
                ..Status::default()
            },
            Self::Failed(message) => Status {
                status: "Failure".into(),
                message: format!("Internal error occurred: {message}"),
                reason: "InternalError".into(),
                details: Some(Details {
                    causes: vec![Cause { message: message.clone(), ..Cause::default() }],
                }),
                code: Some(500),
                ..Status::default()
            },
        };
        // Strings and numbers only: cannot fail.
        serde_json::to_vec(&status).unwrap_or_default()
    }

    /// What a client reads from what it found on the error stream.
    pub(crate) fn decode(protocol: Command, bytes: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(bytes).into_owned();
        if bytes.is_empty() {
            return Self::Exited(0);
        }
        if protocol < Command::V4 {
            return Self::Failed(text());
        }
        let Ok(status) = serde_json::from_slice::<Status>(bytes) else {
            return Self::Failed(format!("unintelligible status: {}", text()));
        };
        let code = status.details.iter().flat_map(|details| &details.causes).find(|c| c.reason == EXIT_CODE);
        match (status.status.as_str(), status.reason.as_str(), code.and_then(|c| c.message.parse().ok())) {
            ("Success", _, _) => Self::Exited(0),
            (_, NON_ZERO, Some(code)) => Self::Exited(code),
            _ => Self::Failed(status.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v4_says_what_kubernetes_clients_look_for() {
        let json = |outcome: Outcome| String::from_utf8(outcome.encode(Command::V4)).unwrap();
        assert_eq!(json(Outcome::Exited(0)), r#"{"metadata":{},"status":"Success"}"#);
        assert_eq!(
            json(Outcome::Exited(3)),
            r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#
        );
        let failed = json(Outcome::Failed("no such program".into()));
        assert!(
            failed.contains(r#""reason":"InternalError""#) && failed.contains(r#""code":500"#),
            "{failed}"
        );
    }

    #[test]
    fn every_outcome_survives_the_way_to_the_client() {
        for outcome in [Outcome::Exited(0), Outcome::Exited(137), Outcome::Failed("no".into())] {
            let back = Outcome::decode(Command::V4, &outcome.encode(Command::V4));
            match (&outcome, back) {
                (Outcome::Failed(text), Outcome::Failed(back)) => assert!(back.ends_with(text.as_str())),
                (outcome, back) => assert_eq!(*outcome, back),
            }
        }
    }

    #[test]
    fn old_protocols_are_silent_on_success_and_speak_text() {
        assert!(Outcome::Exited(0).encode(Command::V1).is_empty());
        let text = Outcome::Exited(3).encode(Command::V3);
        assert_eq!(
            Outcome::decode(Command::V3, &text),
            Outcome::Failed("command terminated with exit code 3".into())
        );
    }

    #[test]
    fn nonsense_is_a_failure_not_a_success() {
        for text in ["{", "[]", r#"{"status":"Failure","reason":"NonZeroExitCode"}"#, "null", "{}"] {
            assert!(matches!(Outcome::decode(Command::V4, text.as_bytes()), Outcome::Failed(_)), "{text}");
        }
    }
}
