//! The whole cluster: control plane and nodes, from nothing to nothing.

use std::{fs, path::Path, time::Duration};

use harness::{Doing, Failure, Registry, Result, Slot, until};
use serde_json::{Value, json};

use crate::{
    api::Api,
    args::{Args, Programs},
    control::{Control, server},
    kubectl::Kubectl,
    machine::Machine,
    node::{self, Node},
    pki::Pki,
    pods::condition,
    scene::Scene,
};

/// From the start of kubelet to a node that is ready, and from the wish to delete a namespace to its end.
const PATIENCE: Duration = Duration::from_secs(180);

/// Control plane and node.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) api: Api,
    pub(crate) kubectl: Option<Kubectl>,
    pub(crate) node: Node,
    control: Control,
    pki: Pki,
    server: String,
    machine: Machine,
}

impl Cluster {
    /// Starts everything and waits until the node is ready.
    pub(crate) async fn start(args: &Args, programs: &Programs) -> Result<Self> {
        let machine = Machine::note()?;
        let slot = Slot::take()?;
        let address = node::loopback(&slot);
        let dir = slot.dir().join("control");
        let pki = Pki::make(&slot.dir().join("pki"), address)?;
        let server = server(address);
        let api = Api::new(&pki, &server)?;
        let kubectl = match &args.kubectl {
            Some(binary) => {
                let home = slot.dir().join("kubectl");
                fs::create_dir_all(&home).doing(|| format!("make {}", home.display()))?;
                Some(Kubectl::new(binary, pki.kubeconfig("admin", &server)?, &home)?)
            }
            None => None,
        };
        let node = Node::start(slot, Registry::shared()?, &programs.kubelet).await?;
        let control = Control::start(args, programs, &dir, address, &pki, &api).await?;
        let mut cluster = Self { api, kubectl, node, control, pki, server, machine };
        cluster.start_kubelet(&json!({})).await?;
        Ok(cluster)
    }

    /// Starts kubelet with these settings over the usual ones, and waits until the node is ready.
    pub(crate) async fn start_kubelet(&mut self, changes: &Value) -> Result {
        let before = self.heartbeat().await;
        self.node.start_kubelet(&self.pki, &self.server, changes)?;
        let path = format!("/api/v1/nodes/{}", self.node.name);
        let mut broken = None;
        let api = self.api.clone();
        until("the node is ready", PATIENCE, async || {
            broken = self.node.check().err();
            let node = api.get(&path).await.unwrap_or_default();
            broken.is_some() || (condition(&node, "Ready") && heartbeat_of(&node) != before)
        })
        .await
        .map_err(|failure| Failure::new(format!("{}\n{}", failure.text(), self.node.last_words())))?;
        broken.map_or(Ok(()), Err)
    }

    /// When kubelet last said that the node is ready.
    async fn heartbeat(&self) -> Value {
        let node = self.api.get(&format!("/api/v1/nodes/{}", self.node.name)).await.unwrap_or_default();
        heartbeat_of(&node)
    }

    /// Makes a namespace in which pods can be made.
    pub(crate) async fn scene(&mut self, namespace: &str) -> Result<Scene<'_>> {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        self.api.create(&object).await?;
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        until("the namespace has its service account", PATIENCE, async || {
            matches!(self.api.find(&account).await, Ok(Some(_)))
        })
        .await?;
        Ok(Scene { cluster: self, namespace: namespace.to_owned() })
    }

    /// Deletes a namespace with all in it, and waits for the end.
    pub(crate) async fn delete(&self, namespace: &str) -> Result {
        let path = format!("/api/v1/namespaces/{namespace}");
        self.api.delete(&path).await?;
        let what = format!("namespace {namespace} is gone");
        let gone = until(&what, PATIENCE, async || matches!(self.api.find(&path).await, Ok(None)));
        let Err(failure) = gone.await else { return Ok(()) };
        let stuck = self.api.get(&path).await.unwrap_or_default();
        let pods = self.api.list(&format!("{path}/pods")).await.unwrap_or_default();
        let pods: Vec<String> = pods.iter().map(|pod| pod["metadata"]["name"].to_string()).collect();
        Err(Failure::new(format!("{}: {:#}, pods {}", failure.text(), stuck["status"], pods.join(", "))))
    }

    /// Ends everything. Gives what refuses to go.
    pub(crate) async fn finish(mut self, out: &Path) -> Result<Vec<String>> {
        let dir = self.node.slot.dir().to_owned();
        for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
            let file = format!("{name}.log");
            fs::copy(dir.join("control").join(&file), out.join(&file)).doing(|| format!("copy {file}"))?;
        }
        let mut left = self.node.quiet().await;
        left.extend(self.control.stop().await.err().map(|failure| failure.text().to_owned()));
        left.extend(self.node.finish(out).await?);
        self.machine.restore(&dir)?;
        Ok(left)
    }
}

fn heartbeat_of(node: &Value) -> Value {
    let conditions = node["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|one| one["type"] == "Ready");
    ready.map(|ready| ready["lastHeartbeatTime"].clone()).unwrap_or_default()
}
