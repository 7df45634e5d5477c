//! Names of its own for each private daemon, and the taking back of what an aborted test left under them.

use std::{
    env,
    fs::{self, File, TryLockError},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
};

use crate::{
    Doing, Failure, Leftovers, Result, leftovers,
    netlink::{Attributes, nft, nft_change},
    program,
};

/// As many daemons as can run at once on a machine; each has a /24.
const SLOTS: u8 = 200;

/// hostPorts of each slot.
const PORTS: u16 = 20;
/// The first one of all: below the ports of NodePorts (30000) and of sockets that name none (32768).
const FIRST_PORT: u16 = 24_000;

/// A numbered set of names, held by a lock on a file until dropped.
#[derive(Debug)]
pub struct Slot {
    number: u8,
    dir: PathBuf,
    /// How many hostPorts were handed out.
    ports: AtomicU16,
    _lock: File,
}

impl Slot {
    /// Takes the first free slot and clears what an earlier owner left.
    ///
    /// # Errors
    /// When none is free or the clearing fails.
    pub fn take() -> Result<Self> {
        let base = env::temp_dir().join("berth-test");
        fs::create_dir_all(&base).doing(|| format!("make {}", base.display()))?;
        for number in 0..SLOTS {
            let path = base.join(format!("{number}.lock"));
            let lock = File::create(&path).doing(|| format!("create {}", path.display()))?;
            match lock.try_lock() {
                Ok(()) => {
                    let dir = base.join(number.to_string());
                    let slot = Self { number, dir, ports: AtomicU16::new(0), _lock: lock };
                    slot.clear()?;
                    fs::create_dir_all(&slot.dir).doing(|| format!("make {}", slot.dir.display()))?;
                    return Ok(slot);
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).doing(|| format!("lock {}", path.display()));
                }
            }
        }
        Err(Failure::new(format!("all {SLOTS} slots are taken")))
    }

    /// Everything of this slot on disk is below here.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// berthd's `--root`.
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// berthd's `--run-dir`.
    pub fn run_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// berthd's `--socket`.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("run/berth.sock")
    }

    /// berthd's temporary directory.
    pub fn temporary(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    /// berthd's `--bridge`.
    pub fn bridge(&self) -> String {
        format!("btest{}", self.number)
    }

    /// berthd's `--nft-table`.
    pub fn nft_table(&self) -> String {
        format!("berth_test_{}", self.number)
    }

    /// berthd's `--cgroup-root`.
    pub fn cgroup_root(&self) -> String {
        format!("/berth-test-{}", self.number)
    }

    /// A port of the node for a pod's hostPort: nobody else's while the slot is held. They lie below the ports the kernel
    /// gives to sockets that name none, so no test's server or connection comes upon one.
    ///
    /// # Errors
    /// When the slot has no more.
    pub fn host_port(&self) -> Result<u16> {
        let number = self.ports.fetch_add(1, Ordering::Relaxed);
        if number < PORTS {
            return Ok(FIRST_PORT + u16::from(self.number) * PORTS + number);
        }
        Err(Failure::new(format!("a slot has {PORTS} hostPorts")))
    }

    /// The slice that stands for it where systemd makes cgroups.
    pub fn slice(&self) -> String {
        format!("berth_test_{}.slice", self.number)
    }

    /// First address of the slot's /24.
    pub fn network(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number, 0)
    }

    /// Deletes the slot's nftables table, as `nft flush ruleset` does.
    ///
    /// # Errors
    /// When there is none.
    pub fn delete_nft_table(&self) -> Result {
        for family in leftovers::nft_families(self)? {
            let table = Attributes::new().text(1, &self.nft_table());
            nft_change(&[(nft::DEL_TABLE, 0, family, table)])?;
        }
        Ok(())
    }

    /// Takes the addresses off the slot's bridge, as a network manager may.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn flush_bridge_address(&self) -> Result {
        let flushed = program("ip").args(["addr", "flush", "dev", &self.bridge()]).output()?;
        if flushed.status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("ip addr flush: {}", String::from_utf8_lossy(&flushed.stderr))))
    }

    /// Takes away everything that carries the slot's names: after a failed or aborted test, not after a good one.
    ///
    /// # Errors
    /// When something resists.
    pub fn clear(&self) -> Result {
        if !self.dir.exists() && Leftovers::take(self, None)?.is_empty() {
            return Ok(());
        }
        crate::leftovers::clear(self)
    }
}
