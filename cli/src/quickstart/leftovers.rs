//! The proof: the places where a container runtime leaves things, each looked at.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{nft, place::Place};
use crate::failure::Result;

/// Everything that still bears a name of `place`, in words; `links` are the host ends of its pods' interfaces.
pub(super) fn find(place: &Place, links: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    processes(place, &mut found);
    mounts(place, &mut found);
    cgroups(place, &mut found);
    for link in links.iter().chain([&place.bridge]) {
        if Path::new("/sys/class/net").join(link).exists() {
            found.push(format!("network interface {link}: `ip link delete {link}`"));
        }
    }
    if nft::tables()?.contains(&place.nft_table) {
        let table = &place.nft_table;
        found.push(format!("nftables table {table}: `nft list tables`, then `nft delete table … {table}`"));
    }
    Ok(found)
}

/// Interfaces of the bridge: the host ends of pods' links.
pub(super) fn links_of(place: &Place) -> Vec<String> {
    names(&Path::new("/sys/class/net").join(&place.bridge).join("brif"))
}

/// What is in the daemon's directories about pods and images; its own fixed files don't count.
pub(super) fn files(place: &Place) -> Vec<String> {
    let kept =
        ["root/pods", "root/containers", "root/images/layers", "root/images/ingest", "run/pods", "logs"];
    let inside = |dir: &&str| {
        names(&place.dir.join(dir)).into_iter().map(|name| place.dir.join(dir).join(name)).collect()
    };
    let left: Vec<PathBuf> = kept.iter().flat_map(|dir| -> Vec<PathBuf> { inside(dir) }).collect();
    left.iter().map(|path| format!("file {}", path.display())).collect()
}

/// Processes in one of our cgroups, or with one of our paths among their arguments. Not this one.
fn processes(place: &Place, found: &mut Vec<String>) {
    let dir = place.dir.as_os_str().as_encoded_bytes();
    let cgroup = format!("/{}", place.cgroup);
    let ours = std::process::id().to_string();
    for pid in names(Path::new("/proc")).into_iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit())) {
        let proc = Path::new("/proc").join(&pid);
        // One that ends meanwhile is not left.
        let arguments = fs::read(proc.join("cmdline")).unwrap_or_default();
        let groups = fs::read_to_string(proc.join("cgroup")).unwrap_or_default();
        let named = arguments.windows(dir.len()).any(|window| window == dir);
        if pid != ours && (named || groups.contains(&cgroup)) {
            let program = fs::read_to_string(proc.join("comm")).unwrap_or_default();
            found.push(format!("process {pid} ({}): `kill -9 {pid}`", program.trim()));
        }
    }
}

fn mounts(place: &Place, found: &mut Vec<String>) {
    let dir = place.dir.display().to_string();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // Field five of proc_pid_mountinfo(5).
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    found.extend(
        points
            .filter(|point| point.starts_with(&dir))
            .map(|point| format!("mount {point}: `umount {point}`")),
    );
}

/// cgroup v2 has one tree, v1 one for each controller.
fn cgroups(place: &Place, found: &mut Vec<String>) {
    let root = Path::new("/sys/fs/cgroup");
    let trees = names(root).into_iter().map(|name| root.join(name)).chain([root.to_owned()]);
    let groups = trees.map(|tree| tree.join(&place.cgroup)).filter(|group| group.exists());
    found.extend(groups.map(|group| format!("cgroup {}: `rmdir` it, from the leaves", group.display())));
}

/// Names in a directory; none if it is not there.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
