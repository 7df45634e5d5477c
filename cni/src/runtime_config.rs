//! `runtimeConfig`: what the runtime tells plugins of a pod, each thing only to those that declare the capability.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::port::PortMapping;

/// Everything that can be told (CNI conventions, "Dynamic Plugin specific Fields").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Capability `portMappings`.
    pub ports: Vec<PortMapping>,
    /// Capability `bandwidth`.
    pub bandwidth: Option<Bandwidth>,
    /// Capability `ipRanges`: alternatives for each address the pod gets.
    pub ip_ranges: Vec<Vec<IpNet>>,
    /// Capability `dns`.
    pub dns: Option<DnsConfig>,
    /// Capability `cgroupPath`.
    pub cgroup_path: Option<String>,
    /// Capability `io.kubernetes.cri.pod-annotations`.
    pub annotations: BTreeMap<String, String>,
}

/// Rates in bits a second, bursts in bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bandwidth {
    /// Towards the pod.
    pub ingress_rate: u64,
    /// Towards the pod.
    pub ingress_burst: u64,
    /// From the pod.
    pub egress_rate: u64,
    /// From the pod.
    pub egress_burst: u64,
}

/// The pod's resolver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DnsConfig {
    /// Addresses of servers.
    pub servers: Vec<IpAddr>,
    /// Domains to search.
    pub searches: Vec<String>,
    /// Options of resolv.conf(5).
    pub options: Vec<String>,
}

/// One hostPort as plugins read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    host_port: u16,
    container_port: u16,
    protocol: &'static str,
    #[serde(rename = "hostIP")]
    host_ip: String,
}

#[derive(Serialize)]
struct Range {
    subnet: IpNet,
}

impl RuntimeConfig {
    /// What there is to tell, by capability.
    pub(crate) fn by_capability(&self) -> BTreeMap<&'static str, Box<RawValue>> {
        let ports: Vec<Port> = self.ports.iter().filter(|port| port.host_port != 0).map(Port::of).collect();
        let ranges: Vec<Vec<Range>> = self
            .ip_ranges
            .iter()
            .map(|set| set.iter().map(|subnet| Range { subnet: *subnet }).collect())
            .collect();
        let parts = [
            ("portMappings", (!ports.is_empty()).then(|| raw(&ports))),
            ("bandwidth", self.bandwidth.as_ref().map(raw)),
            ("ipRanges", (!ranges.is_empty()).then(|| raw(&ranges))),
            ("dns", self.dns.as_ref().map(raw)),
            ("cgroupPath", self.cgroup_path.as_ref().map(raw)),
            (
                "io.kubernetes.cri.pod-annotations",
                (!self.annotations.is_empty()).then(|| raw(&self.annotations)),
            ),
        ];
        parts.into_iter().filter_map(|(name, value)| Some((name, value??))).collect()
    }
}

impl Port {
    fn of(mapping: &PortMapping) -> Self {
        Self {
            host_port: mapping.host_port,
            container_port: mapping.container_port,
            protocol: mapping.protocol.name(),
            host_ip: mapping.host_ip.map_or_else(String::new, |ip| ip.to_string()),
        }
    }
}

/// `None` cannot happen: none of these types has a way to fail.
fn raw(value: &impl Serialize) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

#[cfg(test)]
mod tests;
