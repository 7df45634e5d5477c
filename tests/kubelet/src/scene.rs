//! What a scenario works with: the cluster, a namespace of its own, and the questions scenarios ask again and again.

use std::{net::SocketAddr, time::Duration};

use harness::{Doing, Failure, Result, http, until_some};
use serde_json::{Value, json};

use crate::{
    api::collection,
    cluster::Cluster,
    kubectl::Kubectl,
    pods::{condition, container},
};

/// A rolling update of some pods with a debug build on a busy machine; only a failing scenario waits it out.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// One scenario's view.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) cluster: &'a mut Cluster,
    pub(crate) namespace: String,
}

impl Scene<'_> {
    /// Makes an object in the scenario's namespace.
    pub(crate) async fn create(&self, mut object: Value) -> Result<Value> {
        object["metadata"]["namespace"] = json!(self.namespace);
        self.cluster.api.create(&object).await
    }

    /// Where an object of the core group is.
    pub(crate) fn path(&self, kind: &str, name: &str) -> String {
        self.path_in("v1", kind, name)
    }

    /// Where an object is.
    pub(crate) fn path_in(&self, version: &str, kind: &str, name: &str) -> String {
        let object =
            json!({ "apiVersion": version, "kind": kind, "metadata": { "namespace": self.namespace } });
        format!("{}/{name}", collection(&object))
    }

    /// Waits until an object is as wanted; tells how it is if it does not come to that.
    pub(crate) async fn wait(
        &self,
        path: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        self.wait_within(PATIENCE, path, what, wanted).await
    }

    /// The same with another patience.
    pub(crate) async fn wait_within(
        &self,
        patience: Duration,
        path: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let mut last = Value::Null;
        let found = until_some(what, patience, async || {
            last = self.cluster.api.get(path).await.ok()?;
            wanted(&last).then(|| last.clone())
        });
        let Err(failure) = found.await else { return Ok(last) };
        let events = self.events().await.unwrap_or_default();
        Err(Failure::new(format!("{}\n{path} is {:#}\n{events}", failure.text(), last["status"])))
    }

    /// Waits for a pod.
    pub(crate) async fn wait_pod(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        self.wait(&self.path("Pod", name), &format!("pod {name}: {what}"), wanted).await
    }

    /// Makes a pod and waits until it is ready.
    pub(crate) async fn run(&self, pod: Value) -> Result<Value> {
        let made = self.create(pod).await?;
        let name = made["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.wait_pod(&name, "is ready", |pod| condition(pod, "Ready")).await
    }

    /// Pods with this label `app`, without those on their way out.
    pub(crate) async fn pods(&self, app: &str) -> Result<Vec<Value>> {
        let path = format!("/api/v1/namespaces/{}/pods?labelSelector=app%3D{app}", self.namespace);
        let mut pods = self.cluster.api.list(&path).await?;
        pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        Ok(pods)
    }

    /// What a container logged, as the API server gives it.
    pub(crate) async fn logs(&self, pod: &str, container: &str) -> Result<String> {
        let path = self.path("Pod", pod);
        self.cluster.api.text(&format!("{path}/log?container={container}")).await
    }

    /// Waits until a container's log has this text.
    pub(crate) async fn wait_log(&self, pod: &str, container: &str, text: &str) -> Result<String> {
        until_some(&format!("{pod}/{container} logs {text:?}"), PATIENCE, async || {
            self.logs(pod, container).await.ok().filter(|log| log.contains(text))
        })
        .await
    }

    /// Waits until a page is served with these words.
    pub(crate) async fn wait_page(&self, address: SocketAddr, words: &str) -> Result<String> {
        until_some(&format!("{address} serves {words:?}"), PATIENCE, async || {
            http::get(address, "/").ok().map(|answer| answer.text()).filter(|text| text.contains(words))
        })
        .await
    }

    /// kubectl; a scenario that needs it is not run without.
    pub(crate) fn kubectl(&self) -> Result<&Kubectl> {
        self.cluster.kubectl.as_ref().doing(|| "find kubectl".to_owned())
    }

    /// kubectl, its output.
    pub(crate) fn kubectl_run(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl()?.run(&self.namespace, arguments)
    }

    /// What happened in the namespace, a line each.
    async fn events(&self) -> Result<String> {
        let events = self.cluster.api.list(&format!("/api/v1/namespaces/{}/events", self.namespace)).await?;
        let lines = events.iter().filter(|event| event["type"] != "Normal").map(|event| {
            format!("{}: {}: {}\n", event["involvedObject"]["name"], event["reason"], event["message"])
        });
        Ok(lines.collect())
    }
}

/// The pod's address with a port.
pub(crate) fn address(pod: &Value, port: u16) -> Result<SocketAddr> {
    let text = pod["status"]["podIP"].as_str().unwrap_or_default();
    let ip = text.parse().doing(|| format!("read the address {text:?} of {}", pod["metadata"]["name"]))?;
    Ok(SocketAddr::new(ip, port))
}

/// The id of a container as kubelet writes it, without the runtime's name.
pub(crate) fn container_id(pod: &Value, name: &str) -> Result<String> {
    let id = container(pod, name).and_then(|status| status["containerID"].as_str());
    let id = id.and_then(|id| id.strip_prefix("berth://"));
    Ok(id.doing(|| format!("find the id of {name} in {:#}", pod["status"]))?.to_owned())
}

/// Fails with these words unless it holds.
#[track_caller]
pub(crate) fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result {
    if holds { Ok(()) } else { Err(Failure::new(otherwise())) }
}
