//! A pod that has nothing to do with the fault and must not notice it: one container goes on, the other ends meanwhile.

use std::time::Duration;

use e2e::counting::Counting;
use harness::{Node, Result, RunningPod, until};
use proto::cri::ContainerState;

/// What the one that ends during the fault ends with.
const MEANWHILE: i32 = 41;
/// What the one that stays ends with, last of all.
const AFTERWARDS: i32 = 42;
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Bystander {
    pod: RunningPod,
    stays: One,
    ends: One,
    ordered: bool,
}

struct One {
    id: String,
    counting: Counting,
}

impl Bystander {
    pub(crate) const POD: &str = "bystander";

    pub(crate) async fn start(node: &Node) -> Result<Self> {
        let pod = node.run_pod(&node.pod(Self::POD)).await?;
        let stays = One::start(node, &pod, "stays").await?;
        let ends = One::start(node, &pod, "ends").await?;
        Ok(Self { pod, stays, ends, ordered: false })
    }

    /// The id that files may carry which appear when the one container ends.
    pub(crate) fn ending(&self) -> &str {
        &self.ends.id
    }

    pub(crate) fn id(&self) -> &str {
        &self.pod.id
    }

    /// While the daemon is dead: one container writes on, the other ends, and nobody asks.
    pub(crate) async fn nobody_looks(&mut self, node: &Node) -> Result {
        self.stays.counting.goes_on(2).await?;
        self.order()?;
        ends_unseen(node, &self.ends.id).await
    }

    /// The daemon serves again, or still: no line and no exit code is lost.
    pub(crate) async fn look(&mut self, node: &Node) -> Result {
        self.order()?;
        let status = node.wait_exit(&self.ends.id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (MEANWHILE, "Error"));
        assert!(status.started_at > 0 && status.finished_at > status.started_at, "{status:?}");
        self.ends.counting.has_ended()?;
        self.stays.counting.goes_on(2).await?;
        assert_eq!(node.cri.status(&self.stays.id).await?.state(), ContainerState::ContainerRunning);
        Ok(())
    }

    fn order(&mut self) -> Result {
        if !std::mem::replace(&mut self.ordered, true) {
            self.ends.counting.order(MEANWHILE)?;
        }
        Ok(())
    }

    pub(crate) async fn finish(mut self, node: &Node) -> Result {
        self.look(node).await?;
        self.stays.counting.order(AFTERWARDS)?;
        assert_eq!(node.wait_exit(&self.stays.id).await?.exit_code, AFTERWARDS);
        self.stays.counting.has_ended()?;
        node.remove_pod(&self.pod).await
    }
}

impl One {
    async fn start(node: &Node, pod: &RunningPod, name: &str) -> Result<Self> {
        let counting = Counting::new(node, Bystander::POD, name, 0)?;
        let id = node.start_container(pod, &counting.container("busybox")).await?;
        counting.goes_on(1).await?;
        Ok(Self { id, counting })
    }
}

/// Waits for the end of a container's last process without asking a daemon.
pub(crate) async fn ends_unseen(node: &Node, id: &str) -> Result {
    until("the container's processes end", PATIENCE, async || !has_processes(node, id)).await
}

pub(crate) fn has_processes(node: &Node, id: &str) -> bool {
    e2e::cgroup_file(node, id, &["cgroup.procs"]).is_ok_and(|list| !list.is_empty())
}
