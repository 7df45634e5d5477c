//! A node under test: daemon, client, registry and oracle in one, and the steps tests take again and again.

use std::{fs, path::PathBuf, time::Duration};

use proto::cri::{ContainerState, ContainerStatus};
use tonic::Status;

use crate::{
    Client, Container, Daemon, Doing, Failure, Leftovers, Line, Options, Pod, Registry, Result, Slot, pod,
    read_log, until_some,
};

/// Long enough for a debug build on two busy cores; only a failing test waits it out.
const PATIENCE: Duration = Duration::from_secs(30);

/// Hosts whose images come from the test's registry.
const MIRRORED: [&str; 2] = ["docker.io", "registry.k8s.io"];

/// A private node. End a test with [`Node::finish`].
#[derive(Debug)]
pub struct Node {
    /// Talks to the daemon.
    pub cri: Client,
    /// The daemon.
    pub daemon: Daemon,
    /// Its names.
    pub slot: Slot,
    /// How it was started.
    pub options: Options,
    /// The registry that stands for all others.
    pub registry: &'static Registry,
    clean: Leftovers,
    finished: bool,
}

/// A pod that runs, and what it was made from.
#[derive(Debug, Clone)]
pub struct RunningPod {
    /// Its id.
    pub id: String,
    /// What was asked for.
    pub pod: Pod,
}

impl Node {
    /// Starts a daemon with nothing special.
    ///
    /// # Errors
    /// When something of the node does not come up.
    pub async fn start() -> Result<Self> {
        Self::start_with(Options::default()).await
    }

    /// Starts a daemon; images of the usual hosts come from the test's registry unless the options say otherwise.
    ///
    /// # Errors
    /// When something of the node does not come up.
    pub async fn start_with(mut options: Options) -> Result<Self> {
        let registry = Registry::shared()?;
        let slot = Slot::take()?;
        if options.certs_dir.is_none() {
            let certs = slot.dir().join("certs.d");
            registry.mirror(&certs, &MIRRORED)?;
            options.certs_dir = Some(certs);
        }
        let daemon = Daemon::start(&slot, &options).await?;
        let cri = Client::connect(&slot.socket()).await?;
        let clean = Leftovers::take(&slot, daemon.pid())?;
        Ok(Self { cri, daemon, slot, options, registry, clean, finished: false })
    }

    /// A pod whose logs go to a directory of the node.
    pub fn pod(&self, name: &str) -> Pod {
        let mut pod = pod(name);
        pod.config.log_directory = self.log_directory(name).to_string_lossy().into_owned();
        pod
    }

    /// Where [`Node::pod`] lets a pod log; kubelet makes it, so [`Node::run_pod`] does.
    pub fn log_directory(&self, pod: &str) -> PathBuf {
        self.slot.dir().join("logs").join(pod)
    }

    /// RunPodSandbox.
    ///
    /// # Errors
    /// The server's refusal.
    #[track_caller]
    pub fn run_pod(&self, pod: &Pod) -> impl Future<Output = Result<RunningPod>> {
        let (mut failure, pod) = (Failure::new(""), pod.clone());
        async move {
            if !pod.config.log_directory.is_empty() {
                fs::create_dir_all(&pod.config.log_directory)?;
            }
            match self.cri.run_pod(&pod.config).await {
                Ok(id) => Ok(RunningPod { id, pod }),
                Err(status) => {
                    failure.set(format!("run pod: {status}"));
                    Err(failure)
                }
            }
        }
    }

    /// CreateContainer, pulling the image first if it is not there.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn create(&self, pod: &RunningPod, container: &Container) -> Result<String, Status> {
        let config = container.for_pod(&pod.pod);
        let image = config.image.as_ref().map(|image| image.image.clone()).unwrap_or_default();
        if self.cri.image(&image).await?.is_none() {
            self.cri.pull(&image).await?;
        }
        self.cri.create(&pod.id, &config, &pod.pod.config).await
    }

    /// Creates and starts a container.
    ///
    /// # Errors
    /// The server's refusal.
    #[track_caller]
    pub fn start_container(
        &self,
        pod: &RunningPod,
        container: &Container,
    ) -> impl Future<Output = Result<String>> {
        let mut failure = Failure::new("");
        async move {
            let started = async {
                let id = self.create(pod, container).await?;
                self.cri.start(&id).await?;
                Ok::<_, Status>(id)
            };
            started.await.map_err(|status| {
                failure.set(format!("start container: {status}"));
                failure
            })
        }
    }

    /// A pod of one container that sleeps until it is stopped.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn sleeper(&self, name: &str) -> Result<(RunningPod, String)> {
        let pod = self.run_pod(&self.pod(name)).await?;
        // PID 1 ignores what it has no handler for: the shell has one.
        // It says so once its child is what it will be: an oracle that looked earlier would see another process.
        let line = "trap 'exit 0' TERM; sleep 1000 & until grep -q sleep /proc/$!/comm; do :; done; echo asleep; wait";
        let container = crate::container("sleeper").shell(line);
        let id = self.start_container(&pod, &container).await?;
        // What it starts is there before a test looks at what exists.
        self.wait_log(&pod, "sleeper", |line| line == "asleep").await?;
        Ok((pod, id))
    }

    /// Waits until a container has exited and gives its status.
    ///
    /// # Errors
    /// When it does not.
    #[track_caller]
    pub fn wait_exit(&self, id: &str) -> impl Future<Output = Result<ContainerStatus>> {
        until_some("the container has exited", PATIENCE, async move || {
            let status = self.cri.status(id).await.ok()?;
            (status.state() == ContainerState::ContainerExited).then_some(status)
        })
    }

    /// Runs a container to its end and gives what it logged.
    ///
    /// # Errors
    /// When it does not end, or not with 0.
    pub async fn output(&self, pod: &RunningPod, container: &Container) -> Result<String> {
        let id = self.start_container(pod, container).await?;
        let status = self.wait_exit(&id).await?;
        let log = read_log(status.log_path.as_ref())?;
        let text: String = log.iter().map(|line| line.text() + "\n").collect();
        self.cri.remove(&id).await?;
        // The next one of this name would write behind it; removing logs is the caller's part in CRI.
        fs::remove_file(&status.log_path)?;
        match status.exit_code {
            0 => Ok(text),
            code => Err(Failure::new(format!("the container ended with {code} ({}): {text}", status.reason))),
        }
    }

    /// The log of a container of a pod made by [`Node::pod`].
    ///
    /// # Errors
    /// When it is not there or not well-formed.
    #[track_caller]
    pub fn log(&self, pod: &RunningPod, container: &str) -> Result<Vec<Line>> {
        read_log(&PathBuf::from(&pod.pod.config.log_directory).join(format!("{container}.log")))
    }

    /// Waits until a container's log has a line that `wanted` accepts.
    ///
    /// # Errors
    /// When it does not come.
    #[track_caller]
    pub fn wait_log(
        &self,
        pod: &RunningPod,
        container: &str,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> impl Future<Output = Result<String>> {
        until_some("the line appears in the log", PATIENCE, async move || {
            let log = self.log(pod, container).ok()?;
            log.iter().map(Line::text).find(|text| wanted(text))
        })
    }

    /// The pod's address.
    ///
    /// # Errors
    /// When it has none.
    pub async fn address(&self, pod: &RunningPod) -> Result<std::net::IpAddr> {
        let status = self.cri.pod_status(&pod.id).await?;
        let network = status.network.doing(|| format!("find the network of pod {}", pod.id))?;
        Ok(network.ip.parse()?)
    }

    /// StopPodSandbox and RemovePodSandbox.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn remove_pod(&self, pod: &RunningPod) -> Result {
        self.cri.stop_pod(&pod.id).await?;
        self.cri.remove_pod(&pod.id).await?;
        Ok(())
    }

    /// SIGKILL to the daemon.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill_daemon(&mut self) -> Result {
        self.daemon.kill().map(drop)
    }

    /// Starts the daemon again, without a fault, and connects to it.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_daemon(&mut self) -> Result {
        self.options.fault = None;
        self.daemon = Daemon::start(&self.slot, &self.options).await?;
        self.cri = Client::connect(&self.slot.socket()).await?;
        Ok(())
    }

    /// What exists now under the node's names.
    ///
    /// # Errors
    /// When the oracle cannot look.
    pub fn leftovers(&self) -> Result<Leftovers> {
        Leftovers::take(&self.slot, self.daemon.pid())
    }

    /// Waits until nothing is there that was not in `before`.
    ///
    /// # Errors
    /// When something stays.
    pub async fn settle(&self, before: &Leftovers) -> Result {
        Leftovers::settle(&self.slot, self.daemon.pid(), before).await
    }

    /// Takes every pod and image away through CRI, waits until the node is as it was after its start, stops the daemon and
    /// looks whether anything is left then.
    ///
    /// # Errors
    /// When something is left, refuses to go, or the daemon does not end well.
    pub async fn finish(mut self) -> Result {
        for pod in self.cri.pods().await? {
            self.cri.stop_pod(&pod.id).await?;
            self.cri.remove_pod(&pod.id).await?;
        }
        for image in self.cri.images().await? {
            self.cri.remove_image(&image.id).await?;
        }
        self.settle(&self.clean).await?;
        self.daemon.stop().await?;
        Leftovers::settle(&self.slot, None, &self.after_stop()?).await?;
        self.finished = true;
        crate::leftovers::clear(&self.slot)
    }

    /// What may stay when the daemon is gone: its files, but no socket.
    fn after_stop(&self) -> Result<Leftovers> {
        let socket = format!("file run/{}", "berth.sock");
        Ok(Leftovers::take(&self.slot, None)?.only(|thing| thing.starts_with("file ") && thing != socket))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // The test failed: show what the daemon said, then leave the machine clean for the next one.
        report(&self.daemon.last_words());
        let _ = self.daemon.kill();
        if let Err(failure) = crate::leftovers::clear(&self.slot) {
            report(failure.text());
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test runner shows it beside the failure")]
fn report(text: &str) {
    eprintln!("--- berthd's last words\n{text}\n---");
}
