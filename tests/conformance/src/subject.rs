//! What is tested: a private berthd on names of its own, or a runtime that is there; and the tidying up after the suite.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use harness::{Client, Daemon, Doing, Failure, Leftovers, Options, Registry, Result, Slot};

use crate::{args::Args, segments};

/// Every host the suite pulls from, and the rest: a stand-in that is missing fails at once instead of waiting for DNS.
const HOSTS: [&str; 7] =
    ["_default", "docker.io", "gcr.io", "k8s.gcr.io", "public.ecr.aws", "quay.io", "registry.k8s.io"];

/// The private daemon's log in the directory of results.
const LOG: &str = "berthd.log";

/// The runtime under test.
pub(crate) struct Subject {
    pub(crate) socket: PathBuf,
    slot: Slot,
    daemon: Option<Daemon>,
    certs: PathBuf,
    cri: Client,
    before: Before,
}

/// What was there before the suite.
struct Before {
    pods: HashSet<String>,
    images: HashSet<String>,
    segments: BTreeSet<u32>,
    things: Leftovers,
}

impl Subject {
    /// Starts berthd, or takes the endpoint that was given, and sends its pulls to `registry`.
    pub(crate) async fn start(args: &Args, registry: &Registry) -> Result<Self> {
        let slot = Slot::take()?;
        let endpoint = args.endpoint()?;
        let certs = args.certs_dir.clone().unwrap_or_else(|| slot.dir().join("certs.d"));
        mirror(&certs, registry)?;
        let (socket, daemon) = match endpoint {
            Some(socket) => (socket, None),
            None => {
                let options = Options { certs_dir: Some(certs.clone()), ..Options::default() };
                (slot.socket(), Some(Daemon::start(&slot, &options).await?))
            }
        };
        let cri = Client::connect(&socket).await?;
        let before = Before {
            pods: cri.pods().await?.into_iter().map(|pod| pod.id).collect(),
            images: cri.images().await?.into_iter().map(|image| image.id).collect(),
            segments: segments::all(),
            things: Leftovers::take(&slot, daemon.as_ref().and_then(Daemon::pid))?,
        };
        Ok(Self { socket, slot, daemon, certs, cri, before })
    }

    /// A directory for what the suite writes: logs of pods, files it mounts into containers.
    pub(crate) fn scratch(&self) -> Result<PathBuf> {
        let dir = self.slot.dir().join("suite");
        fs::create_dir_all(&dir).doing(|| format!("make {}", dir.display()))?;
        Ok(dir)
    }

    /// The name of the daemon's log among the results, if it is our daemon.
    pub(crate) fn log(&self) -> Option<&'static str> {
        self.daemon.as_ref().map(|_| LOG)
    }

    /// Takes away what the suite left, through CRI, then stops berthd. Gives what refused to go.
    pub(crate) async fn finish(mut self, out: &Path) -> Result<Vec<String>> {
        let mut left = self.remove_new().await;
        if let Some(mut daemon) = self.daemon.take() {
            let mut note =
                |result: Result| left.extend(result.err().map(|failure| failure.text().to_owned()));
            note(Leftovers::settle(&self.slot, daemon.pid(), &self.before.things).await);
            note(daemon.stop().await);
            let log = self.slot.dir().join(LOG);
            fs::copy(&log, out.join(LOG)).doing(|| format!("copy {}", log.display()))?;
        }
        segments::remove_new(&self.before.segments)?;
        for host in HOSTS {
            let dir = self.certs.join(host);
            fs::remove_dir_all(&dir).doing(|| format!("remove {}", dir.display()))?;
        }
        self.slot.clear()?;
        Ok(left)
    }

    /// Goes on after a refusal, and gives them all.
    async fn remove_new(&self) -> Vec<String> {
        let mut refused = Vec::new();
        let mut note = |what: String, result: Result<(), tonic::Status>| {
            refused.extend(result.err().map(|status| format!("{what}: {status}")));
        };
        for pod in self.cri.pods().await.unwrap_or_default() {
            if !self.before.pods.contains(&pod.id) {
                note(format!("stop pod {}", pod.id), self.cri.stop_pod(&pod.id).await);
                note(format!("remove pod {}", pod.id), self.cri.remove_pod(&pod.id).await);
            }
        }
        for image in self.cri.images().await.unwrap_or_default() {
            if !self.before.images.contains(&image.id) && !image.pinned {
                note(format!("remove image {}", image.id), self.cri.remove_image(&image.id).await);
            }
        }
        refused
    }
}

/// A tree of hosts.toml files that sends every pull to `registry`.
fn mirror(certs: &Path, registry: &Registry) -> Result {
    let occupied = fs::read_dir(certs).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(Failure::new(format!("{} is not empty", certs.display())));
    }
    registry.mirror(certs, &HOSTS)
}
