//! What a kubelet changes on the machine itself, whatever directories it is given: noted before, put back after.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use harness::{
    Doing, Failure, Result,
    leftovers::{cgroup_directories, cgroup_hierarchies},
};

/// kubelet sets these without being asked; no option keeps it from it.
const SETTINGS: [&str; 6] = [
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];

/// kubelet's socket for device plugins is here whatever its own directory is.
const FIXED: &str = "/var/lib/kubelet";
/// kubelet links logs of containers here, whatever the pods' log directory is.
const LINKS: &str = "/var/log/containers";

/// The machine as it was.
#[derive(Debug)]
pub(crate) struct Machine {
    settings: Vec<(PathBuf, String)>,
    had_links: bool,
}

impl Machine {
    /// Looks. A machine that is a Kubernetes node already is left alone.
    pub(crate) fn note() -> Result<Self> {
        let foreign = fs::read_dir(FIXED).into_iter().flatten().flatten();
        if foreign.map(|entry| entry.file_name()).any(|name| name != "device-plugins") {
            return Err(Failure::new(format!("{FIXED} is in use: this machine has a kubelet of its own")));
        }
        let mut settings = Vec::new();
        for name in SETTINGS {
            let path = Path::new("/proc/sys").join(name);
            let value = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
            settings.push((path, value));
        }
        Ok(Self { settings, had_links: fs::exists(LINKS)? })
    }

    /// Puts everything back; `ours` is the directory the links of this run point into.
    pub(crate) fn restore(&self, ours: &Path) -> Result {
        for (path, value) in &self.settings {
            fs::write(path, value).doing(|| format!("write {}", path.display()))?;
        }
        for entry in fs::read_dir(LINKS).into_iter().flatten().flatten() {
            if fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(ours)) {
                fs::remove_file(entry.path()).doing(|| format!("remove {}", entry.path().display()))?;
            }
        }
        if !self.had_links {
            gone(fs::remove_dir(LINKS)).doing(|| format!("remove {LINKS}"))?;
        }
        gone(fs::remove_dir_all(FIXED)).doing(|| format!("remove {FIXED}"))
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes a control group in every hierarchy, for kubelet refuses a root that is not there.
pub(crate) fn make_cgroup(path: &str) -> Result {
    for hierarchy in cgroup_hierarchies()? {
        let dir = hierarchy.join(path.trim_start_matches('/'));
        fs::create_dir_all(&dir).doing(|| format!("make {}", dir.display()))?;
    }
    Ok(())
}

/// Removes a control group and all below it, which must be without processes.
pub(crate) fn remove_cgroup(path: &str) -> Result {
    for dir in cgroup_directories(path)? {
        gone(fs::remove_dir(&dir)).doing(|| format!("remove {}", dir.display()))?;
    }
    Ok(())
}
