//! One walk through every verb, with one fault on the way, as a stubborn kubelet would take it.

use e2e::free_port;
use harness::{Container, Failure, Leftovers, Node, Options, Pod, Result, container, was_killed};
use proto::cri::{ContainerFilter, ContainerState, PodSandboxState};
use tonic::{Code, Status};

/// Counts without end; its log must be gapless whatever happens to the daemon.
///
/// It waits in a builtin of the shell: a `sleep` would be another process each time the oracle looks.
const COUNTS: &str = "mkfifo /tmp/never; exec 3<>/tmp/never; i=0; while :; do echo $i; i=$((i+1)); read -t 0.01 none <&3; done";
/// Its exit code must survive whatever happens to the daemon.
const POLITE: &str =
    "trap 'exit 7' TERM; mkfifo /tmp/never; exec 3<>/tmp/never; echo 0; while :; do read none <&3; done";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Pull,
    RunPod,
    Create(Name),
    Start(Name),
    Stop(Name),
    Remove(Name),
    StopPod,
    RemovePod,
    RemoveImage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Polite,
    Counts,
}

impl Name {
    fn text(self) -> &'static str {
        match self {
            Self::Polite => "polite",
            Self::Counts => "counts",
        }
    }

    fn container(self, attempt: u32) -> Container {
        let line = match self {
            Self::Polite => POLITE,
            Self::Counts => COUNTS,
        };
        let mut one = container(self.text()).shell(line);
        one.config.metadata.get_or_insert_default().attempt = attempt;
        one
    }
}

/// The container `Counts` is left running on purpose, so that the pod's own verbs have something to end.
const WALK: [Verb; 11] = [
    Verb::Pull,
    Verb::RunPod,
    Verb::Create(Name::Counts),
    Verb::Start(Name::Counts),
    Verb::Create(Name::Polite),
    Verb::Start(Name::Polite),
    Verb::Stop(Name::Polite),
    Verb::Remove(Name::Polite),
    Verb::StopPod,
    Verb::RemovePod,
    Verb::RemoveImage,
];

/// Walks with `kind:step` and fails unless that step was reached, nothing was left and nothing lost.
pub(crate) async fn with_fault(kind: &str, step: &str) -> Result {
    let options = Options { fault: Some(format!("{kind}:{step}")), ..Options::default() };
    let node = match Node::start_with(options).await {
        Ok(node) => node,
        Err(failure) => return Err(Failure::new(format!("the node does not start: {}", failure.text()))),
    };
    let mut walk = Walk::new(node, kind == "kill")?;
    for verb in WALK {
        walk.take(verb).await.map_err(|failure| Failure::new(format!("{verb:?}: {failure:?}")))?;
    }
    // A daemon that copes with the failure by itself tells its log alone.
    if !walk.hit && !walk.node.daemon.log().contains("failed on purpose") {
        return Err(Failure::new("no verb of the walk reaches this step: let one do so"));
    }
    walk.node.finish().await
}

struct Walk {
    node: Node,
    wanted: Pod,
    pod: String,
    attempts: u32,
    /// Whether the fault is the daemon's death.
    kills: bool,
    hit: bool,
}

impl Walk {
    fn new(node: Node, kills: bool) -> Result<Self> {
        // A hostPort and a shared PID namespace: the pod that has the most to be made.
        let wanted = node.pod("walk").host_port(free_port()?, 80).shared_pid();
        std::fs::create_dir_all(&wanted.config.log_directory)?;
        Ok(Self { node, wanted, pod: String::new(), attempts: 0, kills, hit: false })
    }

    /// Does one verb; when the fault strikes, looks what is left and does it again.
    async fn take(&mut self, verb: Verb) -> Result {
        let before = self.node.leftovers()?;
        match self.call(verb).await {
            Ok(()) => {}
            Err(status) => {
                self.hit = true;
                self.recover(verb, &before, &status).await?;
            }
        }
        self.look(verb).await
    }

    async fn call(&mut self, verb: Verb) -> Result<(), Status> {
        let cri = self.node.cri.clone();
        match verb {
            Verb::Pull => cri.pull("busybox").await.map(drop),
            Verb::RunPod => {
                self.pod = Box::pin(cri.run_pod(&self.wanted.config)).await?;
                Ok(())
            }
            Verb::Create(name) => {
                let config = name.container(self.attempts).image("busybox").config;
                Box::pin(cri.create(&self.pod, &config, &self.wanted.config)).await.map(drop)
            }
            Verb::Start(name) => cri.start(&self.id(name).await?).await,
            Verb::Stop(name) => cri.stop(&self.id(name).await?, 10).await,
            Verb::Remove(name) => match self.id(name).await {
                Ok(id) => cri.remove(&id).await,
                Err(status) if status.code() == Code::NotFound => Ok(()),
                Err(status) => Err(status),
            },
            Verb::StopPod => cri.stop_pod(&self.pod).await,
            Verb::RemovePod => cri.remove_pod(&self.pod).await,
            Verb::RemoveImage => cri.remove_image("busybox").await,
        }
    }

    /// The container of this name, as a kubelet that lost its notes finds it: by list.
    async fn id(&self, name: Name) -> Result<String, Status> {
        let all = self.node.cri.containers(ContainerFilter::default()).await?;
        let mine = |metadata: Option<proto::cri::ContainerMetadata>| {
            metadata.is_some_and(|own| own.name == name.text())
        };
        let newest =
            all.into_iter().filter(|one| mine(one.metadata.clone())).max_by_key(|one| one.created_at);
        newest
            .map(|one| one.id)
            .ok_or_else(|| Status::not_found(format!("container {} is not listed", name.text())))
    }

    /// After the fault: the daemon is there again, nothing half is left, and the verb is done at the second try.
    async fn recover(&mut self, verb: Verb, before: &Leftovers, status: &Status) -> Result {
        if self.kills {
            let end = self.node.daemon.wait().await?;
            assert!(was_killed(end), "{end:?} after {status}");
            self.node.start_daemon().await?;
        }
        if self.exists(verb).await? {
            return Ok(());
        }
        if matches!(verb, Verb::Pull | Verb::RunPod | Verb::Create(_) | Verb::Start(_)) {
            self.settle(before).await?;
        }
        if let Verb::Start(name) = verb
            && self.node.cri.status(&self.id(name).await?).await?.state() == ContainerState::ContainerExited
        {
            return self.replace(name).await;
        }
        Ok(self.call(verb).await?)
    }

    /// Was the verb done after all, the answer alone lost? Then a kubelet goes on with what it finds.
    async fn exists(&mut self, verb: Verb) -> Result<bool> {
        Ok(match verb {
            Verb::Pull => self.node.cri.image("busybox").await?.is_some(),
            Verb::RunPod => {
                let pods = self.node.cri.pods_with("", Some(PodSandboxState::SandboxReady), &[]).await?;
                assert!(pods.len() <= 1, "{pods:?}");
                pods.into_iter().next().map(|pod| self.pod = pod.id).is_some()
            }
            Verb::Create(name) => self.id(name).await.is_ok(),
            Verb::Start(name) => {
                self.node.cri.status(&self.id(name).await?).await?.state() == ContainerState::ContainerRunning
            }
            _ => false,
        })
    }

    /// What could not be started is made anew, under the next attempt.
    async fn replace(&mut self, name: Name) -> Result {
        let id = self.id(name).await?;
        let status = self.node.cri.status(&id).await?;
        assert!(!status.reason.is_empty() && status.exit_code != 0, "{status:?}");
        self.node.cri.remove(&id).await?;
        self.attempts += 1;
        self.call(Verb::Create(name)).await?;
        Ok(self.call(Verb::Start(name)).await?)
    }

    /// Is the world as the verb promises?
    async fn look(&self, verb: Verb) -> Result {
        let cri = &self.node.cri;
        match verb {
            Verb::Pull => assert!(cri.image("busybox").await?.is_some()),
            Verb::RunPod => {
                assert_eq!(cri.pod_status(&self.pod).await?.state(), PodSandboxState::SandboxReady)
            }
            Verb::Create(name) => {
                assert_eq!(
                    cri.status(&self.id(name).await?).await?.state(),
                    ContainerState::ContainerCreated
                );
            }
            Verb::Start(name) => {
                assert_eq!(
                    cri.status(&self.id(name).await?).await?.state(),
                    ContainerState::ContainerRunning
                );
                self.wait_until_it_works(name).await?;
            }
            Verb::Stop(name) => {
                let status = cri.status(&self.id(name).await?).await?;
                assert_eq!(
                    (status.state(), status.exit_code),
                    (ContainerState::ContainerExited, 7),
                    "no exit code is lost"
                );
            }
            Verb::Remove(name) => assert!(self.id(name).await.is_err(), "it is gone"),
            Verb::StopPod => {
                assert_eq!(cri.pod_status(&self.pod).await?.state(), PodSandboxState::SandboxNotready);
                self.look_at_the_log()?;
            }
            Verb::RemovePod => assert!(cri.pods().await?.is_empty()),
            Verb::RemoveImage => assert!(cri.images().await?.is_empty()),
        }
        Ok(())
    }

    /// Until it has made what it needs: the oracle shall see it the same from now on, and a signal find its handler.
    async fn wait_until_it_works(&self, name: Name) -> Result {
        let log = self.node.log_directory("walk").join(format!("{}.log", name.text()));
        let patience = std::time::Duration::from_secs(10);
        harness::until("the container works", patience, async || {
            harness::read_log(&log).is_ok_and(|lines| !lines.is_empty())
        })
        .await
    }

    fn look_at_the_log(&self) -> Result {
        let log = harness::read_log(&self.node.log_directory("walk").join("counts.log"))?;
        let lines: Vec<String> = log.iter().map(harness::Line::text).collect();
        // A container made anew begins again at 0, in the same file.
        let begin = lines.iter().rposition(|line| line == "0").unwrap_or(0);
        assert!(!lines.is_empty(), "it counted");
        for (number, line) in lines[begin..].iter().enumerate() {
            assert_eq!(*line, number.to_string(), "no line is lost, none is there twice");
        }
        Ok(())
    }

    /// Waits until nothing is there that was not there `before`, but for what belongs to what stays.
    async fn settle(&self, before: &Leftovers) -> Result {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let now = self.node.leftovers()?.only(|thing| !self.may_stay(thing));
            let left = now.beyond(before);
            if left.is_empty() {
                return Ok(());
            }
            if std::time::Instant::now() > end {
                return Err(Failure::new(format!("left behind:\n  {}", left.join("\n  "))));
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// The new daemon need not hold the same descriptors as the one that was killed; the pod's cgroup came with its first
    /// container and goes with the pod; a layer that was checked and unpacked waits for the retry. All must be gone when
    /// the node finishes.
    fn may_stay(&self, thing: &str) -> bool {
        let pods = !self.pod.is_empty() && thing.starts_with("cgroup ") && thing.ends_with(&self.pod);
        pods || thing.starts_with("descriptor ") || thing.starts_with("file root/images/layers/")
    }
}
