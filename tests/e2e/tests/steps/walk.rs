//! One walk through every verb, with one fault on the way, as a stubborn kubelet would take it.

use e2e::{
    cgroup_file,
    counting::{Counting, ON_SIGTERM},
};
use harness::{
    Client, Daemon, Doing, Failure, Leftovers, Node, Pod, Result,
    image::{self, Compression, LayerBuilder},
    was_killed,
};
use proto::cri::{ContainerFilter, ContainerState, LinuxContainerResources, PodSandboxState};
use tonic::{Code, Status};

use crate::bystander::{Bystander, ends_unseen, has_processes};

/// Of two layers: one the bystanders have pulled already, one of its own.
const IMAGE: &str = "walk";
/// What a container that was running without anybody knowing ends with.
const UNKNOWN: i32 = 21;
/// What SIGKILL leaves behind.
const KILLED: i32 = 137;

/// The memory limit the update gives.
const LIMIT: i64 = 96 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Pull,
    RunPod,
    Create(Name),
    Start(Name),
    Update(Name),
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
}

/// The container `Counts` is left running on purpose, so that the pod's own verbs have something to end.
const WALK: [Verb; 12] = [
    Verb::Pull,
    Verb::RunPod,
    Verb::Create(Name::Counts),
    Verb::Start(Name::Counts),
    Verb::Update(Name::Counts),
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
    let mut walk = Walk::begin(kind, step).await?;
    for verb in WALK {
        walk.take(verb).await.map_err(|failure| Failure::new(format!("{verb:?}: {failure:?}")))?;
    }
    // A daemon that copes with the failure by itself tells its log alone.
    if !walk.hit && !walk.node.daemon.log().contains("failed on purpose") {
        return Err(Failure::new("no verb of the walk reaches this step: let one do so"));
    }
    walk.bystander.finish(&walk.node).await?;
    walk.node.finish().await
}

struct Walk {
    node: Node,
    bystander: Bystander,
    wanted: Pod,
    pod: String,
    /// The containers of each name, by attempt; the last one is meant.
    polite: Vec<Counting>,
    counts: Vec<Counting>,
    /// The container whose start was asked for last.
    started: Option<String>,
    /// The container that ran without the daemon's knowing and has ended.
    ended: Option<String>,
    /// Whether the fault is the daemon's death.
    kills: bool,
    hit: bool,
}

impl Walk {
    /// A node where something runs already, and a second daemon on it that has the fault.
    async fn begin(kind: &str, step: &str) -> Result<Self> {
        let mut node = Node::start()
            .await
            .map_err(|failure| Failure::new(format!("the node does not start: {}", failure.text())))?;
        let layer = LayerBuilder::new().file("srv/walk", 0o644, "walk\n")?.build(Compression::Gzip)?;
        node.registry.push("library/walk", "latest", &image::busybox()?.layer(layer))?;
        let bystander = Bystander::start(&node).await?;
        node.kill_daemon()?;
        node.options.fault = Some(format!("{kind}:{step}"));
        node.daemon = Daemon::start(&node.slot, &node.options).await?;
        node.cri = Client::connect(&node.slot.socket()).await?;
        // A hostPort and a shared PID namespace: the pod that has the most to be made.
        let wanted = node.pod("walk").host_port(node.slot.host_port()?, 80).shared_pid();
        std::fs::create_dir_all(&wanted.config.log_directory)?;
        let [polite, counts] =
            [Name::Polite, Name::Counts].map(|name| Counting::new(&node, "walk", name.text(), 0));
        let (polite, counts) = (vec![polite?], vec![counts?]);
        Ok(Self {
            node,
            bystander,
            wanted,
            pod: String::new(),
            polite,
            counts,
            started: None,
            ended: None,
            kills: kind == "kill",
            hit: false,
        })
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

    fn all_of(&mut self, name: Name) -> &mut Vec<Counting> {
        match name {
            Name::Polite => &mut self.polite,
            Name::Counts => &mut self.counts,
        }
    }

    /// The latest attempt of this name.
    fn counting(&self, name: Name) -> &Counting {
        let all = match name {
            Name::Polite => &self.polite,
            Name::Counts => &self.counts,
        };
        &all[all.len() - 1]
    }

    async fn call(&mut self, verb: Verb) -> Result<(), Status> {
        let cri = self.node.cri.clone();
        match verb {
            Verb::Pull => cri.pull(IMAGE).await.map(drop),
            Verb::RunPod => {
                self.pod = Box::pin(cri.run_pod(&self.wanted.config)).await?;
                Ok(())
            }
            Verb::Create(name) => {
                let config = self.counting(name).container(IMAGE).config;
                Box::pin(cri.create(&self.pod, &config, &self.wanted.config)).await.map(drop)
            }
            Verb::Start(name) => {
                let id = self.id(name).await?;
                self.started = Some(id.clone());
                cri.start(&id).await
            }
            Verb::Update(name) => {
                let limit = LinuxContainerResources { memory_limit_in_bytes: LIMIT, ..Default::default() };
                cri.update(&self.id(name).await?, limit).await
            }
            Verb::Stop(name) => cri.stop(&self.id(name).await?, 10).await,
            Verb::Remove(name) => match self.id(name).await {
                Ok(id) => cri.remove(&id).await,
                Err(status) if status.code() == Code::NotFound => Ok(()),
                Err(status) => Err(status),
            },
            Verb::StopPod => cri.stop_pod(&self.pod).await,
            Verb::RemovePod => cri.remove_pod(&self.pod).await,
            Verb::RemoveImage => cri.remove_image(IMAGE).await,
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

    /// After the fault: the daemon is there again, nothing half is left, nothing is lost, and the verb is done at the
    /// second try.
    async fn recover(&mut self, verb: Verb, before: &Leftovers, status: &Status) -> Result {
        if self.kills {
            let end = self.node.daemon.wait().await?;
            assert!(was_killed(end), "{end:?} after {status}");
            self.bystander.nobody_looks(&self.node).await?;
            self.end_unseen(verb).await?;
            self.node.start_daemon().await?;
        }
        self.bystander.look(&self.node).await?;
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

    /// A container that was started without anybody having noted it ends before there is a daemon again.
    async fn end_unseen(&mut self, verb: Verb) -> Result {
        let (Verb::Start(name), Some(id)) = (verb, self.started.clone()) else { return Ok(()) };
        if has_processes(&self.node, &id) {
            let counting = self.counting(name);
            counting.goes_on(1).await?;
            counting.order(UNKNOWN)?;
            ends_unseen(&self.node, &id).await?;
            self.ended = Some(id);
        }
        Ok(())
    }

    /// Was the verb done after all, the answer alone lost? Then a kubelet goes on with what it finds.
    async fn exists(&mut self, verb: Verb) -> Result<bool> {
        Ok(match verb {
            Verb::Pull => self.node.cri.image(IMAGE).await?.is_some(),
            Verb::RunPod => {
                let mut pods = self.node.cri.pods_with("", Some(PodSandboxState::SandboxReady), &[]).await?;
                pods.retain(|pod| pod.id != self.bystander.id());
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

    /// What could not be started, or has ended unseen, is made anew under the next attempt.
    async fn replace(&mut self, name: Name) -> Result {
        let id = self.id(name).await?;
        let status = self.node.cri.status(&id).await?;
        if self.ended.as_ref() == Some(&id) {
            assert_eq!((status.exit_code, status.reason.as_str()), (UNKNOWN, "Error"), "{status:?}");
        }
        assert!(!status.reason.is_empty() && status.exit_code != 0, "{status:?}");
        self.counting(name).has_ended()?;
        self.node.cri.remove(&id).await?;
        let attempt = u32::try_from(self.all_of(name).len())?;
        let next = Counting::new(&self.node, "walk", name.text(), attempt)?;
        self.all_of(name).push(next);
        self.call(Verb::Create(name)).await?;
        Ok(self.call(Verb::Start(name)).await?)
    }

    /// Is the world as the verb promises?
    async fn look(&self, verb: Verb) -> Result {
        let cri = &self.node.cri;
        match verb {
            Verb::Pull => assert!(cri.image(IMAGE).await?.is_some()),
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
                // Until it has made what it needs: the oracle shall see it the same from now on.
                self.counting(name).goes_on(1).await?;
            }
            Verb::Update(name) => {
                let id = self.id(name).await?;
                let told = cri.status(&id).await?.resources.and_then(|resources| resources.linux);
                assert_eq!(told.unwrap_or_default().memory_limit_in_bytes, LIMIT);
                let files = ["memory.max", "memory.limit_in_bytes"];
                assert_eq!(cgroup_file(&self.node, &id, &files)?, LIMIT.to_string());
            }
            Verb::Stop(name) => {
                let status = cri.status(&self.id(name).await?).await?;
                assert_eq!(
                    (status.state(), status.exit_code),
                    (ContainerState::ContainerExited, ON_SIGTERM),
                    "no exit code is lost"
                );
                self.counting(name).has_ended()?;
            }
            Verb::Remove(name) => assert!(self.id(name).await.is_err(), "it is gone"),
            Verb::StopPod => {
                assert_eq!(cri.pod_status(&self.pod).await?.state(), PodSandboxState::SandboxNotready);
                let status = cri.status(&self.id(Name::Counts).await?).await?;
                assert_eq!(
                    (status.state(), status.exit_code),
                    (ContainerState::ContainerExited, KILLED),
                    "no exit code is lost"
                );
            }
            Verb::RemovePod => {
                let left = cri.pods().await?.into_iter().filter(|pod| pod.id != self.bystander.id());
                assert_eq!(left.count(), 0);
            }
            Verb::RemoveImage => assert!(cri.image(IMAGE).await?.is_none()),
        }
        self.look_at_the_logs(verb).await
    }

    /// After every verb: what runs has all its lines in its log and goes on, what has ended has all its lines.
    async fn look_at_the_logs(&self, verb: Verb) -> Result {
        let began = |wanted: Name| WALK.iter().position(|verb| *verb == Verb::Start(wanted));
        let ends = |wanted: Name| {
            let ends = |verb: &Verb| *verb == Verb::Stop(wanted) || *verb == Verb::StopPod;
            WALK.iter().position(ends)
        };
        let now = WALK.iter().position(|own| *own == verb);
        for name in [Name::Polite, Name::Counts] {
            let (latest, earlier) = match name {
                Name::Polite => self.polite.split_last(),
                Name::Counts => self.counts.split_last(),
            }
            .doing(|| format!("find container {}", name.text()))?;
            for one in earlier {
                one.has_ended()?;
            }
            if now >= began(name) && now < ends(name) {
                latest.goes_on(2).await?;
            } else {
                latest.has_ended()?;
            }
        }
        Ok(())
    }

    /// Waits until nothing is there that was not there `before`, but for what belongs to what stays.
    async fn settle(&self, before: &Leftovers) -> Result {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
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
    /// container and goes with the pod; a layer that was checked and unpacked waits for the retry; what has ended leaves its exit
    /// record and, until it is removed, what it wrote. All must be gone when the node finishes.
    fn may_stay(&self, thing: &str) -> bool {
        let pods = !self.pod.is_empty() && thing.starts_with("cgroup ") && thing.ends_with(&self.pod);
        let ended = [Some(self.bystander.ending()), self.ended.as_deref()];
        let ended = ended.into_iter().flatten().any(|id| thing.starts_with("file ") && thing.contains(id));
        pods || ended || thing.starts_with("descriptor ") || thing.starts_with("file root/images/layers/")
    }
}
