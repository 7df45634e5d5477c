//! RuntimeService: each RPC calls the verb of the same name.
use std::sync::Arc;

use proto::cri::{self, runtime_service_server::RuntimeService};
use tonic::{Request, Response, Status};

use super::{
    node_status,
    status::{status, unimplemented},
    streaming_backend,
    streams::{self, Streamed},
};
use crate::{
    container,
    ctx::Ctx,
    error::{Error, Result},
    pod,
};

#[derive(Debug)]
pub(super) struct Runtime {
    cx: Arc<Ctx>,
}

impl Runtime {
    pub(super) fn new(cx: Arc<Ctx>) -> Self {
        Self { cx }
    }
}

type Reply<T> = std::result::Result<Response<T>, Status>;

fn reply<T>(verb: &'static str, outcome: Result<T>) -> Reply<T> {
    outcome.map(Response::new).map_err(|error| status(verb, &error))
}

fn missing(what: &str) -> Error {
    Error::invalid(format!("{what} is missing from the request"))
}

#[tonic::async_trait]
impl RuntimeService for Runtime {
    async fn version(&self, _: Request<cri::VersionRequest>) -> Reply<cri::VersionResponse> {
        Ok(Response::new(node_status::version()))
    }

    async fn status(&self, request: Request<cri::StatusRequest>) -> Reply<cri::StatusResponse> {
        Ok(Response::new(node_status::status(&self.cx, request.into_inner().verbose).await))
    }

    async fn runtime_config(
        &self,
        _: Request<cri::RuntimeConfigRequest>,
    ) -> Reply<cri::RuntimeConfigResponse> {
        Ok(Response::new(node_status::runtime_config(&self.cx)))
    }

    async fn update_runtime_config(
        &self,
        request: Request<cri::UpdateRuntimeConfigRequest>,
    ) -> Reply<cri::UpdateRuntimeConfigResponse> {
        let outcome = node_status::update(&self.cx, request.into_inner()).await;
        reply("UpdateRuntimeConfig", outcome.map(|()| cri::UpdateRuntimeConfigResponse {}))
    }

    async fn run_pod_sandbox(
        &self,
        request: Request<cri::RunPodSandboxRequest>,
    ) -> Reply<cri::RunPodSandboxResponse> {
        let request = request.into_inner();
        let Some(config) = request.config else { return reply("RunPodSandbox", Err(missing("config"))) };
        let outcome = pod::run::run(&self.cx, config, &request.runtime_handler).await;
        reply("RunPodSandbox", outcome.map(|pod_sandbox_id| cri::RunPodSandboxResponse { pod_sandbox_id }))
    }

    async fn stop_pod_sandbox(
        &self,
        request: Request<cri::StopPodSandboxRequest>,
    ) -> Reply<cri::StopPodSandboxResponse> {
        let outcome = pod::stop::stop(&self.cx, &request.into_inner().pod_sandbox_id).await;
        reply("StopPodSandbox", outcome.map(|()| cri::StopPodSandboxResponse {}))
    }

    async fn remove_pod_sandbox(
        &self,
        request: Request<cri::RemovePodSandboxRequest>,
    ) -> Reply<cri::RemovePodSandboxResponse> {
        let outcome = pod::remove::remove(&self.cx, &request.into_inner().pod_sandbox_id).await;
        reply("RemovePodSandbox", outcome.map(|()| cri::RemovePodSandboxResponse {}))
    }

    async fn update_pod_sandbox_resources(
        &self,
        request: Request<cri::UpdatePodSandboxResourcesRequest>,
    ) -> Reply<cri::UpdatePodSandboxResourcesResponse> {
        let outcome = pod::update::update(&self.cx, request.into_inner()).await;
        reply("UpdatePodSandboxResources", outcome.map(|()| cri::UpdatePodSandboxResourcesResponse {}))
    }

    async fn pod_sandbox_status(
        &self,
        request: Request<cri::PodSandboxStatusRequest>,
    ) -> Reply<cri::PodSandboxStatusResponse> {
        let request = request.into_inner();
        reply("PodSandboxStatus", pod::status::status(&self.cx, &request.pod_sandbox_id, request.verbose))
    }

    async fn list_pod_sandbox(
        &self,
        request: Request<cri::ListPodSandboxRequest>,
    ) -> Reply<cri::ListPodSandboxResponse> {
        let items = pod::list::list(&self.cx, request.into_inner().filter.as_ref());
        Ok(Response::new(cri::ListPodSandboxResponse { items }))
    }

    async fn create_container(
        &self,
        request: Request<cri::CreateContainerRequest>,
    ) -> Reply<cri::CreateContainerResponse> {
        let request = request.into_inner();
        let Some(config) = request.config else { return reply("CreateContainer", Err(missing("config"))) };
        let outcome = container::create::create(&self.cx, &request.pod_sandbox_id, config).await;
        reply("CreateContainer", outcome.map(|container_id| cri::CreateContainerResponse { container_id }))
    }

    async fn start_container(
        &self,
        request: Request<cri::StartContainerRequest>,
    ) -> Reply<cri::StartContainerResponse> {
        let outcome = container::start::start(&self.cx, &request.into_inner().container_id).await;
        reply("StartContainer", outcome.map(|()| cri::StartContainerResponse {}))
    }

    async fn stop_container(
        &self,
        request: Request<cri::StopContainerRequest>,
    ) -> Reply<cri::StopContainerResponse> {
        let request = request.into_inner();
        let outcome = container::stop::stop_by_id(&self.cx, &request.container_id, request.timeout).await;
        reply("StopContainer", outcome.map(|()| cri::StopContainerResponse {}))
    }

    async fn remove_container(
        &self,
        request: Request<cri::RemoveContainerRequest>,
    ) -> Reply<cri::RemoveContainerResponse> {
        let outcome = container::remove::remove(&self.cx, &request.into_inner().container_id).await;
        reply("RemoveContainer", outcome.map(|()| cri::RemoveContainerResponse {}))
    }

    async fn list_containers(
        &self,
        request: Request<cri::ListContainersRequest>,
    ) -> Reply<cri::ListContainersResponse> {
        let containers = container::list::list(&self.cx, request.into_inner().filter.as_ref());
        Ok(Response::new(cri::ListContainersResponse { containers }))
    }

    async fn container_status(
        &self,
        request: Request<cri::ContainerStatusRequest>,
    ) -> Reply<cri::ContainerStatusResponse> {
        let request = request.into_inner();
        reply("ContainerStatus", container::status::status(&self.cx, &request.container_id, request.verbose))
    }

    async fn update_container_resources(
        &self,
        request: Request<cri::UpdateContainerResourcesRequest>,
    ) -> Reply<cri::UpdateContainerResourcesResponse> {
        let outcome = container::update::update(&self.cx, request.into_inner()).await;
        reply("UpdateContainerResources", outcome.map(|()| cri::UpdateContainerResourcesResponse {}))
    }

    async fn reopen_container_log(
        &self,
        request: Request<cri::ReopenContainerLogRequest>,
    ) -> Reply<cri::ReopenContainerLogResponse> {
        let outcome = container::log::reopen(&self.cx, &request.into_inner().container_id).await;
        reply("ReopenContainerLog", outcome.map(|()| cri::ReopenContainerLogResponse {}))
    }

    async fn exec_sync(&self, request: Request<cri::ExecSyncRequest>) -> Reply<cri::ExecSyncResponse> {
        reply("ExecSync", container::exec_sync::exec_sync(&self.cx, request.into_inner()).await)
    }

    async fn exec(&self, request: Request<cri::ExecRequest>) -> Reply<cri::ExecResponse> {
        let outcome = streaming_backend::exec_url(&self.cx, request.into_inner());
        reply("Exec", outcome.map(|url| cri::ExecResponse { url }))
    }

    async fn attach(&self, request: Request<cri::AttachRequest>) -> Reply<cri::AttachResponse> {
        let outcome = streaming_backend::attach_url(&self.cx, request.into_inner());
        reply("Attach", outcome.map(|url| cri::AttachResponse { url }))
    }

    async fn port_forward(
        &self,
        request: Request<cri::PortForwardRequest>,
    ) -> Reply<cri::PortForwardResponse> {
        let outcome = streaming_backend::port_forward_url(&self.cx, request.into_inner());
        reply("PortForward", outcome.map(|url| cri::PortForwardResponse { url }))
    }

    async fn container_stats(
        &self,
        request: Request<cri::ContainerStatsRequest>,
    ) -> Reply<cri::ContainerStatsResponse> {
        let outcome = container::stats::one(&self.cx, &request.into_inner().container_id).await;
        reply("ContainerStats", outcome.map(|stats| cri::ContainerStatsResponse { stats: Some(stats) }))
    }

    async fn list_container_stats(
        &self,
        request: Request<cri::ListContainerStatsRequest>,
    ) -> Reply<cri::ListContainerStatsResponse> {
        let outcome = container::stats::list(&self.cx, request.into_inner().filter).await;
        reply("ListContainerStats", outcome.map(|stats| cri::ListContainerStatsResponse { stats }))
    }

    async fn pod_sandbox_stats(
        &self,
        request: Request<cri::PodSandboxStatsRequest>,
    ) -> Reply<cri::PodSandboxStatsResponse> {
        let outcome = pod::stats::one(&self.cx, &request.into_inner().pod_sandbox_id).await;
        reply("PodSandboxStats", outcome.map(|stats| cri::PodSandboxStatsResponse { stats: Some(stats) }))
    }

    async fn list_pod_sandbox_stats(
        &self,
        request: Request<cri::ListPodSandboxStatsRequest>,
    ) -> Reply<cri::ListPodSandboxStatsResponse> {
        let outcome = pod::stats::list(&self.cx, request.into_inner().filter).await;
        reply("ListPodSandboxStats", outcome.map(|stats| cri::ListPodSandboxStatsResponse { stats }))
    }

    async fn list_metric_descriptors(
        &self,
        _: Request<cri::ListMetricDescriptorsRequest>,
    ) -> Reply<cri::ListMetricDescriptorsResponse> {
        Ok(Response::new(cri::ListMetricDescriptorsResponse { descriptors: pod::metrics::descriptors() }))
    }

    async fn list_pod_sandbox_metrics(
        &self,
        _: Request<cri::ListPodSandboxMetricsRequest>,
    ) -> Reply<cri::ListPodSandboxMetricsResponse> {
        let outcome = pod::metrics::list(&self.cx).await;
        reply(
            "ListPodSandboxMetrics",
            outcome.map(|pod_metrics| cri::ListPodSandboxMetricsResponse { pod_metrics }),
        )
    }

    // === Streams ===

    type StreamPodSandboxesStream = Streamed<cri::StreamPodSandboxesResponse>;
    async fn stream_pod_sandboxes(
        &self,
        request: Request<cri::StreamPodSandboxesRequest>,
    ) -> Reply<Self::StreamPodSandboxesStream> {
        let items = pod::list::list(&self.cx, request.into_inner().filter.as_ref());
        Ok(streams::chunks(items, |pod_sandboxes| cri::StreamPodSandboxesResponse { pod_sandboxes }))
    }

    type StreamContainersStream = Streamed<cri::StreamContainersResponse>;
    async fn stream_containers(
        &self,
        request: Request<cri::StreamContainersRequest>,
    ) -> Reply<Self::StreamContainersStream> {
        let items = container::list::list(&self.cx, request.into_inner().filter.as_ref());
        Ok(streams::chunks(items, |containers| cri::StreamContainersResponse { containers }))
    }

    type StreamContainerStatsStream = Streamed<cri::StreamContainerStatsResponse>;
    async fn stream_container_stats(
        &self,
        request: Request<cri::StreamContainerStatsRequest>,
    ) -> Reply<Self::StreamContainerStatsStream> {
        let items = container::stats::list(&self.cx, request.into_inner().filter).await;
        let items = items.map_err(|error| status("StreamContainerStats", &error))?;
        Ok(streams::chunks(items, |container_stats| cri::StreamContainerStatsResponse { container_stats }))
    }

    type StreamPodSandboxStatsStream = Streamed<cri::StreamPodSandboxStatsResponse>;
    async fn stream_pod_sandbox_stats(
        &self,
        request: Request<cri::StreamPodSandboxStatsRequest>,
    ) -> Reply<Self::StreamPodSandboxStatsStream> {
        let items = pod::stats::list(&self.cx, request.into_inner().filter).await;
        let items = items.map_err(|error| status("StreamPodSandboxStats", &error))?;
        Ok(streams::chunks(items, |pod_sandbox_stats| cri::StreamPodSandboxStatsResponse {
            pod_sandbox_stats,
        }))
    }

    type StreamPodSandboxMetricsStream = Streamed<cri::StreamPodSandboxMetricsResponse>;
    async fn stream_pod_sandbox_metrics(
        &self,
        _: Request<cri::StreamPodSandboxMetricsRequest>,
    ) -> Reply<Self::StreamPodSandboxMetricsStream> {
        let items = pod::metrics::list(&self.cx).await;
        let items = items.map_err(|error| status("StreamPodSandboxMetrics", &error))?;
        Ok(streams::chunks(items, |pod_sandbox_metrics| cri::StreamPodSandboxMetricsResponse {
            pod_sandbox_metrics,
        }))
    }

    type GetContainerEventsStream = Streamed<cri::ContainerEventResponse>;
    async fn get_container_events(
        &self,
        _: Request<cri::GetEventsRequest>,
    ) -> Reply<Self::GetContainerEventsStream> {
        Ok(streams::events(&self.cx))
    }

    // === Not built yet: each says so ===

    async fn checkpoint_container(
        &self,
        _: Request<cri::CheckpointContainerRequest>,
    ) -> Reply<cri::CheckpointContainerResponse> {
        Err(unimplemented("CheckpointContainer"))
    }

    async fn checkpoint_pod(
        &self,
        _: Request<cri::CheckpointPodRequest>,
    ) -> Reply<cri::CheckpointPodResponse> {
        Err(unimplemented("CheckpointPod"))
    }

    async fn restore_pod(&self, _: Request<cri::RestorePodRequest>) -> Reply<cri::RestorePodResponse> {
        Err(unimplemented("RestorePod"))
    }
}
