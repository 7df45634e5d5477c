//! The kernel's file systems every container has.

use oci_spec::runtime::Mount;

use super::mount;
use crate::{error::Result, input::Paths, pod::PodNamespaces};

/// In the order in which they must be made.
pub(super) fn mounts(
    paths: &Paths,
    namespaces: PodNamespaces,
    privileged: bool,
    cgroup_v2: bool,
) -> Result<Vec<Mount>> {
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
        cgroup(privileged && cgroup_v2, access)?,
    ])
}

/// The container's own cgroup. A privileged container on v2 stays in the host's cgroup namespace (KEP-2254) and sees the
/// host's tree: bound, for mounting it anew from there would change the options of the one tree everybody shares.
fn cgroup(host: bool, access: &str) -> Result<Mount> {
    let path = "/sys/fs/cgroup";
    match host {
        true => {
            mount("bind", path, path, &["rbind", "rprivate", "nosuid", "noexec", "nodev", "relatime", access])
        }
        false => mount("cgroup", "cgroup", path, &["nosuid", "noexec", "nodev", "relatime", access]),
    }
}
