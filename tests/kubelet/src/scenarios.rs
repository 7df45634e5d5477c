//! The scenarios by name.

mod access;
mod config;
mod containers;
mod network;
mod node;
mod probes;
mod workloads;

use std::fmt;

use clap::ValueEnum;
use harness::Result;

use crate::scene::Scene;

/// What is tried, each in a namespace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// A Deployment is rolled out, changed and rolled over
    Deployment,
    /// A Job with several pods, one of which fails first
    Job,
    /// A DaemonSet has a pod on the node
    Daemonset,
    /// A StatefulSet keeps its volume when its pod is made anew
    Statefulset,
    /// Init containers in order, a sidecar before and beside the rest
    Init,
    /// Startup, readiness and liveness probes: exec, HTTP and TCP
    Probes,
    /// A port of the node leads to a pod
    Hostport,
    /// Changed ConfigMaps and Secrets reach a running pod
    Config,
    /// The files of an image as a volume
    Imagevolume,
    /// Limits change without a restart
    Resize,
    /// A container that uses too much memory, and one that ends by itself
    Restarts,
    /// kubelet rotates a log, and it goes on
    Rotation,
    /// kubectl exec, attach, logs, logs -f and cp
    Kubectl,
    /// kubectl port-forward
    Forward,
    /// kubectl debug: an ephemeral container in the target's process namespace
    Debug,
    /// Statistics as kubelet gives them
    Stats,
    /// kubelet and berthd are started again: pods run on
    Restart,
    /// kill -9 to berthd during a rolling update: no container is started twice
    Crash,
    /// kubelet collects images nobody uses: takes more than five minutes, so only run when named
    Images,
    /// As many pods as a node is made for: takes minutes, so only run when named
    Density,
}

impl Scenario {
    /// Every one that is not slow, in the order in which they are run.
    pub(crate) fn usual() -> Vec<Self> {
        Self::value_variants()
            .iter()
            .copied()
            .filter(|scenario| !matches!(scenario, Self::Images | Self::Density))
            .collect()
    }

    /// Is it about kubectl itself?
    pub(crate) fn needs_kubectl(self) -> bool {
        matches!(self, Self::Kubectl | Self::Forward | Self::Debug)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        out.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// Runs one; its namespace is there, and is deleted afterwards.
pub(crate) async fn play(scenario: Scenario, scene: &mut Scene<'_>) -> Result {
    match scenario {
        Scenario::Deployment => workloads::deployment(scene).await,
        Scenario::Job => workloads::job(scene).await,
        Scenario::Daemonset => workloads::daemon_set(scene).await,
        Scenario::Statefulset => workloads::stateful_set(scene).await,
        Scenario::Init => containers::init(scene).await,
        Scenario::Probes => probes::probes(scene).await,
        Scenario::Hostport => network::host_port(scene).await,
        Scenario::Config => config::config(scene).await,
        Scenario::Imagevolume => config::image_volume(scene).await,
        Scenario::Resize => containers::resize(scene).await,
        Scenario::Restarts => containers::ends(scene).await,
        Scenario::Rotation => node::rotation(scene).await,
        Scenario::Kubectl => access::kubectl(scene).await,
        Scenario::Forward => access::forward(scene).await,
        Scenario::Debug => access::debug(scene).await,
        Scenario::Stats => node::stats(scene).await,
        Scenario::Restart => node::restart(scene).await,
        Scenario::Crash => node::crash(scene).await,
        Scenario::Images => node::images(scene).await,
        Scenario::Density => node::density(scene).await,
    }
}
