//! No secret shows in Debug, however deep it lies.
use std::fmt::Debug;

use crate::cri::{
    AttachResponse, AuthConfig, ContainerConfig, CreateContainerRequest, ExecResponse, KeyValue,
    PortForwardResponse, PullImageRequest, RestorePodRequest,
};
use crate::monitor::{ExecPlan, LaunchPlan, Process};
use crate::record;

const SECRET: &str = "hunter2";

fn assert_hidden(message: &impl Debug) -> String {
    for text in [format!("{message:?}"), format!("{message:#?}")] {
        assert!(!text.contains(SECRET), "secret in {text}");
        // Bytes would print as numbers.
        let numbers = format!("{:?}", SECRET.as_bytes());
        assert!(!text.contains(numbers.trim_matches(['[', ']'])), "secret in {text}");
    }
    format!("{message:?}")
}

fn auth() -> AuthConfig {
    AuthConfig {
        username: SECRET.into(),
        password: SECRET.into(),
        auth: SECRET.into(),
        server_address: "registry.example".into(),
        identity_token: SECRET.into(),
        registry_token: SECRET.into(),
    }
}

fn container() -> ContainerConfig {
    let variable = KeyValue { key: "PASSWORD".into(), value: SECRET.into() };
    ContainerConfig { envs: vec![variable], ..ContainerConfig::default() }
}

fn process() -> Process {
    let env = vec![format!("PASSWORD={SECRET}").into_bytes(), SECRET.into()];
    Process { args: vec!["/bin/true".into()], env, ..Process::default() }
}

#[test]
fn credentials_are_hidden_alone_and_in_a_pull() {
    let text = assert_hidden(&auth());
    assert!(text.contains("registry.example"), "the address is no secret: {text}");
    let pull = PullImageRequest { auth: Some(auth()), ..PullImageRequest::default() };
    assert_hidden(&pull);
    assert_hidden(&Some(tonic::Request::new(pull)));
}

#[test]
fn an_unset_credential_shows_as_unset() {
    let text = format!("{:?}", AuthConfig { password: SECRET.into(), ..AuthConfig::default() });
    assert_eq!(text.matches("<redacted>").count(), 1, "{text}");
}

#[test]
fn environments_are_hidden_in_requests_records_and_plans() {
    let text = assert_hidden(&container());
    assert!(text.contains("PASSWORD"), "the name helps and is no secret: {text}");
    assert_hidden(&CreateContainerRequest { config: Some(container()), ..CreateContainerRequest::default() });
    assert_hidden(&RestorePodRequest {
        container_configs: vec![container()],
        ..RestorePodRequest::default()
    });
    assert_hidden(&record::Container { config: Some(container()), ..record::Container::default() });

    let text = assert_hidden(&process());
    assert!(text.contains("PASSWORD") && text.contains("/bin/true"), "{text}");
    assert_hidden(&LaunchPlan { process: Some(process()), ..LaunchPlan::default() });
    assert_hidden(&ExecPlan { process: Some(process()), ..ExecPlan::default() });
}

#[test]
fn urls_of_streams_are_hidden() {
    let url = format!("http://127.0.0.1:1/exec/{SECRET}");
    assert_hidden(&ExecResponse { url: url.clone() });
    assert_hidden(&AttachResponse { url: url.clone() });
    assert_hidden(&PortForwardResponse { url });
}
