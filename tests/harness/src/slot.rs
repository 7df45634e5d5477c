//! Names of its own for each private daemon, and the taking back of what an aborted test left under them.

use std::{
    env,
    fs::{self, File, TryLockError},
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use crate::{Doing, Failure, Leftovers, Result};

/// As many daemons as can run at once on a machine; each has a /24.
const SLOTS: u8 = 200;

/// A numbered set of names, held by a lock on a file until dropped.
#[derive(Debug)]
pub struct Slot {
    number: u8,
    dir: PathBuf,
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
                    let slot = Self { number, dir: base.join(number.to_string()), _lock: lock };
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

    /// First address of the slot's /24.
    pub fn network(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number, 0)
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
