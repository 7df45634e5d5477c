//! Where a quickstart happens: names that belong to nobody else.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::subnet;
use crate::failure::{Doing, Failure, OrTry, Result};

/// Directories and names of one quickstart.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) berthd: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) root: PathBuf,
    pub(super) run_dir: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) log_dir: PathBuf,
    /// What the daemon says.
    pub(super) daemon_log: PathBuf,
    pub(super) bridge: String,
    pub(super) subnet: String,
    pub(super) nft_table: String,
    /// Without a slash.
    pub(super) cgroup: String,
}

impl Place {
    /// Makes the private directory below `parent`.
    pub(super) fn make(parent: &Path, berthd: Option<&Path>) -> Result<Self> {
        let berthd = find_daemon(berthd)?;
        let mut random = [0; 2];
        getrandom::fill(&mut random).map_err(|error| Failure::new(format!("getrandom: {error}")))?;
        let mark = format!("{:04x}", u16::from_be_bytes(random));
        let routes = fs::read_to_string("/proc/net/route").doing("read /proc/net/route")?;
        let subnet = subnet::free(&routes, u16::from_be_bytes(random)).ok_or_else(|| {
            Failure::new("every /24 from 10.88.0.0 to 10.127.255.0 has a route").or_try("another machine")
        })?;
        // Short: the paths of sockets below it have a limit of 107 bytes.
        let dir = parent.join(format!("bqs-{mark}"));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .doing(format_args!("make {}", dir.display()))
            .or_try("--dir with a directory that can be written to")?;
        Ok(Self {
            berthd,
            root: dir.join("root"),
            run_dir: dir.join("run"),
            socket: dir.join("run/berth.sock"),
            log_dir: dir.join("logs"),
            daemon_log: dir.join("berthd.log"),
            dir,
            bridge: format!("bqs-{mark}"),
            subnet,
            nft_table: format!("berth_qs_{mark}"),
            cgroup: format!("berth-qs-{mark}"),
        })
    }
}

fn find_daemon(given: Option<&Path>) -> Result<PathBuf> {
    let found = match given {
        Some(path) => std::path::absolute(path).doing(format_args!("find {}", path.display()))?,
        None => env::current_exe().doing("find berth itself")?.with_file_name("berthd"),
    };
    if found.is_file() {
        return Ok(found);
    }
    Err(Failure::new(format!("there is no berthd at {}", found.display()))
        .or_try("`cargo build` makes it beside berth; elsewhere: --berthd PATH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_is_missing_is_explained() {
        let missing = find_daemon(Some(Path::new("/nowhere/berthd"))).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/berthd") && missing.contains("cargo build"), "{missing}");
    }

    #[test]
    fn names_fit_where_they_go() {
        let parent = env::temp_dir();
        let place = Place::make(&parent, Some(Path::new("/proc/self/exe"))).unwrap();
        assert!(place.bridge.len() <= 15, "IFNAMSIZ");
        let socket = place.run_dir.join("pods").join("f".repeat(64)).join("monitor.sock");
        assert!(socket.as_os_str().len() <= 107 + parent.as_os_str().len() - "/tmp".len(), "{socket:?}");
        fs::remove_dir(&place.dir).unwrap();
    }
}
