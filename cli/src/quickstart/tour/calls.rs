//! The CRI calls of the tour, each as small as it can be.

use std::net::Ipv4Addr;

use proto::cri::{
    ContainerConfig, ContainerMetadata, ContainerState, ContainerStatusRequest, CreateContainerRequest,
    ExecSyncRequest, ImageSpec, LinuxContainerConfig, LinuxContainerSecurityContext, LinuxPodSandboxConfig,
    LinuxSandboxSecurityContext, ListContainersRequest, ListImagesRequest, ListPodSandboxRequest,
    NamespaceMode, NamespaceOption, PodSandboxConfig, PodSandboxMetadata, PodSandboxState,
    PodSandboxStatusRequest, PullImageRequest, RemoveContainerRequest, RemoveImageRequest,
    RemovePodSandboxRequest, RunPodSandboxRequest, StartContainerRequest, StopContainerRequest,
    StopPodSandboxRequest,
};

use crate::{
    client::Client,
    failure::{Doing, Failure, Result},
    quickstart::place::Place,
};

/// Seconds a command or an end may take.
const PATIENCE: i64 = 10;

/// A client that speaks of one pod.
#[derive(Debug)]
pub(super) struct Calls {
    client: Client,
}

fn pod_config(place: &Place) -> PodSandboxConfig {
    PodSandboxConfig {
        metadata: Some(PodSandboxMetadata {
            name: "quickstart".into(),
            uid: "quickstart".into(),
            namespace: "berth".into(),
            attempt: 0,
        }),
        hostname: "quickstart".into(),
        log_directory: place.log_dir.display().to_string(),
        linux: Some(LinuxPodSandboxConfig {
            security_context: Some(LinuxSandboxSecurityContext {
                namespace_options: Some(namespaces()),
                ..LinuxSandboxSecurityContext::default()
            }),
            ..LinuxPodSandboxConfig::default()
        }),
        ..PodSandboxConfig::default()
    }
}

/// As kubelet asks for by default.
fn namespaces() -> NamespaceOption {
    NamespaceOption { pid: NamespaceMode::Container as i32, ..NamespaceOption::default() }
}

fn image_spec(image: &str) -> Option<ImageSpec> {
    Some(ImageSpec { image: image.to_owned(), ..ImageSpec::default() })
}

impl Calls {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(super) async fn pull(&mut self, image: &str) -> Result<String> {
        let request = PullImageRequest { image: image_spec(image), ..PullImageRequest::default() };
        let answer = self.client.images.pull_image(request).await.doing("PullImage")?;
        Ok(answer.into_inner().image_ref)
    }

    pub(super) async fn run_pod(&mut self, place: &Place) -> Result<String> {
        let request =
            RunPodSandboxRequest { config: Some(pod_config(place)), runtime_handler: String::new() };
        let answer = self.client.runtime.run_pod_sandbox(request).await.doing("RunPodSandbox")?;
        Ok(answer.into_inner().pod_sandbox_id)
    }

    pub(super) async fn create(&mut self, pod: &str, image: &str, place: &Place) -> Result<String> {
        let config = ContainerConfig {
            metadata: Some(ContainerMetadata { name: "demo".into(), attempt: 0 }),
            image: image_spec(image),
            log_path: "demo.log".into(),
            linux: Some(LinuxContainerConfig {
                security_context: Some(LinuxContainerSecurityContext {
                    namespace_options: Some(namespaces()),
                    ..LinuxContainerSecurityContext::default()
                }),
                ..LinuxContainerConfig::default()
            }),
            ..ContainerConfig::default()
        };
        let request = CreateContainerRequest {
            pod_sandbox_id: pod.to_owned(),
            config: Some(config),
            sandbox_config: Some(pod_config(place)),
        };
        let answer = self.client.runtime.create_container(request).await.doing("CreateContainer")?;
        Ok(answer.into_inner().container_id)
    }

    pub(super) async fn start(&mut self, container: &str) -> Result {
        let request = StartContainerRequest { container_id: container.to_owned() };
        self.client.runtime.start_container(request).await.map(drop).doing("StartContainer")
    }

    pub(super) async fn address(&mut self, pod: &str) -> Result<Ipv4Addr> {
        let request = PodSandboxStatusRequest { pod_sandbox_id: pod.to_owned(), verbose: false };
        let answer = self.client.runtime.pod_sandbox_status(request).await.doing("PodSandboxStatus")?;
        let network = answer.into_inner().status.and_then(|status| status.network).unwrap_or_default();
        network.ip.parse().map_err(|_| Failure::new(format!("the pod's address is {:?}", network.ip)))
    }

    pub(super) async fn log_path(&mut self, container: &str) -> Result<String> {
        let request = ContainerStatusRequest { container_id: container.to_owned(), verbose: false };
        let answer = self.client.runtime.container_status(request).await.doing("ContainerStatus")?;
        Ok(answer.into_inner().status.unwrap_or_default().log_path)
    }

    /// What the command printed, if it ended well.
    pub(super) async fn exec<const N: usize>(&mut self, container: &str, cmd: [&str; N]) -> Result<String> {
        let request = ExecSyncRequest {
            container_id: container.to_owned(),
            cmd: cmd.map(str::to_owned).to_vec(),
            timeout: PATIENCE,
        };
        let answer = self.client.runtime.exec_sync(request).await.doing("ExecSync")?.into_inner();
        let (out, error) = (String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
        if answer.exit_code == 0 {
            Ok(out.trim_end().to_owned())
        } else {
            Err(Failure::new(format!("ExecSync: exit code {}: {}", answer.exit_code, error.trim_end())))
        }
    }

    /// Fails unless the daemon shows the pod ready and the container running.
    pub(super) async fn adopted(&mut self, pod: &str, container: &str) -> Result {
        let runtime = &mut self.client.runtime;
        let pods =
            runtime.list_pod_sandbox(ListPodSandboxRequest::default()).await.doing("ListPodSandbox")?;
        let pods = pods.into_inner().items;
        if !pods.iter().any(|found| found.id == pod && found.state() == PodSandboxState::SandboxReady) {
            return Err(Failure::new("the new daemon does not show the pod READY"));
        }
        let containers =
            runtime.list_containers(ListContainersRequest::default()).await.doing("ListContainers")?;
        let mut containers = containers.into_inner().containers.into_iter();
        let running = containers
            .any(|found| found.id == container && found.state() == ContainerState::ContainerRunning);
        if running { Ok(()) } else { Err(Failure::new("the new daemon does not show the container RUNNING")) }
    }

    pub(super) async fn stop(&mut self, container: &str) -> Result {
        let request = StopContainerRequest { container_id: container.to_owned(), timeout: PATIENCE };
        self.client.runtime.stop_container(request).await.map(drop).doing("StopContainer")
    }

    pub(super) async fn remove(&mut self, container: &str) -> Result {
        let request = RemoveContainerRequest { container_id: container.to_owned() };
        self.client.runtime.remove_container(request).await.map(drop).doing("RemoveContainer")
    }

    pub(super) async fn stop_pod(&mut self, pod: &str) -> Result {
        let request = StopPodSandboxRequest { pod_sandbox_id: pod.to_owned() };
        self.client.runtime.stop_pod_sandbox(request).await.map(drop).doing("StopPodSandbox")
    }

    pub(super) async fn remove_pod(&mut self, pod: &str) -> Result {
        let request = RemovePodSandboxRequest { pod_sandbox_id: pod.to_owned() };
        self.client.runtime.remove_pod_sandbox(request).await.map(drop).doing("RemovePodSandbox")
    }

    pub(super) async fn remove_image(&mut self, image: &str) -> Result {
        let request = RemoveImageRequest { image: image_spec(image) };
        self.client.images.remove_image(request).await.map(drop).doing("RemoveImage")
    }

    /// After a tour that broke off: every pod with its containers, every image. Goes on after a failure; tells the first.
    pub(super) async fn remove_everything(&mut self) -> Result {
        let mut first = Ok(());
        let pods = self.client.runtime.list_pod_sandbox(ListPodSandboxRequest::default()).await;
        for pod in pods.doing("ListPodSandbox")?.into_inner().items {
            first = first.and(self.stop_pod(&pod.id).await);
            first = first.and(self.remove_pod(&pod.id).await);
        }
        let images = self.client.images.list_images(ListImagesRequest::default()).await;
        for image in images.doing("ListImages")?.into_inner().images {
            first = first.and(self.remove_image(&image.id).await);
        }
        first
    }
}
