//! A node: a private berthd and a kubelet that uses it.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use harness::{Client, Daemon, Doing, Failure, Leftovers, Options, Registry, Result, Slot, program, until};
use serde_json::{Value, json};

use crate::{machine, pki::Pki, program::Program};

/// Enough for kubelet to take volumes away after the last pod.
const PATIENCE: Duration = Duration::from_secs(60);

/// berthd and kubelet.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its name in the cluster, which is its loopback address: so nothing leaves the machine and nothing is looked up.
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) slot: Slot,
    pub(crate) daemon: Daemon,
    pub(crate) cri: Client,
    options: Options,
    kubelet: Option<Program>,
    binary: PathBuf,
    before: Leftovers,
}

/// The loopback address of whatever runs under a slot's names: 127.77.N.1.
pub(crate) fn loopback(slot: &Slot) -> Ipv4Addr {
    let [_, _, number, _] = slot.network().octets();
    Ipv4Addr::new(127, 77, number, 1)
}

impl Node {
    /// Starts berthd, not yet kubelet.
    pub(crate) async fn start(slot: Slot, registry: &Registry, kubelet: &Path) -> Result<Self> {
        let address = loopback(&slot);
        let certs = slot.dir().join("certs.d");
        registry.mirror(&certs, &["docker.io"])?;
        let options = Options { certs_dir: Some(certs), ..Options::default() };
        let daemon = Daemon::start(&slot, &options).await?;
        let cri = Client::connect(&slot.socket()).await?;
        let before = Leftovers::take(&slot, daemon.pid())?;
        machine::make_cgroup(&slot.cgroup_root())?;
        Ok(Self {
            name: address.to_string(),
            address,
            slot,
            daemon,
            cri,
            options,
            kubelet: None,
            binary: kubelet.to_owned(),
            before,
        })
    }

    /// kubelet's own directory.
    pub(crate) fn kubelet_dir(&self) -> PathBuf {
        self.slot.dir().join("kubelet")
    }

    /// Starts kubelet, with these settings over the usual ones.
    pub(crate) fn start_kubelet(&mut self, pki: &Pki, server: &str, changes: &Value) -> Result {
        let dir = self.kubelet_dir();
        fs::create_dir_all(&dir).doing(|| format!("make {}", dir.display()))?;
        let mut settings = settings(&self.slot, self.address, pki, &dir);
        for (key, value) in changes.as_object().into_iter().flatten() {
            settings[key] = value.clone();
        }
        let config = dir.join("config.json");
        fs::write(&config, settings.to_string()).doing(|| format!("write {}", config.display()))?;
        let kubeconfig = pki.kubeconfig(&format!("node-{}", self.name), server)?;
        let arguments = [
            format!("--config={}", config.display()),
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--root-dir={}", dir.join("root").display()),
            format!("--cert-dir={}", dir.join("certs").display()),
            format!("--hostname-override={}", self.name),
            "-v=2".to_owned(),
        ];
        self.kubelet = Some(Program::start(&self.binary, "kubelet", &dir, arguments)?);
        Ok(())
    }

    /// Ends kubelet; pods run on.
    pub(crate) async fn stop_kubelet(&mut self) -> Result {
        match self.kubelet.take() {
            Some(mut kubelet) => kubelet.stop().await,
            None => Ok(()),
        }
    }

    /// Fails if kubelet has ended.
    pub(crate) fn check(&mut self) -> Result {
        self.kubelet.as_mut().map_or(Ok(()), Program::check)
    }

    /// Everything kubelet said.
    pub(crate) fn kubelet_log(&self) -> String {
        let log = self.kubelet_dir().join("kubelet.log");
        fs::read_to_string(log).unwrap_or_default()
    }

    /// kill -9 to berthd.
    pub(crate) fn kill_daemon(&mut self) -> Result {
        self.daemon.kill().map(drop)
    }

    /// Starts berthd again, after its end, and connects to it.
    pub(crate) async fn start_daemon(&mut self) -> Result {
        self.daemon = Daemon::start(&self.slot, &self.options).await?;
        self.cri = Client::connect(&self.slot.socket()).await?;
        Ok(())
    }

    /// Lets kubelet take its volumes away, and ends it. Gives what went wrong.
    pub(crate) async fn quiet(&mut self) -> Vec<String> {
        let root = self.kubelet_dir().join("root");
        let volumes = root.join("pods").display().to_string();
        let unmounted = until("kubelet takes its volumes away", PATIENCE, async || {
            fs::read_to_string("/proc/self/mounts").is_ok_and(|table| !table.contains(&volumes))
        });
        let results = [unmounted.await, self.stop_kubelet().await, unmount(&root)];
        results.into_iter().filter_map(|result| Some(result.err()?.text().to_owned())).collect()
    }

    /// Ends berthd, and takes away what is left. Gives what refuses to go.
    pub(crate) async fn finish(mut self, out: &Path) -> Result<Vec<String>> {
        let mut left = Vec::new();
        let mut note = |result: Result| left.extend(result.err().map(|failure| failure.text().to_owned()));
        note(self.remove_everything().await);
        note(machine::remove_cgroup(&format!("{}/kubepods", self.slot.cgroup_root())));
        note(Leftovers::settle(&self.slot, self.daemon.pid(), &self.before).await);
        note(self.daemon.stop().await);
        // berthd takes away only what it made.
        note(machine::remove_cgroup(&self.slot.cgroup_root()));
        for (log, dir) in [("berthd.log", self.slot.dir().to_owned()), ("kubelet.log", self.kubelet_dir())] {
            let to = out.join(log);
            fs::copy(dir.join(log), &to).doing(|| format!("copy {log} to {}", to.display()))?;
        }
        self.slot.clear()?;
        Ok(left)
    }

    /// The end of kubelet's log.
    pub(crate) fn last_words(&self) -> String {
        let log = self.kubelet_log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// What kubelet would have collected later: pods that ended, and images.
    async fn remove_everything(&self) -> Result {
        for pod in self.cri.pods().await? {
            self.cri.stop_pod(&pod.id).await?;
            self.cri.remove_pod(&pod.id).await?;
        }
        for image in self.cri.images().await? {
            self.cri.remove_image(&image.id).await?;
        }
        Ok(())
    }
}

/// kubelet mounts its directory on itself where that is not shared with other mount namespaces already.
fn unmount(dir: &Path) -> Result {
    let point = format!(" {} ", dir.display());
    while fs::read_to_string("/proc/self/mounts")?.contains(&point) {
        let done = program("umount").arg(dir).output().doing(|| format!("unmount {}", dir.display()))?;
        if !done.status.success() {
            return Err(Failure::new(format!("umount {}: {}", dir.display(), done.status)));
        }
    }
    Ok(())
}

/// kubelet's settings. Intervals are short, for scenarios wait for what happens at their ends.
fn settings(slot: &Slot, address: Ipv4Addr, pki: &Pki, dir: &Path) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "healthzBindAddress": address,
        "tlsCertFile": pki.file(&format!("{address}.crt")),
        "tlsPrivateKeyFile": pki.file(&format!("{address}.key")),
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": pki.file("ca.crt") },
        },
        "authorization": { "mode": "Webhook" },
        "containerRuntimeEndpoint": format!("unix://{}", slot.socket().display()),
        "podLogsDir": slot.dir().join("pods"),
        "volumePluginDir": dir.join("plugins"),
        "cgroupRoot": slot.cgroup_root(),
        "cgroupsPerQOS": true,
        // A machine with cgroup v1, with swap, without room to spare on its disk, is good enough for scenarios.
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "evictionHard": { "memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
        "imageGCHighThresholdPercent": 100,
        "makeIPTablesUtilChains": false,
        // The machine may not be allowed to lower scores.
        "oomScoreAdj": 0,
        "maxPods": 150,
        "syncFrequency": "5s",
        "nodeStatusUpdateFrequency": "4s",
        "serializeImagePulls": false,
        "containerLogMaxSize": "64Ki",
        "containerLogMaxFiles": 3,
        "containerLogMonitorInterval": "3s",
    })
}
