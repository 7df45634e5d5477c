//! Where a CNI configuration is, its plugins make the network: ADD and DEL, the whole chain, clean environments.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use harness::{Node, Options, Result, container, debian, run};
use tempfile::TempDir;

/// A plugin in shell: notes what it was called with, answers as told.
const PLUGIN: &str = r#"#!/bin/sh
dir=${0%/*}
name=${0##*/}
{ echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $CNI_NETNS"; env; cat; echo; } >> "$dir/$name.calls"
[ -e "$dir/$name.$CNI_COMMAND.fails" ] && { echo '{ "cniVersion": "1.0.0", "code": 11, "msg": "failed as told" }'; exit 1; }
[ "$CNI_COMMAND" = ADD ] && cat "$dir/$name.result"
exit 0
"#;

const RESULT: &str = r#"{ "cniVersion": "1.0.0", "interfaces": [ { "name": "eth0", "sandbox": "here" } ],
  "ips": [ { "address": "10.9.8.7/24", "gateway": "10.9.8.1", "interface": 0 } ] }"#;

struct Network {
    dir: TempDir,
}

impl Network {
    /// Two shell plugins in a chain.
    fn scripted() -> Result<Self> {
        let network = Self::with(
            r#"{ "cniVersion": "1.0.0", "name": "scripted", "plugins": [
            { "type": "first", "colour": "green" }, { "type": "second", "capabilities": { "portMappings": true } } ] }"#,
        )?;
        for name in ["first", "second"] {
            let path = network.bin().join(name);
            fs::write(&path, PLUGIN)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            fs::write(network.bin().join(format!("{name}.result")), RESULT)?;
        }
        Ok(network)
    }

    fn with(list: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("conf"))?;
        fs::create_dir(dir.path().join("bin"))?;
        fs::write(dir.path().join("conf/10-net.conflist"), list)?;
        Ok(Self { dir })
    }

    fn bin(&self) -> PathBuf {
        self.dir.path().join("bin")
    }

    fn options(&self, bin: &Path) -> Options {
        Options { cni: Some((self.dir.path().join("conf"), bin.to_owned())), ..Options::default() }
    }

    /// The verbs a plugin was called with, in order.
    fn calls(&self, plugin: &str) -> Vec<String> {
        let text = fs::read_to_string(self.bin().join(format!("{plugin}.calls"))).unwrap_or_default();
        let verbs =
            text.lines().filter(|line| ["ADD ", "DEL ", "CHECK "].iter().any(|verb| line.starts_with(verb)));
        verbs.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    fn heard(&self, plugin: &str) -> Result<String> {
        Ok(fs::read_to_string(self.bin().join(format!("{plugin}.calls")))?)
    }
}

#[test]
fn a_chain_is_added_in_order_and_deleted_with_what_it_answered() -> Result {
    run(async {
        let network = Network::scripted()?;
        let node = Node::start_with(network.options(&network.bin())).await?;
        let pod = node.run_pod(&node.pod("p").host_port(18_765, 80)).await?;
        assert_eq!(node.address(&pod).await?.to_string(), "10.9.8.7", "the address the plugin gave");
        let (first, second) = (network.heard("first")?, network.heard("second")?);
        assert!(
            first.contains(&format!("ADD {} eth0 /proc/", pod.id))
                || first.contains(&format!("ADD {} eth0 /", pod.id)),
            "{first}"
        );
        assert!(first.contains("\"colour\":\"green\"") && first.contains("\"name\":\"scripted\""), "{first}");
        assert!(second.contains("prevResult") && second.contains("10.9.8.7"), "{second}");
        assert!(second.contains("\"hostPort\":18765"), "port mappings go to the plugin that can: {second}");
        assert!(!first.contains("hostPort"), "and to no other: {first}");
        assert!(!first.contains("CARGO_") && !first.contains("BERTH_"), "a clean environment: {first}");
        node.remove_pod(&pod).await?;
        assert_eq!(network.calls("first"), ["ADD", "DEL"]);
        assert_eq!(network.calls("second"), ["ADD", "DEL"]);
        assert!(network.heard("first")?.matches("prevResult").count() >= 1, "DEL is told what ADD answered");
        node.finish().await
    })
}

#[test]
fn a_plugin_that_fails_undoes_the_chain_and_names_itself() -> Result {
    run(async {
        let network = Network::scripted()?;
        let node = Node::start_with(network.options(&network.bin())).await?;
        let before = node.leftovers()?;
        let fails = network.bin().join("second.ADD.fails");
        fs::write(&fails, "")?;
        let answer = node.cri.run_pod(&node.pod("p").config).await;
        let text = answer.err().map(|status| status.message().to_owned()).unwrap_or_default();
        assert!(text.contains("second") && text.contains("failed as told"), "{text}");
        assert!(network.calls("first").contains(&"DEL".to_owned()), "what was added is deleted");
        node.settle(&before).await?;
        fs::remove_file(&fails)?;
        let pod = node.run_pod(&node.pod("p")).await?;
        node.remove_pod(&pod).await?;
        node.finish().await
    })
}

#[test]
fn delete_goes_through_the_whole_chain_even_if_one_fails_and_is_tried_again() -> Result {
    run(async {
        let network = Network::scripted()?;
        let node = Node::start_with(network.options(&network.bin())).await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let fails = network.bin().join("second.DEL.fails");
        fs::write(&fails, "")?;
        // Whether the stop says so or not, the other plugin has been called and a later try cleans up.
        let _ = node.cri.stop_pod(&pod.id).await;
        assert!(network.calls("first").contains(&"DEL".to_owned()));
        fs::remove_file(&fails)?;
        node.cri.stop_pod(&pod.id).await?;
        node.cri.remove_pod(&pod.id).await?;
        assert_eq!(network.calls("second").last().map(String::as_str), Some("DEL"));
        node.finish().await
    })
}

#[test]
fn a_pod_on_the_nodes_network_calls_no_plugin() -> Result {
    run(async {
        let network = Network::scripted()?;
        let node = Node::start_with(network.options(&network.bin())).await?;
        let pod = node.run_pod(&node.pod("p").host_network()).await?;
        node.remove_pod(&pod).await?;
        assert!(network.calls("first").is_empty());
        node.finish().await
    })
}

#[test]
fn a_plugin_name_that_is_a_path_is_not_executed() -> Result {
    run(async {
        let network = Network::scripted()?;
        let list = r#"{ "cniVersion": "1.0.0", "name": "n", "plugins": [ { "type": "../bin/first" } ] }"#;
        fs::write(network.dir.path().join("conf/10-net.conflist"), list)?;
        let node = Node::start_with(network.options(&network.bin())).await?;
        // The list is no list: either the built-in network serves or the node is not ready; the plugin never runs.
        if let Ok(id) = node.cri.run_pod(&node.pod("p").config).await {
            node.cri.remove_pod(&id).await?;
        }
        assert!(network.calls("first").is_empty());
        node.finish().await
    })
}

#[test]
fn the_real_plugins_of_debian_work() -> Result {
    run(async {
        let plugins = debian::unpack(&["containernetworking-plugins"])?.join("usr/lib/cni");
        let data = tempfile::tempdir()?;
        let list = format!(
            r#"{{ "cniVersion": "1.0.0", "name": "real", "plugins": [ {{ "type": "ptp", "ipam": {{ "type": "host-local",
               "dataDir": "{}", "ranges": [[ {{ "subnet": "10.78.0.0/24" }} ]], "routes": [ {{ "dst": "0.0.0.0/0" }} ] }} }} ] }}"#,
            data.path().display()
        );
        let network = Network::with(&list)?;
        let node = Node::start_with(network.options(&plugins)).await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let address = node.address(&pod).await?.to_string();
        assert!(address.starts_with("10.78.0."), "{address}");
        let inside = node.output(&pod, &container("c").shell("ip -4 addr show eth0; ip route")).await?;
        assert!(inside.contains(&address) && inside.contains("default"), "{inside}");
        assert_eq!(leases(data.path()), 1);
        node.remove_pod(&pod).await?;
        assert_eq!(leases(data.path()), 0, "the lease is returned");
        node.finish().await
    })
}

/// host-local keeps a file named after each address in use.
fn leases(dir: &Path) -> usize {
    let entries = fs::read_dir(dir.join("real")).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("10.")).count()
}
