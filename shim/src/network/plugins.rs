//! CNI plugins in place of the built-in network: when the configuration directory holds a network.
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use cni::{
    AttachmentId, IfName, Sandbox,
    chain::{Attachment, Chain},
    conf::{self, Loaded},
    runtime_config::{DnsConfig, RuntimeConfig},
};
use proto::record;

use crate::{
    config,
    error::{Error, Kind, Result},
    layout::Layout,
};

/// For one call of one plugin. kubelet gives a sandbox four minutes in all.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The pod's interface, which kubelet and plugins take for granted.
const INTERFACE: &str = "eth0";

#[derive(Debug)]
pub(super) struct Plugins {
    directory: PathBuf,
    chain: Chain,
    /// What the directory held when it last changed.
    loaded: Mutex<Option<(SystemTime, Arc<Loaded>)>>,
}

impl Plugins {
    pub(super) fn new(settings: &config::Network, layout: &Layout) -> Self {
        Self {
            directory: settings.cni_conf_dir.clone(),
            chain: Chain::new(vec![settings.cni_bin_dir.clone()], layout.cni_cache(), TIMEOUT),
            loaded: Mutex::new(None),
        }
    }

    /// The network of the directory as it is now. A network add-on may be installed at any time.
    fn current(&self) -> Result<Arc<Loaded>> {
        let changed = std::fs::metadata(&self.directory).and_then(|metadata| metadata.modified());
        // No directory: no plugins.
        let Ok(changed) = changed else { return Ok(Arc::default()) };
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        match loaded.as_ref() {
            Some((at, held)) if *at == changed => Ok(held.clone()),
            _ => {
                let fresh = Arc::new(conf::load(&self.directory)?);
                for problem in &fresh.problems {
                    tracing::warn!(%problem, "a CNI configuration cannot be used");
                }
                *loaded = Some((changed, fresh.clone()));
                Ok(fresh)
            }
        }
    }

    /// Why no pod could be attached, if so: files that are there but hold no network, or a plugin that says no.
    pub(super) fn problem(&self) -> Option<String> {
        let loaded = match self.current() {
            Ok(loaded) => loaded,
            Err(error) => return Some(error.chain()),
        };
        match &loaded.network {
            Some(network) => self.chain.status(network).err().map(|error| Error::from(error).chain()),
            None => loaded.problems.first().map(|problem| {
                format!("CNI configuration in {}: {problem}; mend or remove it", self.directory.display())
            }),
        }
    }

    /// The network's name when it was last looked at, without looking now.
    pub(super) fn last_name(&self) -> Option<String> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let network = loaded.as_ref().and_then(|(_, loaded)| loaded.network.as_ref());
        network.map(|network| network.name().to_string())
    }

    /// The network's name; None means the built-in bridge.
    pub(super) fn network_name(&self) -> Result<Option<String>> {
        let loaded = self.current()?;
        match (&loaded.network, loaded.problems.first()) {
            (Some(network), _) => Ok(Some(network.name().to_string())),
            // Falling back to the bridge would give pods the wrong network without a word.
            (None, Some(problem)) => Err(Error::new(
                Kind::Unavailable,
                format!("CNI configuration in {}: {problem}; mend or remove it", self.directory.display()),
            )),
            (None, None) => Ok(None),
        }
    }

    pub(super) fn add(
        &self,
        pod: &record::Pod,
        monitor_pid: i32,
        sandbox: Sandbox<'_>,
    ) -> Result<Vec<String>> {
        let loaded = self.current()?;
        let network = loaded.network.as_ref().ok_or_else(|| {
            Error::new(
                Kind::Unavailable,
                format!("CNI network {:?}: its configuration has just been removed", pod.cni_network),
            )
        })?;
        let netns = netns(monitor_pid);
        let result = self.chain.add(network, &attachment(pod)?, &netns, sandbox.route)?;
        Ok(result.addresses.iter().map(|net| net.addr().to_string()).collect())
    }

    pub(super) fn del(&self, pod: &record::Pod) -> Result<()> {
        let loaded = self.current().unwrap_or_default();
        let network = loaded.network.as_ref().filter(|network| network.name().as_str() == pod.cni_network);
        // The namespace goes with the monitor; plugins must do without it then.
        let alive = sys::proc_table::is_named(pod.monitor_pid, "berth-monitor", &pod.id);
        let netns = alive.then(|| netns(pod.monitor_pid));
        Ok(self.chain.del(network, &attachment(pod)?, netns.as_deref())?)
    }
}

fn netns(monitor_pid: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{monitor_pid}/ns/net"))
}

fn attachment(pod: &record::Pod) -> Result<Attachment> {
    let config = pod.config.clone().unwrap_or_default();
    let metadata = config.metadata.unwrap_or_default();
    let dns = config.dns_config.unwrap_or_default();
    let args = [
        ("IgnoreUnknown", "1".to_owned()),
        ("K8S_POD_NAMESPACE", metadata.namespace),
        ("K8S_POD_NAME", metadata.name),
        ("K8S_POD_INFRA_CONTAINER_ID", pod.id.clone()),
        ("K8S_POD_UID", metadata.uid),
    ];
    Ok(Attachment {
        id: AttachmentId::parse(&pod.id)?,
        interface: IfName::parse(INTERFACE)?,
        args: args.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        runtime: RuntimeConfig {
            ports: super::ports(pod)?,
            dns: Some(DnsConfig {
                servers: dns.servers.iter().filter_map(|server| server.parse().ok()).collect(),
                searches: dns.searches,
                options: dns.options,
            }),
            cgroup_path: Some(pod.cgroup_parent.clone()),
            annotations: config.annotations.into_iter().collect(),
            ..RuntimeConfig::default()
        },
    })
}
