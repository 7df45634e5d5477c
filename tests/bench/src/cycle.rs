//! The life of one pod with one container, each call timed.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use proto::cri::{
    ContainerStatusRequest, CreateContainerRequest, ExecSyncRequest, ListContainerStatsRequest,
    ListContainersRequest, PodSandboxStatusRequest, RemoveContainerRequest, RemovePodSandboxRequest,
    RunPodSandboxRequest, StartContainerRequest, StopContainerRequest, StopPodSandboxRequest, VersionRequest,
};
use tonic::{Code, Response, Status};

use crate::samples::Samples;
use crate::site::Site;

/// The default of Kubernetes for stopping; also ample for the command that ExecSync runs.
const GRACE_SECONDS: i64 = 30;

#[derive(Debug)]
pub(crate) struct Pod {
    name: String,
    id: String,
    container_id: String,
}

/// Makes a pod and starts its container.
pub(crate) async fn up(site: &Site, name: String, samples: &mut Samples) -> Result<Pod> {
    let (cgroup_parent, logs) = site.ground.prepare(&name)?;
    let config = site.work.pod(&name, cgroup_parent, &logs);
    let mut client = site.endpoint.runtime_client();
    let start = Instant::now();

    let request =
        RunPodSandboxRequest { config: Some(config.clone()), runtime_handler: site.endpoint.handler.clone() };
    let id = timed(samples, "RunPodSandbox", Box::pin(client.run_pod_sandbox(request))).await?.pod_sandbox_id;
    site.endpoint.remember(&id);
    let request = CreateContainerRequest {
        pod_sandbox_id: id.clone(),
        config: Some(site.work.container(&site.image_id)),
        sandbox_config: Some(config),
    };
    let container_id =
        timed(samples, "CreateContainer", Box::pin(client.create_container(request))).await?.container_id;
    site.endpoint.remember(&container_id);
    let request = StartContainerRequest { container_id: container_id.clone() };
    timed(samples, "StartContainer", client.start_container(request)).await?;

    samples.add("PodUp", start.elapsed());
    Ok(Pod { name, id, container_id })
}

/// Calls that change nothing, some of which a runtime may lack.
pub(crate) async fn probe(site: &Site, pod: &Pod, samples: &mut Samples) -> Result<()> {
    let mut client = site.endpoint.runtime_client();
    let request = ExecSyncRequest {
        container_id: pod.container_id.clone(),
        cmd: site.work.exec.clone(),
        timeout: GRACE_SECONDS,
    };
    if let Some(done) = optional(site, samples, "ExecSync", client.exec_sync(request)).await? {
        let stderr = String::from_utf8_lossy(&done.stderr);
        ensure!(done.exit_code == 0, "{:?} exited with {}: {stderr}", site.work.exec, done.exit_code);
    }
    let request = ContainerStatusRequest { container_id: pod.container_id.clone(), verbose: false };
    optional(site, samples, "ContainerStatus", client.container_status(request)).await?;
    let request = PodSandboxStatusRequest { pod_sandbox_id: pod.id.clone(), verbose: false };
    optional(site, samples, "PodSandboxStatus", client.pod_sandbox_status(request)).await?;
    lists(site, samples).await?;
    // What a call costs that does nothing.
    let request = VersionRequest { version: "0.1.0".to_owned() };
    optional(site, samples, "Version", client.version(request)).await?;
    Ok(())
}

/// What kubelet asks for every second, and every ten.
pub(crate) async fn lists(site: &Site, samples: &mut Samples) -> Result<()> {
    let mut client = site.endpoint.runtime_client();
    let request = ListContainersRequest { filter: None };
    optional(site, samples, "ListContainers", client.list_containers(request)).await?;
    let request = ListContainerStatsRequest { filter: None };
    optional(site, samples, "ListContainerStats", client.list_container_stats(request)).await?;
    Ok(())
}

/// Longer than a shell takes to set its trap, on a busy machine too.
const TRAP_SET: Duration = Duration::from_millis(100);

/// Waits, unmeasured, until the programs listen to SIGTERM: one that is PID 1 and has set no trap yet never sees the
/// signal, and the stop would time the grace period.
pub(crate) async fn until_trap_is_set() {
    tokio::time::sleep(TRAP_SET).await;
}

/// Takes the pod away in kubelet's order.
pub(crate) async fn down(site: &Site, pod: Pod, samples: &mut Samples) -> Result<()> {
    let Pod { name, id: pod_sandbox_id, container_id } = pod;
    let mut client = site.endpoint.runtime_client();
    let start = Instant::now();

    let request = StopContainerRequest { container_id: container_id.clone(), timeout: GRACE_SECONDS };
    timed(samples, "StopContainer", client.stop_container(request)).await?;
    timed(samples, "RemoveContainer", client.remove_container(RemoveContainerRequest { container_id }))
        .await?;
    let request = StopPodSandboxRequest { pod_sandbox_id: pod_sandbox_id.clone() };
    timed(samples, "StopPodSandbox", client.stop_pod_sandbox(request)).await?;
    let request = RemovePodSandboxRequest { pod_sandbox_id };
    timed(samples, "RemovePodSandbox", client.remove_pod_sandbox(request)).await?;

    samples.add("PodDown", start.elapsed());
    site.ground.clear(&name);
    Ok(())
}

/// Adds a sample if the call succeeds; a failed one says nothing about speed.
pub(crate) async fn timed<T>(
    samples: &mut Samples,
    name: &'static str,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T> {
    let start = Instant::now();
    let answer = call.await;
    let took = start.elapsed();
    let answer = answer.context(name)?;
    samples.add(name, took);
    Ok(answer.into_inner())
}

/// None if the runtime does not have this call; that is noted and no error.
async fn optional<T>(
    site: &Site,
    samples: &mut Samples,
    name: &'static str,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<Option<T>> {
    match timed(samples, name, call).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error)
            if error.downcast_ref::<Status>().is_some_and(|status| status.code() == Code::Unimplemented) =>
        {
            site.endpoint.lacks(name);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
