//! Configuration: one TOML file that need not exist, then the command line over it.
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Everything an operator can set. Unknown keys are refused, with the line that holds them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Images, records, writable layers: survives reboots.
    pub(crate) root: PathBuf,
    /// Sockets and logs of monitors: need not survive a reboot.
    pub(crate) run_dir: PathBuf,
    /// The CRI socket; empty: `<run_dir>/berth.sock`.
    pub(crate) socket: PathBuf,
    /// "error", "warn", "info", "debug", "trace", or a tracing filter.
    pub(crate) log_level: String,
    /// "text" or "json".
    pub(crate) log_format: String,
    /// The monitor's program; empty: `berth-monitor` beside berthd.
    pub(crate) monitor: PathBuf,
    /// Who makes cgroups: "cgroupfs" (Berth itself) or "systemd"; kubelet asks which.
    pub(crate) cgroup_driver: CgroupDriver,
    /// cgroup below which pods without a cgroup_parent live; for systemd, "/a-b" is the slice a_b.slice.
    pub(crate) cgroup_root: String,
    /// Most processes and threads of one container; 0: as many as its pod may have.
    pub(crate) pids_limit: u32,
    /// Whether 32-bit x86 programs may make sockets by socketcall(2), which no seccomp profile can look into.
    pub(crate) allow_socketcall: bool,
    /// Directories of CDI files, which describe devices; the later one counts where two have the same device.
    pub(crate) cdi_spec_dirs: Vec<PathBuf>,
    pub(crate) images: Images,
    pub(crate) network: Network,
    pub(crate) streaming: Streaming,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CgroupDriver {
    #[default]
    Cgroupfs,
    Systemd,
}

impl From<CgroupDriver> for cgroup::Driver {
    fn from(driver: CgroupDriver) -> Self {
        match driver {
            CgroupDriver::Cgroupfs => Self::Cgroupfs,
            CgroupDriver::Systemd => Self::Systemd,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Images {
    /// Tree of `<host>/hosts.toml` files: mirrors, certificates.
    pub(crate) certs_dir: PathBuf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Network {
    /// Name of the built-in bridge, at most 15 bytes.
    pub(crate) bridge: String,
    /// Addresses of the pods on this node, when kubelet gives no pod CIDR.
    pub(crate) subnet: String,
    /// MTU of bridge and pods; 0: the kernel's default.
    pub(crate) mtu: u32,
    /// The node's one nftables table (family inet).
    pub(crate) nft_table: String,
    /// How often bridge, address, sysctls and table are looked after, in seconds: another program may flush them. 0: only
    /// when a pod comes.
    pub(crate) repair_seconds: u32,
    /// A conflist here takes the place of the built-in bridge.
    pub(crate) cni_conf_dir: PathBuf,
    /// Where its plugins are.
    pub(crate) cni_bin_dir: PathBuf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Streaming {
    /// Address of the exec/attach/port-forward server; kubelet proxies to it.
    pub(crate) address: Ipv4Addr,
    /// 0: any free port.
    pub(crate) port: u16,
    /// Certificate in PEM, with those that lead to its root; empty: no TLS.
    pub(crate) tls_cert: PathBuf,
    /// Its key in PEM.
    pub(crate) tls_key: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            root: "/var/lib/berth".into(),
            run_dir: "/run/berth".into(),
            socket: PathBuf::new(),
            log_level: "info".into(),
            log_format: "text".into(),
            monitor: PathBuf::new(),
            cgroup_driver: CgroupDriver::default(),
            cgroup_root: "/berth".into(),
            pids_limit: 4096,
            allow_socketcall: true,
            cdi_spec_dirs: vec!["/etc/cdi".into(), "/var/run/cdi".into()],
            images: Images::default(),
            network: Network::default(),
            streaming: Streaming::default(),
        }
    }
}

impl Default for Images {
    fn default() -> Self {
        Self { certs_dir: "/etc/berth/certs.d".into() }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self {
            bridge: "berth0".into(),
            subnet: "10.88.0.0/16".into(),
            mtu: 0,
            nft_table: "berth".into(),
            repair_seconds: 60,
            cni_conf_dir: "/etc/cni/net.d".into(),
            cni_bin_dir: "/opt/cni/bin".into(),
        }
    }
}

impl Default for Streaming {
    fn default() -> Self {
        Self { address: Ipv4Addr::LOCALHOST, port: 0, tls_cert: PathBuf::new(), tls_key: PathBuf::new() }
    }
}

impl Config {
    /// Reads `path`; a missing file is the defaults unless it was asked for by name.
    pub(crate) fn load(path: &Path, required: bool) -> Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).with_context(|| {
                format!(
                    "{}: not a valid configuration; `berthd --print-config` shows every key",
                    path.display()
                )
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("read configuration {}", path.display())),
        }
    }

    /// Fills in what depends on other fields and refuses what cannot work.
    pub(crate) fn resolve(mut self) -> Result<Self> {
        if self.socket.as_os_str().is_empty() {
            self.socket = self.run_dir.join("berth.sock");
        }
        if self.monitor.as_os_str().is_empty() {
            let own = std::env::current_exe().context("find berthd's own path")?;
            self.monitor = own.with_file_name("berth-monitor");
        }
        anyhow::ensure!(self.root.is_absolute(), "root {}: must be an absolute path", self.root.display());
        anyhow::ensure!(
            self.run_dir.is_absolute(),
            "run_dir {}: must be an absolute path",
            self.run_dir.display()
        );
        let bridge = &self.network.bridge;
        anyhow::ensure!(
            !bridge.is_empty() && bridge.len() <= 15,
            "network.bridge {bridge:?}: an interface name has 1 to 15 bytes"
        );
        let Streaming { tls_cert, tls_key, .. } = &self.streaming;
        anyhow::ensure!(
            tls_cert.as_os_str().is_empty() == tls_key.as_os_str().is_empty(),
            "streaming.tls_cert and streaming.tls_key: both or neither"
        );
        Ok(self)
    }

    /// The runtime handlers a RuntimeClass may name; the empty one is the default.
    #[expect(clippy::unused_self, reason = "handlers become configurable with the RuntimeClass work")]
    pub(crate) fn handlers(&self) -> &'static [&'static str] {
        &["", "berth"]
    }

    pub(crate) fn has_handler(&self, name: &str) -> bool {
        self.handlers().contains(&name)
    }

    /// The whole configuration in force, as a file that would produce it.
    pub(crate) fn print(&self) -> Result<String> {
        toml::to_string_pretty(self).context("print the configuration")
    }
}

#[cfg(test)]
mod tests;
