//! Results of ADD: what the network gave the pod.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use crate::conf::Version;

/// Most addresses, interfaces or routes of a result.
const LIST_MAX: usize = 256;

/// What the last plugin of a network says the pod has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddResult {
    /// Addresses of the pod's interface with prefix, in the plugins' order: the first is the primary one.
    pub addresses: Vec<IpNet>,
    /// Gateways of these addresses, where given.
    pub gateways: Vec<IpAddr>,
    /// MAC address of the pod's interface, as the plugin wrote it.
    pub mac: Option<String>,
    /// The resolver the network wants.
    pub dns: Dns,
    /// The result as the plugin printed it; DEL gets it back.
    pub(crate) text: String,
}

/// A resolver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Dns {
    /// Addresses of servers.
    #[serde(default)]
    pub nameservers: Vec<String>,
    /// The node's domain.
    #[serde(default)]
    pub domain: Option<String>,
    /// Domains to search.
    #[serde(default)]
    pub search: Vec<String>,
    /// Options of resolv.conf(5).
    #[serde(default)]
    pub options: Vec<String>,
}

#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "cniVersion")]
    version: Option<String>,
    #[serde(default)]
    interfaces: Option<Vec<Interface>>,
    #[serde(default)]
    ips: Option<Vec<Ip>>,
    #[serde(default)]
    dns: Option<Dns>,
}

#[derive(Deserialize)]
struct Interface {
    #[serde(default)]
    name: String,
    mac: Option<String>,
    /// Path of the pod's namespace; empty or absent for interfaces of the host.
    sandbox: Option<String>,
}

#[derive(Deserialize)]
struct Ip {
    address: IpNet,
    gateway: Option<IpAddr>,
    /// Index into `interfaces`.
    interface: Option<usize>,
}

impl AddResult {
    /// Reads what a plugin printed; `interface` is the pod's. Results of all versions we speak have this form: 0.3.1 and 0.4.0
    /// add an address family that the address says anyway.
    pub(crate) fn read(stdout: &[u8], interface: &str) -> Result<Self, String> {
        let text = std::str::from_utf8(stdout).map_err(|_| "it is not UTF-8".to_owned())?.trim();
        let printed: Printed = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let version = printed.version.unwrap_or_default();
        if Version::parse(&version).is_none() {
            return Err(format!("its cniVersion is {version:?}"));
        }
        let interfaces = printed.interfaces.unwrap_or_default();
        let ips = printed.ips.unwrap_or_default();
        let dns = printed.dns.unwrap_or_default();
        let lists = [interfaces.len(), ips.len(), dns.nameservers.len(), dns.search.len(), dns.options.len()];
        if lists.into_iter().any(|length| length > LIST_MAX) {
            return Err(format!("it has a list of more than {LIST_MAX} entries"));
        }
        let inside = |one: &Interface| {
            one.name == interface && one.sandbox.as_ref().is_some_and(|path| !path.is_empty())
        };
        let mut result = Self { dns, text: text.to_owned(), ..Self::default() };
        result.mac = interfaces.iter().find(|one| inside(one)).and_then(|one| one.mac.clone());
        for ip in ips {
            let its = match ip.interface {
                Some(index) => {
                    Some(interfaces.get(index).ok_or_else(|| format!("it has no interface {index}"))?)
                }
                None => None,
            };
            if its.is_none_or(inside) {
                result.addresses.push(ip.address);
                result.gateways.extend(ip.gateway);
            }
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests;
