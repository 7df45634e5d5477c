//! Asks the running machine about devices and AppArmor profiles; does I/O.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::host::{Found, Host, HostDevice};

/// The machine we run on.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiveHost;

/// Most nodes taken from one directory tree, and how deep it is searched: real ones have a few hundred, five deep.
const NODE_LIMIT: usize = 8192;
const DEPTH_LIMIT: usize = 8;

/// Largest list of AppArmor profiles read.
const PROFILES_LIMIT: u64 = 16 << 20;

/// What below /dev is no hardware of the host: its terminals, shared memory, queues and bookkeeping.
const NOT_DEVICES: [&str; 7] = ["pts", "shm", "fd", "mqueue", "hugepages", ".udev", "console"];

// === impl LiveHost ===

impl Host for LiveHost {
    fn device(&self, path: &Path) -> io::Result<Found> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            let mut nodes = Vec::new();
            collect(path, 0, &[], &mut nodes)?;
            return Ok(Found::Directory(nodes));
        }
        Ok(node(path, &metadata).map_or(Found::Other, Found::Node))
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        match path.is_absolute() {
            true => Ok(sys::host_path::resolve(path)?),
            false => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn all_devices(&self) -> io::Result<Vec<HostDevice>> {
        let mut nodes = Vec::new();
        collect(Path::new("/dev"), 0, &NOT_DEVICES, &mut nodes)?;
        Ok(nodes)
    }

    fn apparmor_loaded(&self, profile: &str) -> io::Result<bool> {
        let mut list = String::new();
        let file = fs::File::open("/sys/kernel/security/apparmor/profiles")?;
        io::Read::read_to_string(&mut io::Read::take(file, PROFILES_LIMIT), &mut list)?;
        Ok(lists(&list, profile))
    }
}

/// Lines are "name (mode)", and a name may hold spaces and parentheses.
fn lists(text: &str, profile: &str) -> bool {
    text.lines().filter_map(|line| line.rsplit_once(" (")).any(|(name, _)| name == profile)
}

/// The nodes in a directory and below, links to elsewhere left out, in the order of their names.
fn collect(dir: &Path, depth: usize, skip: &[&str], nodes: &mut Vec<HostDevice>) -> io::Result<()> {
    let mut entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if nodes.len() >= NODE_LIMIT {
            return Err(io::Error::other(format!(
                "more than {NODE_LIMIT} device nodes below {}",
                dir.display()
            )));
        }
        if skip.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        // A device may be unplugged while we look.
        let Ok(metadata) = entry.metadata() else { continue };
        let path = entry.path();
        if metadata.is_dir() && depth < DEPTH_LIMIT {
            // Somebody else's directory, or a file system of its own that is gone, is no reason to fail.
            let _ = collect(&path, depth + 1, &[], nodes);
        } else if let Some(node) = node(&path, &metadata) {
            nodes.push(node);
        }
    }
    Ok(())
}

/// `None` if it is no device node.
fn node(path: &Path, metadata: &fs::Metadata) -> Option<HostDevice> {
    let kind = metadata.file_type();
    if !kind.is_block_device() && !kind.is_char_device() {
        return None;
    }
    let (major, minor) = sys::fd::device_numbers(metadata.rdev());
    Some(HostDevice {
        path: path.to_owned(),
        block: kind.is_block_device(),
        major,
        minor,
        mode: metadata.mode() & 0o777,
        uid: metadata.uid(),
        gid: metadata.gid(),
    })
}

#[cfg(test)]
mod tests;
