//! The kernel's file systems every container has.

use oci_spec::runtime::Mount;

use super::mount;
use crate::{error::Result, input::Paths, pod::PodNamespaces};

/// In the order in which they must be made.
pub(super) fn mounts(paths: &Paths, namespaces: PodNamespaces, privileged: bool) -> Result<Vec<Mount>> {
    // CRI: "any sysfs and procfs mounts are mounted RW" for a privileged container; the cgroup tree goes with them.
    let access = if privileged { "rw" } else { "ro" };
    let shm = if namespaces.ipc { paths.shm.clone() } else { "/dev/shm".into() };
    Ok(vec![
        mount("proc", "proc", "/proc", &["nosuid", "noexec", "nodev"])?,
        // 64 MiB: device nodes need none of it, and what a program leaves here counts as its memory.
        mount("tmpfs", "tmpfs", "/dev", &["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"])?,
        mount(
            "devpts",
            "devpts",
            "/dev/pts",
            // Group 5 is tty on every distribution; its members may write(1) to terminals.
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        )?,
        mount("bind", shm, "/dev/shm", &["rbind", "rprivate", "nosuid", "noexec", "nodev", "rw"])?,
        mount("mqueue", "mqueue", "/dev/mqueue", &["nosuid", "noexec", "nodev"])?,
        mount("sysfs", "sysfs", "/sys", &["nosuid", "noexec", "nodev", access])?,
        mount("cgroup", "cgroup", "/sys/fs/cgroup", &["nosuid", "noexec", "nodev", "relatime", access])?,
    ])
}
