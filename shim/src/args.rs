//! The command line, which goes over the configuration file.
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::config::{CgroupDriver, Config};

/// Where the configuration is looked for; it need not exist.
const CONFIG: &str = "/etc/berth/berth.toml";

/// A Kubernetes container runtime (CRI v1).
#[derive(Debug, Parser)]
#[command(
    name = "berthd",
    version,
    after_help = "Examples:\n  berthd                          serve on /run/berth/berth.sock with the defaults\n  berthd --print-config           show every setting and its value\n  berthd --config ./berth.toml    use that file"
)]
pub(crate) struct Args {
    /// Configuration file [default: /etc/berth/berth.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Images, records and writable layers
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Sockets and monitors' logs
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// CRI socket [default: <run-dir>/berth.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Monitor program [default: berth-monitor beside berthd]
    #[arg(long, value_name = "PATH")]
    monitor: Option<PathBuf>,
    /// Name of the built-in bridge
    #[arg(long, value_name = "NAME")]
    bridge: Option<String>,
    /// Subnet of the built-in bridge
    #[arg(long, value_name = "CIDR")]
    subnet: Option<String>,
    /// Name of the node's nftables table
    #[arg(long, value_name = "NAME")]
    nft_table: Option<String>,
    /// Who makes cgroups
    #[arg(long, value_enum, value_name = "DRIVER")]
    cgroup_driver: Option<CgroupDriver>,
    /// cgroup for pods without a cgroup parent
    #[arg(long, value_name = "/NAME")]
    cgroup_root: Option<String>,
    /// Registry settings: <host>/hosts.toml below it
    #[arg(long, value_name = "DIR")]
    certs_dir: Option<PathBuf>,
    /// CNI configurations; one here takes the place of the built-in bridge
    #[arg(long, value_name = "DIR")]
    cni_conf_dir: Option<PathBuf>,
    /// CNI plugins
    #[arg(long, value_name = "DIR")]
    cni_bin_dir: Option<PathBuf>,
    /// error, warn, info, debug, trace, or a filter
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Print the whole configuration in force and exit
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Print the registered steps of every verb and exit (fault tests)
    #[arg(long, hide = true)]
    pub(crate) print_steps: bool,
    /// At clean exit, remove bridge, nftables table and cgroup root if no pod is left (tests, uninstall)
    #[arg(long)]
    pub(crate) remove_node_state_on_exit: bool,
}

impl Args {
    /// The file's settings with the command line's over them.
    pub(crate) fn config(&self) -> Result<Config> {
        let path = self.config.clone().unwrap_or_else(|| CONFIG.into());
        let mut config = Config::load(&path, self.config.is_some())?;
        set(&mut config.root, self.root.as_ref());
        set(&mut config.run_dir, self.run_dir.as_ref());
        set(&mut config.socket, self.socket.as_ref());
        set(&mut config.monitor, self.monitor.as_ref());
        set(&mut config.cgroup_driver, self.cgroup_driver.as_ref());
        set(&mut config.cgroup_root, self.cgroup_root.as_ref());
        set(&mut config.log_level, self.log_level.as_ref());
        set(&mut config.images.certs_dir, self.certs_dir.as_ref());
        set(&mut config.network.bridge, self.bridge.as_ref());
        set(&mut config.network.subnet, self.subnet.as_ref());
        set(&mut config.network.nft_table, self.nft_table.as_ref());
        set(&mut config.network.cni_conf_dir, self.cni_conf_dir.as_ref());
        set(&mut config.network.cni_bin_dir, self.cni_bin_dir.as_ref());
        config.resolve()
    }
}

fn set<T: Clone>(setting: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        setting.clone_from(given);
    }
}
