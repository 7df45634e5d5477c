//! Removes the pods of a run, or of all runs, whatever became of it.
use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use proto::cri::{
    ListPodSandboxRequest, PodSandbox, PodSandboxFilter, RemovePodSandboxRequest, StopPodSandboxRequest,
};

use crate::endpoint::Endpoint;

/// A runtime that cannot take its pods away in this time is not waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A call we dropped may still be at work in the daemon, and its pod appear after we have looked.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Removes every pod with these labels, and looks again until there is none. Returns how many there were.
pub(crate) async fn remove_pods(endpoint: &Endpoint, labels: &HashMap<String, String>) -> Result<usize> {
    tokio::time::timeout(PATIENCE, until_none(endpoint, labels))
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("not done after {} s", PATIENCE.as_secs())))
        .with_context(|| format!("remove the pods we made at {}", endpoint.name))
}

async fn until_none(endpoint: &Endpoint, labels: &HashMap<String, String>) -> Result<usize> {
    let (mut removed, mut quiet) = (0, 0);
    while quiet < 2 {
        let pods = list(endpoint, labels).await?;
        quiet = if pods.is_empty() { quiet + 1 } else { 0 };
        for pod in pods {
            remove(endpoint, pod.id).await?;
            removed += 1;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(removed)
}

async fn list(endpoint: &Endpoint, labels: &HashMap<String, String>) -> Result<Vec<PodSandbox>> {
    let filter = PodSandboxFilter { label_selector: labels.clone(), ..PodSandboxFilter::default() };
    let request = ListPodSandboxRequest { filter: Some(filter) };
    let all =
        endpoint.runtime_client().list_pod_sandbox(request).await.context("ListPodSandbox")?.into_inner();
    // Should a runtime not know how to filter, we must still remove nothing but ours.
    let ours = |pod: &PodSandbox| labels.iter().all(|(key, value)| pod.labels.get(key) == Some(value));
    Ok(all.items.into_iter().filter(ours).collect())
}

/// Stopping may fail for a pod that is half made; removal is what counts, and takes the containers along.
async fn remove(endpoint: &Endpoint, pod_sandbox_id: String) -> Result<()> {
    let mut client = endpoint.runtime_client();
    let stop = StopPodSandboxRequest { pod_sandbox_id: pod_sandbox_id.clone() };
    let stopped = client.stop_pod_sandbox(stop).await;
    match client.remove_pod_sandbox(RemovePodSandboxRequest { pod_sandbox_id }).await {
        Ok(_) => Ok(()),
        Err(error) => Err(stopped.err().unwrap_or(error)).context("RemovePodSandbox"),
    }
}
