//! The pod network of this node: the built-in bridge, or a CNI conflist's plugins when one is installed.
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cni::{AttachmentId, BridgeConfig, Builtin, Ipam, PortMapping, Protocol, Sandbox};
use proto::record;

use crate::{
    config,
    error::{Error, Kind, Result},
    layout::Layout,
    monitor::launch::NetworkFds,
};

mod host_port;
mod plugins;
pub(crate) mod readiness;

/// What a pod's network will be, decided and recorded before any of it exists.
#[derive(Debug, Default)]
pub(crate) struct Intent {
    pub(crate) ips: Vec<String>,
    pub(crate) host_interface: String,
    /// Empty: the built-in bridge.
    pub(crate) cni_network: String,
}

#[derive(Debug)]
pub(crate) struct Network {
    settings: config::Network,
    plugins: plugins::Plugins,
    bridge: Mutex<Bridge>,
    readiness: readiness::Readiness,
}

/// The built-in network, made when the first pod needs it: a node with CNI plugins never sees our bridge.
#[derive(Debug)]
struct Bridge {
    open: Option<Builtin>,
    subnet: cni::Ipv4Net,
    addresses: Ipam,
}

impl From<cni::Error> for Error {
    fn from(error: cni::Error) -> Self {
        let kind = match error.kind() {
            cni::Kind::Invalid => Kind::Invalid,
            cni::Kind::Exists => Kind::Exists,
            cni::Kind::Exhausted => Kind::Exhausted,
            cni::Kind::Unavailable => Kind::Unavailable,
            cni::Kind::Timeout => Kind::Timeout,
            cni::Kind::Unsupported => Kind::Unsupported,
            cni::Kind::Internal => Kind::Internal,
        };
        Error::caused(kind, "pod network", error)
    }
}

impl Network {
    pub(crate) fn new(settings: config::Network, layout: &Layout) -> Result<Self> {
        let subnet = parse_subnet(&settings.subnet)?;
        let addresses = Ipam::new(subnet)?;
        let plugins = plugins::Plugins::new(&settings, layout);
        Ok(Self {
            settings,
            plugins,
            bridge: Mutex::new(Bridge { open: None, subnet, addresses }),
            readiness: readiness::Readiness::default(),
        })
    }

    fn bridge(&self) -> MutexGuard<'_, Bridge> {
        self.bridge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the network is not ready, if it is not. The built-in one always is. May run plugins, hence blocks.
    fn problem(&self) -> Option<String> {
        self.plugins.problem()
    }

    fn readiness(&self) -> &readiness::Readiness {
        &self.readiness
    }

    /// Never waits: a pod that is being attached leaves out what only its end will tell.
    pub(crate) fn describe(&self) -> serde_json::Value {
        let bridge = self.bridge.try_lock().ok();
        serde_json::json!({
            "plugins": self.plugins.last_name(),
            "bridge": self.settings.bridge,
            "subnet": bridge.as_ref().map(|bridge| bridge.subnet.to_string()),
            "addressesFree": bridge.as_ref().map(|bridge| bridge.addresses.available()),
        })
    }

    /// Decides a pod's network and takes its address.
    pub(crate) fn plan(&self, pod: &record::Pod) -> Result<Intent> {
        if pod.host_network {
            return Ok(Intent::default());
        }
        if let Some(name) = self.plugins.network_name()? {
            return Ok(Intent { cni_network: name, ..Intent::default() });
        }
        let address = self.bridge().addresses.allocate()?;
        Ok(Intent {
            ips: vec![address.to_string()],
            host_interface: cni::host_interface(&attachment(pod)?),
            cni_network: String::new(),
        })
    }

    /// Connects the pod as planned; gives its addresses.
    pub(crate) fn attach(
        &self,
        pod: &record::Pod,
        monitor_pid: i32,
        fds: &NetworkFds,
    ) -> Result<Vec<String>> {
        use std::os::fd::AsFd;
        let sandbox = Sandbox { netns: fds.netns.as_fd(), route: fds.route.as_fd() };
        if !pod.cni_network.is_empty() {
            return self.plugins.add(pod, monitor_pid, sandbox);
        }
        let address: Ipv4Addr =
            first_address(pod).ok_or_else(|| Error::internal("the pod's record holds no address"))?;
        let ports = ports(pod)?;
        ports.iter().try_for_each(host_port::refuse_if_served)?;
        let mut bridge = self.bridge();
        let attached = self.opened(&mut bridge)?.attach(&attachment(pod)?, address, sandbox, &ports)?;
        Ok(attached.addresses.iter().map(|net| net.addr().to_string()).collect())
    }

    /// Takes the pod off its network. Idempotent; its address stays taken until `release`.
    pub(crate) fn detach(&self, pod: &record::Pod) -> Result<()> {
        if pod.host_network {
            return Ok(());
        }
        if !pod.cni_network.is_empty() {
            return self.plugins.del(pod);
        }
        if pod.host_interface.is_empty() {
            return Ok(());
        }
        let mut bridge = self.bridge();
        Ok(self.opened(&mut bridge)?.detach(&attachment(pod)?, &ports(pod)?)?)
    }

    /// The pod's network namespace is gone: its address may serve another.
    pub(crate) fn release(&self, pod: &record::Pod) {
        if let (false, Some(address)) = (pod.host_interface.is_empty(), first_address(pod)) {
            self.bridge().addresses.release(address);
        }
    }

    /// At start: takes the addresses the records name, so that nobody else gets them.
    pub(crate) fn reserve(&self, pod: &record::Pod) {
        if let (false, Some(address)) = (pod.host_interface.is_empty(), first_address(pod))
            && let Err(error) = self.bridge().addresses.reserve(address)
        {
            tracing::warn!(pod = pod.id, %address, %error, "a recorded address could not be reserved");
        }
    }

    /// At start: takes away interfaces and host ports of pods nobody knows any more.
    pub(crate) fn prune(&self, known: impl Iterator<Item = String>) -> Result<()> {
        if self.plugins.network_name()?.is_some() {
            return Ok(());
        }
        let known = known.map(|id| AttachmentId::parse(&id)).collect::<cni::Result<_>>()?;
        let mut bridge = self.bridge();
        let pruned = self.opened(&mut bridge)?.prune(&known)?;
        if !pruned.interfaces.is_empty() || !pruned.ports.is_empty() {
            tracing::info!(interfaces = ?pruned.interfaces, ports = pruned.ports.len(), "took away network leftovers");
        }
        Ok(())
    }

    /// The node's pod CIDR, from kubelet. Pods that have an address keep it.
    pub(crate) fn set_pod_cidr(&self, cidr: &str) -> Result<()> {
        let first = cidr.split(',').find(|net| !net.contains(':')).unwrap_or(cidr);
        let subnet = parse_subnet(first)?;
        let mut bridge = self.bridge();
        if subnet == bridge.subnet {
            return Ok(());
        }
        if bridge.addresses.available() < bridge.addresses.capacity() {
            return Err(Error::new(
                Kind::WrongState,
                format!("pod CIDR {subnet}: pods still use {}; drain the node first", bridge.subnet),
            ));
        }
        bridge.addresses = Ipam::new(subnet)?;
        bridge.subnet = subnet;
        if let Some(old) = bridge.open.take() {
            old.remove_node_state()?;
        }
        Ok(())
    }

    /// How often [`Self::repair`] is due; `None`: never.
    pub(crate) fn repair_period(&self) -> Option<Duration> {
        let seconds = self.settings.repair_seconds;
        (seconds != 0).then(|| Duration::from_secs(seconds.into()))
    }

    /// Puts back what another program took from the built-in network (`nft flush ruleset`, an interface manager). Does
    /// nothing where no pod has needed it yet.
    pub(crate) fn repair(&self) -> Result<()> {
        match &self.bridge().open {
            Some(bridge) => Ok(bridge.repair()?),
            None => Ok(()),
        }
    }

    /// At clean exit, when asked: the node as it was before.
    pub(crate) fn remove_node_state(&self) -> Result<()> {
        match self.bridge().open.take() {
            Some(bridge) => Ok(bridge.remove_node_state()?),
            None => Ok(()),
        }
    }

    fn opened<'a>(&self, bridge: &'a mut Bridge) -> Result<&'a Builtin> {
        if bridge.open.is_none() {
            let config = BridgeConfig {
                bridge: cni::IfName::parse(&self.settings.bridge)?,
                subnet: bridge.subnet,
                mtu: (self.settings.mtu != 0).then_some(self.settings.mtu),
                nft_table: self.settings.nft_table.clone(),
                hairpin: true,
            };
            bridge.open = Some(Builtin::open(&config)?);
        }
        bridge.open.as_ref().ok_or_else(|| Error::internal("the bridge was opened just now"))
    }
}

fn parse_subnet(text: &str) -> Result<cni::Ipv4Net> {
    text.trim().parse().map_err(|_| {
        Error::invalid(format!("pod subnet {text:?}: not an IPv4 network; write it as 10.88.0.0/16"))
    })
}

fn attachment(pod: &record::Pod) -> Result<AttachmentId> {
    Ok(AttachmentId::parse(&pod.id)?)
}

fn first_address(pod: &record::Pod) -> Option<Ipv4Addr> {
    pod.ips.first()?.parse().ok()
}

fn ports(pod: &record::Pod) -> Result<Vec<PortMapping>> {
    let port =
        |number: u32| u16::try_from(number).map_err(|_| Error::internal("a recorded port is out of range"));
    let mut ports = Vec::new();
    for mapping in &pod.host_ports {
        let host_ip: Option<IpAddr> = match mapping.host_ip.as_str() {
            "" => None,
            text => Some(
                text.parse().map_err(|_| Error::invalid(format!("host IP {text:?}: not an IP address")))?,
            ),
        };
        let protocol = u8::try_from(mapping.protocol).ok().and_then(Protocol::from_number);
        ports.push(PortMapping {
            host_ip,
            host_port: port(mapping.host_port)?,
            container_port: port(mapping.container_port)?,
            protocol: protocol.ok_or_else(|| Error::internal("a recorded protocol is unknown"))?,
        });
    }
    Ok(ports)
}
