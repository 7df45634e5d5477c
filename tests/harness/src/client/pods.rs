//! The verbs of pod sandboxes.

use std::collections::HashMap;

use proto::cri::{
    LinuxContainerResources, ListMetricDescriptorsRequest, ListPodSandboxMetricsRequest,
    ListPodSandboxRequest, ListPodSandboxStatsRequest, MetricDescriptor, PodSandbox, PodSandboxConfig,
    PodSandboxFilter, PodSandboxMetrics, PodSandboxState, PodSandboxStateValue, PodSandboxStats,
    PodSandboxStatsRequest, PodSandboxStatus, PodSandboxStatusRequest, PodSandboxStatusResponse,
    PortForwardRequest, RemovePodSandboxRequest, RunPodSandboxRequest, StopPodSandboxRequest,
    UpdatePodSandboxResourcesRequest,
};
use tonic::Status;

use super::Client;

impl Client {
    /// RunPodSandbox.
    ///
    /// # Errors
    /// The server's status; so for all that follow.
    pub async fn run_pod(&self, config: &PodSandboxConfig) -> Result<String, Status> {
        let request = RunPodSandboxRequest { config: Some(config.clone()), runtime_handler: String::new() };
        let mut runtime = self.runtime();
        Ok(Box::pin(runtime.run_pod_sandbox(request)).await?.into_inner().pod_sandbox_id)
    }

    /// StopPodSandbox.
    ///
    /// # Errors
    /// As above.
    pub async fn stop_pod(&self, id: &str) -> Result<(), Status> {
        let request = StopPodSandboxRequest { pod_sandbox_id: id.to_owned() };
        self.runtime().stop_pod_sandbox(request).await.map(drop)
    }

    /// RemovePodSandbox.
    ///
    /// # Errors
    /// As above.
    pub async fn remove_pod(&self, id: &str) -> Result<(), Status> {
        let request = RemovePodSandboxRequest { pod_sandbox_id: id.to_owned() };
        self.runtime().remove_pod_sandbox(request).await.map(drop)
    }

    /// PodSandboxStatus, verbose.
    ///
    /// # Errors
    /// As above.
    pub async fn pod_status_verbose(&self, id: &str) -> Result<PodSandboxStatusResponse, Status> {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
        Ok(self.runtime().pod_sandbox_status(request).await?.into_inner())
    }

    /// The status in PodSandboxStatus.
    ///
    /// # Errors
    /// As above, and when there is none in a good answer.
    pub async fn pod_status(&self, id: &str) -> Result<PodSandboxStatus, Status> {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: false };
        let response = self.runtime().pod_sandbox_status(request).await?.into_inner();
        response.status.ok_or_else(|| Status::internal("PodSandboxStatus without a status"))
    }

    /// ListPodSandbox with a filter of your own.
    ///
    /// # Errors
    /// As above.
    pub async fn filter_pods(&self, filter: PodSandboxFilter) -> Result<Vec<PodSandbox>, Status> {
        let request = ListPodSandboxRequest { filter: Some(filter) };
        Ok(self.runtime().list_pod_sandbox(request).await?.into_inner().items)
    }

    /// All pods.
    ///
    /// # Errors
    /// As above.
    pub async fn pods(&self) -> Result<Vec<PodSandbox>, Status> {
        let request = ListPodSandboxRequest { filter: None };
        Ok(self.runtime().list_pod_sandbox(request).await?.into_inner().items)
    }

    /// Pods by id (or its beginning), state and labels; what is empty does not matter.
    ///
    /// # Errors
    /// As above.
    pub async fn pods_with(
        &self,
        id: &str,
        state: Option<PodSandboxState>,
        labels: &[(&str, &str)],
    ) -> Result<Vec<PodSandbox>, Status> {
        let labels: HashMap<_, _> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let state = state.map(|state| PodSandboxStateValue { state: state.into() });
        self.filter_pods(PodSandboxFilter {
            id: id.to_owned(),
            state,
            label_selector: labels.into_iter().collect(),
        })
        .await
    }

    /// PodSandboxStats.
    ///
    /// # Errors
    /// As above, and when there are none in a good answer.
    pub async fn pod_stats(&self, id: &str) -> Result<PodSandboxStats, Status> {
        let request = PodSandboxStatsRequest { pod_sandbox_id: id.to_owned() };
        let response = self.runtime().pod_sandbox_stats(request).await?.into_inner();
        response.stats.ok_or_else(|| Status::internal("PodSandboxStats without stats"))
    }

    /// ListPodSandboxStats, unfiltered.
    ///
    /// # Errors
    /// As above.
    pub async fn all_pod_stats(&self) -> Result<Vec<PodSandboxStats>, Status> {
        let request = ListPodSandboxStatsRequest { filter: None };
        Ok(self.runtime().list_pod_sandbox_stats(request).await?.into_inner().stats)
    }

    /// UpdatePodSandboxResources.
    ///
    /// # Errors
    /// As above.
    pub async fn update_pod_resources(
        &self,
        id: &str,
        overhead: Option<LinuxContainerResources>,
        resources: Option<LinuxContainerResources>,
    ) -> Result<(), Status> {
        let pod_sandbox_id = id.to_owned();
        let request = UpdatePodSandboxResourcesRequest { pod_sandbox_id, overhead, resources };
        self.runtime().update_pod_sandbox_resources(request).await.map(drop)
    }

    /// ListMetricDescriptors and ListPodSandboxMetrics.
    ///
    /// # Errors
    /// As above.
    pub async fn metrics(&self) -> Result<(Vec<MetricDescriptor>, Vec<PodSandboxMetrics>), Status> {
        let mut runtime = self.runtime();
        let table = runtime.list_metric_descriptors(ListMetricDescriptorsRequest {}).await?.into_inner();
        let metrics = runtime.list_pod_sandbox_metrics(ListPodSandboxMetricsRequest {}).await?.into_inner();
        Ok((table.descriptors, metrics.pod_metrics))
    }

    /// PortForward: the URL.
    ///
    /// # Errors
    /// As above.
    pub async fn port_forward_url(&self, id: &str, ports: &[i32]) -> Result<String, Status> {
        let request = PortForwardRequest { pod_sandbox_id: id.to_owned(), port: ports.to_vec() };
        Ok(self.runtime().port_forward(request).await?.into_inner().url)
    }
}
