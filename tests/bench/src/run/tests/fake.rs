//! A CRI runtime that only remembers: enough to be measured, and to be asked what it has left.
use std::collections::HashMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use proto::cri::image_service_server::{ImageService, ImageServiceServer};
use proto::cri::runtime_service_server::{RuntimeService, RuntimeServiceServer};
use proto::cri::*;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status};

#[derive(Debug, Default)]
pub(super) struct Fake {
    state: Mutex<State>,
    fails: Option<(&'static str, usize)>,
    hangs: bool,
}

#[derive(Debug, Default)]
struct State {
    pods: HashMap<String, PodSandboxConfig>,
    most_pods: usize,
    made: usize,
    calls: HashMap<&'static str, usize>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'a>>;
type Stream<T> = tokio_stream::Empty<Result<T, Status>>;

impl Fake {
    /// The call of this name fails from its n-th time on.
    pub(super) fn failing(call: &'static str, from: usize) -> Self {
        Self { fails: Some((call, from)), ..Self::default() }
    }

    /// CreateContainer never answers.
    pub(super) fn hanging() -> Self {
        Self { hangs: true, ..Self::default() }
    }

    /// Serves on `socket` until the runtime ends.
    pub(super) fn serve(self, socket: &Path) -> Arc<Self> {
        let fake = Arc::new(self);
        let connections = UnixListenerStream::new(UnixListener::bind(socket).unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(RuntimeServiceServer::from_arc(Arc::clone(&fake)))
            .add_service(ImageServiceServer::from_arc(Arc::clone(&fake)));
        tokio::spawn(server.serve_with_incoming(connections));
        fake
    }

    pub(super) fn pods(&self) -> usize {
        self.state.lock().unwrap().pods.len()
    }

    /// How many there have been at the same time.
    pub(super) fn most_pods(&self) -> usize {
        self.state.lock().unwrap().most_pods
    }

    pub(super) fn calls(&self, name: &str) -> usize {
        self.state.lock().unwrap().calls.get(name).copied().unwrap_or(0)
    }

    /// A pod that is none of ours.
    pub(super) fn add_foreign_pod(&self) {
        self.state.lock().unwrap().pods.insert("foreign".to_owned(), PodSandboxConfig::default());
    }

    fn count(&self, name: &'static str) -> Result<(), Status> {
        let mut state = self.state.lock().unwrap();
        let calls = state.calls.entry(name).or_default();
        *calls += 1;
        match self.fails {
            Some((failing, from)) if failing == name && *calls >= from => {
                Err(Status::internal("told to fail"))
            }
            _ => Ok(()),
        }
    }

    fn run_pod(&self, request: RunPodSandboxRequest) -> RunPodSandboxResponse {
        let mut state = self.state.lock().unwrap();
        state.made += 1;
        let pod_sandbox_id = format!("{:064x}", state.made);
        state.pods.insert(pod_sandbox_id.clone(), request.config.unwrap());
        state.most_pods = state.most_pods.max(state.pods.len());
        RunPodSandboxResponse { pod_sandbox_id }
    }

    fn list_pods(&self) -> ListPodSandboxResponse {
        let state = self.state.lock().unwrap();
        let items = state.pods.iter().map(|(id, config)| PodSandbox {
            id: id.clone(),
            labels: config.labels.clone(),
            ..PodSandbox::default()
        });
        ListPodSandboxResponse { items: items.collect() }
    }
}

/// A method of a service, as #[tonic::async_trait] would write it: what is given, or UNIMPLEMENTED.
macro_rules! calls {
    ($($name:ident($request:ty) -> $answer:ty $(= $does:expr)?;)*) => {$(
        fn $name<'a, 'b>(&'a self, request: Request<$request>) -> Answer<'b, $answer>
        where
            'a: 'b,
        {
            Box::pin(async move {
                self.count(stringify!($name))?;
                calls!(@ self request $($does)?)
            })
        }
    )*};
    (@ $self:ident $request:ident $does:expr) => {{
        let does: fn(&Fake, _) -> _ = $does;
        Ok(Response::new(does($self, $request.into_inner())))
    }};
    (@ $self:ident $request:ident) => {{
        drop($request);
        Err(Status::unimplemented("not here"))
    }};
}

impl RuntimeService for Fake {
    type StreamPodSandboxesStream = Stream<StreamPodSandboxesResponse>;
    type StreamContainersStream = Stream<StreamContainersResponse>;
    type StreamContainerStatsStream = Stream<StreamContainerStatsResponse>;
    type StreamPodSandboxStatsStream = Stream<StreamPodSandboxStatsResponse>;
    type StreamPodSandboxMetricsStream = Stream<StreamPodSandboxMetricsResponse>;
    type GetContainerEventsStream = Stream<ContainerEventResponse>;

    fn create_container<'a, 'b>(
        &'a self,
        _: Request<CreateContainerRequest>,
    ) -> Answer<'b, CreateContainerResponse>
    where
        'a: 'b,
    {
        Box::pin(async move {
            self.count("create_container")?;
            if self.hangs {
                std::future::pending::<()>().await;
            }
            Ok(Response::new(CreateContainerResponse { container_id: "c".repeat(64) }))
        })
    }

    calls! {
        version(VersionRequest) -> VersionResponse = |_, _| VersionResponse {
            runtime_name: "fake".to_owned(), runtime_version: "1.0.0".to_owned(), ..VersionResponse::default()
        };
        run_pod_sandbox(RunPodSandboxRequest) -> RunPodSandboxResponse = Fake::run_pod;
        stop_pod_sandbox(StopPodSandboxRequest) -> StopPodSandboxResponse = |_, _| StopPodSandboxResponse {};
        remove_pod_sandbox(RemovePodSandboxRequest) -> RemovePodSandboxResponse
            = |fake, request: RemovePodSandboxRequest| {
                fake.state.lock().unwrap().pods.remove(&request.pod_sandbox_id);
                RemovePodSandboxResponse {}
            };
        pod_sandbox_status(PodSandboxStatusRequest) -> PodSandboxStatusResponse
            = |_, _| PodSandboxStatusResponse::default();
        list_pod_sandbox(ListPodSandboxRequest) -> ListPodSandboxResponse = |fake, _| fake.list_pods();
        start_container(StartContainerRequest) -> StartContainerResponse = |_, _| StartContainerResponse {};
        stop_container(StopContainerRequest) -> StopContainerResponse = |_, _| StopContainerResponse {};
        remove_container(RemoveContainerRequest) -> RemoveContainerResponse = |_, _| RemoveContainerResponse {};
        list_containers(ListContainersRequest) -> ListContainersResponse = |_, _| ListContainersResponse::default();
        container_status(ContainerStatusRequest) -> ContainerStatusResponse = |_, _| ContainerStatusResponse::default();
        exec_sync(ExecSyncRequest) -> ExecSyncResponse = |_, _| ExecSyncResponse::default();

        status(StatusRequest) -> StatusResponse;
        runtime_config(RuntimeConfigRequest) -> RuntimeConfigResponse;
        update_runtime_config(UpdateRuntimeConfigRequest) -> UpdateRuntimeConfigResponse;
        stream_pod_sandboxes(StreamPodSandboxesRequest) -> Self::StreamPodSandboxesStream;
        update_pod_sandbox_resources(UpdatePodSandboxResourcesRequest) -> UpdatePodSandboxResourcesResponse;
        stream_containers(StreamContainersRequest) -> Self::StreamContainersStream;
        update_container_resources(UpdateContainerResourcesRequest) -> UpdateContainerResourcesResponse;
        reopen_container_log(ReopenContainerLogRequest) -> ReopenContainerLogResponse;
        exec(ExecRequest) -> ExecResponse;
        attach(AttachRequest) -> AttachResponse;
        port_forward(PortForwardRequest) -> PortForwardResponse;
        container_stats(ContainerStatsRequest) -> ContainerStatsResponse;
        list_container_stats(ListContainerStatsRequest) -> ListContainerStatsResponse;
        stream_container_stats(StreamContainerStatsRequest) -> Self::StreamContainerStatsStream;
        pod_sandbox_stats(PodSandboxStatsRequest) -> PodSandboxStatsResponse;
        list_pod_sandbox_stats(ListPodSandboxStatsRequest) -> ListPodSandboxStatsResponse;
        stream_pod_sandbox_stats(StreamPodSandboxStatsRequest) -> Self::StreamPodSandboxStatsStream;
        list_metric_descriptors(ListMetricDescriptorsRequest) -> ListMetricDescriptorsResponse;
        list_pod_sandbox_metrics(ListPodSandboxMetricsRequest) -> ListPodSandboxMetricsResponse;
        stream_pod_sandbox_metrics(StreamPodSandboxMetricsRequest) -> Self::StreamPodSandboxMetricsStream;
        get_container_events(GetEventsRequest) -> Self::GetContainerEventsStream;
        checkpoint_container(CheckpointContainerRequest) -> CheckpointContainerResponse;
        checkpoint_pod(CheckpointPodRequest) -> CheckpointPodResponse;
        restore_pod(RestorePodRequest) -> RestorePodResponse;
    }
}

impl ImageService for Fake {
    type StreamImagesStream = Stream<StreamImagesResponse>;

    calls! {
        image_status(ImageStatusRequest) -> ImageStatusResponse = |_, _| ImageStatusResponse::default();
        pull_image(PullImageRequest) -> PullImageResponse
            = |_, _| PullImageResponse { image_ref: "sha256:1".to_owned() };
        remove_image(RemoveImageRequest) -> RemoveImageResponse = |_, _| RemoveImageResponse {};
        list_images(ListImagesRequest) -> ListImagesResponse;
        stream_images(StreamImagesRequest) -> Self::StreamImagesStream;
        image_fs_info(ImageFsInfoRequest) -> ImageFsInfoResponse;
    }
}
