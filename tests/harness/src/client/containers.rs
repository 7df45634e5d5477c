//! The verbs of containers.

use std::time::Duration;

use proto::cri::{
    AttachRequest, Container, ContainerConfig, ContainerFilter, ContainerStats, ContainerStatsRequest,
    ContainerStatus, ContainerStatusRequest, ContainerStatusResponse, CreateContainerRequest, ExecRequest,
    ExecSyncRequest, ExecSyncResponse, LinuxContainerResources, ListContainerStatsRequest,
    ListContainersRequest, PodSandboxConfig, RemoveContainerRequest, ReopenContainerLogRequest,
    StartContainerRequest, StopContainerRequest, UpdateContainerResourcesRequest,
};
use tonic::Status;

use super::Client;

impl Client {
    /// CreateContainer.
    ///
    /// # Errors
    /// The server's status; so for all that follow.
    pub async fn create(
        &self,
        pod: &str,
        config: &ContainerConfig,
        sandbox: &PodSandboxConfig,
    ) -> Result<String, Status> {
        let request = CreateContainerRequest {
            pod_sandbox_id: pod.to_owned(),
            config: Some(config.clone()),
            sandbox_config: Some(sandbox.clone()),
        };
        let mut runtime = self.runtime();
        // The message is by far the largest of CRI: on the heap, the futures around this one stay small.
        Ok(Box::pin(runtime.create_container(request)).await?.into_inner().container_id)
    }

    /// StartContainer.
    ///
    /// # Errors
    /// As above.
    pub async fn start(&self, id: &str) -> Result<(), Status> {
        self.runtime().start_container(StartContainerRequest { container_id: id.to_owned() }).await.map(drop)
    }

    /// StopContainer with seconds of grace.
    ///
    /// # Errors
    /// As above.
    pub async fn stop(&self, id: &str, timeout_s: i64) -> Result<(), Status> {
        let request = StopContainerRequest { container_id: id.to_owned(), timeout: timeout_s };
        self.runtime().stop_container(request).await.map(drop)
    }

    /// RemoveContainer.
    ///
    /// # Errors
    /// As above.
    pub async fn remove(&self, id: &str) -> Result<(), Status> {
        self.runtime()
            .remove_container(RemoveContainerRequest { container_id: id.to_owned() })
            .await
            .map(drop)
    }

    /// ContainerStatus, verbose.
    ///
    /// # Errors
    /// As above.
    pub async fn status_verbose(&self, id: &str) -> Result<ContainerStatusResponse, Status> {
        let request = ContainerStatusRequest { container_id: id.to_owned(), verbose: true };
        Ok(self.runtime().container_status(request).await?.into_inner())
    }

    /// The status in ContainerStatus.
    ///
    /// # Errors
    /// As above, and when there is none in a good answer.
    pub async fn status(&self, id: &str) -> Result<ContainerStatus, Status> {
        let request = ContainerStatusRequest { container_id: id.to_owned(), verbose: false };
        let response = self.runtime().container_status(request).await?.into_inner();
        response.status.ok_or_else(|| Status::internal("ContainerStatus without a status"))
    }

    /// ListContainers; the default filter lists all.
    ///
    /// # Errors
    /// As above.
    pub async fn containers(&self, filter: ContainerFilter) -> Result<Vec<Container>, Status> {
        let request = ListContainersRequest { filter: Some(filter) };
        Ok(self.runtime().list_containers(request).await?.into_inner().containers)
    }

    /// ExecSync without a timeout.
    ///
    /// # Errors
    /// As above.
    pub async fn exec<const N: usize>(
        &self,
        id: &str,
        command: [&str; N],
    ) -> Result<ExecSyncResponse, Status> {
        self.exec_within(id, command, Duration::ZERO).await
    }

    /// ExecSync with a timeout in whole seconds.
    ///
    /// # Errors
    /// As above.
    pub async fn exec_within<const N: usize>(
        &self,
        id: &str,
        command: [&str; N],
        timeout: Duration,
    ) -> Result<ExecSyncResponse, Status> {
        let timeout = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
        let request = ExecSyncRequest {
            container_id: id.to_owned(),
            cmd: command.map(str::to_owned).to_vec(),
            timeout,
        };
        Ok(self.runtime().exec_sync(request).await?.into_inner())
    }

    /// A line of shell in a container: its output, which must come with exit code 0.
    ///
    /// # Errors
    /// As above, and when the line fails.
    pub async fn shell(&self, id: &str, line: &str) -> Result<String, Status> {
        let done = self.exec(id, ["sh", "-c", line]).await?;
        let [out, err] =
            [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        match done.exit_code {
            0 => Ok(out),
            code => Err(Status::unknown(format!("`{line}` ended with {code}: {out}{err}"))),
        }
    }

    /// Exec: the URL.
    ///
    /// # Errors
    /// As above.
    pub async fn exec_url(&self, request: ExecRequest) -> Result<String, Status> {
        Ok(self.runtime().exec(request).await?.into_inner().url)
    }

    /// Attach: the URL.
    ///
    /// # Errors
    /// As above.
    pub async fn attach_url(&self, request: AttachRequest) -> Result<String, Status> {
        Ok(self.runtime().attach(request).await?.into_inner().url)
    }

    /// ReopenContainerLog.
    ///
    /// # Errors
    /// As above.
    pub async fn reopen_log(&self, id: &str) -> Result<(), Status> {
        let request = ReopenContainerLogRequest { container_id: id.to_owned() };
        self.runtime().reopen_container_log(request).await.map(drop)
    }

    /// UpdateContainerResources.
    ///
    /// # Errors
    /// As above.
    pub async fn update(&self, id: &str, linux: LinuxContainerResources) -> Result<(), Status> {
        let request = UpdateContainerResourcesRequest {
            container_id: id.to_owned(),
            linux: Some(linux),
            ..Default::default()
        };
        self.runtime().update_container_resources(request).await.map(drop)
    }

    /// ContainerStats.
    ///
    /// # Errors
    /// As above, and when there are none in a good answer.
    pub async fn stats(&self, id: &str) -> Result<ContainerStats, Status> {
        let request = ContainerStatsRequest { container_id: id.to_owned() };
        let response = self.runtime().container_stats(request).await?.into_inner();
        response.stats.ok_or_else(|| Status::internal("ContainerStats without stats"))
    }

    /// ListContainerStats, unfiltered.
    ///
    /// # Errors
    /// As above.
    pub async fn all_stats(&self) -> Result<Vec<ContainerStats>, Status> {
        let request = ListContainerStatsRequest { filter: None };
        Ok(self.runtime().list_container_stats(request).await?.into_inner().stats)
    }
}
