//! What a node says of itself: Version, Status, RuntimeConfig, and the command line.

use std::process::Stdio;

use e2e::refused;
use harness::{Node, Result, binary, program, run};
use proto::cri::{CgroupDriver, StatusRequest};
use tonic::Code;

#[test]
fn version_is_what_kubelet_insists_on() -> Result {
    run(async {
        let node = Node::start().await?;
        let version = node.cri.version().await?;
        assert_eq!((version.version.as_str(), version.runtime_api_version.as_str()), ("0.1.0", "v1"));
        assert_eq!(version.runtime_name, "berth");
        let numbers =
            version.runtime_version.split(['.', '-']).take(3).filter(|part| part.parse::<u32>().is_ok());
        assert_eq!(numbers.count(), 3, "{} is no semantic version", version.runtime_version);
        node.finish().await
    })
}

#[test]
fn status_says_ready_and_what_the_handlers_can() -> Result {
    run(async {
        let node = Node::start().await?;
        let answer = node.cri.node_status().await?;
        let conditions = answer.status.unwrap_or_default().conditions;
        for wanted in ["RuntimeReady", "NetworkReady"] {
            let condition = conditions.iter().find(|condition| condition.r#type == wanted);
            assert!(condition.is_some_and(|condition| condition.status), "{wanted}: {conditions:?}");
        }
        assert!(
            answer.runtime_handlers.iter().any(|handler| handler.name.is_empty()),
            "the default handler has no name"
        );
        for (key, value) in &answer.info {
            assert!(
                serde_json::from_str::<serde_json::Value>(value).is_ok(),
                "info {key} is not JSON: {value}"
            );
        }
        let brief = node.cri.runtime().status(StatusRequest { verbose: false }).await?.into_inner();
        assert!(brief.info.is_empty(), "only a verbose status has information");
        node.finish().await
    })
}

#[test]
fn runtime_config_names_the_cgroup_driver_and_takes_a_pod_cidr() -> Result {
    run(async {
        let node = Node::start().await?;
        let linux = node.cri.runtime_config().await?.linux.unwrap_or_default();
        assert_eq!(linux.cgroup_driver(), CgroupDriver::Cgroupfs);
        node.cri.set_pod_cidr(&format!("{}/24", node.slot.network())).await?;
        refused(node.cri.set_pod_cidr("not a network").await, &[Code::InvalidArgument], &["not a network"])?;
        node.finish().await
    })
}

#[test]
fn what_is_not_built_says_so() -> Result {
    run(async {
        let node = Node::start().await?;
        let request = proto::cri::CheckpointContainerRequest::default();
        let answer = node.cri.runtime().checkpoint_container(request).await;
        refused(answer, &[Code::Unimplemented], &["CheckpointContainer"])?;
        node.finish().await
    })
}

#[test]
fn the_configuration_prints_and_reads_back_and_refuses_unknown_keys() -> Result {
    let printed = program(binary("berthd")?).arg("--print-config").output()?;
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout)?;
    assert!(text.contains("cgroup_root"), "{text}");

    let dir = tempfile::tempdir()?;
    let file = dir.path().join("berth.toml");
    std::fs::write(&file, &text)?;
    let again = program(binary("berthd")?).arg("--config").arg(&file).arg("--print-config").output()?;
    assert_eq!(String::from_utf8(again.stdout)?, text, "what is printed is what was read");

    std::fs::write(&file, "log_level = \"info\"\nlog_colour = \"red\"\n")?;
    let mut bad = program(binary("berthd")?);
    let bad = bad.arg("--config").arg(&file).arg("--print-config").stdin(Stdio::null()).output()?;
    let words = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(!bad.status.success(), "an unknown key is refused");
    assert!(words.contains("log_colour") && words.contains("line 2"), "{words}");
    Ok(())
}
