//! Block devices, and the file system that writable layers lie on.
use std::{fs, os::unix::fs::MetadataExt, path::Path};

use cgroup::metrics::BlockDevice;

use super::{samples::Samples, table as metric};

/// The file system of writable layers; the same for every container.
#[derive(Debug)]
pub(super) struct LayerDisk {
    device: String,
    size: sys::statvfs::Size,
}

impl LayerDisk {
    /// That of `directory`, below which the layers lie.
    pub(super) fn of(directory: &Path) -> Option<Self> {
        let size = sys::statvfs::size(directory).ok()?;
        Some(Self { device: device_below(directory).unwrap_or_default(), size })
    }
}

/// `bytes` of the writable layer were counted at `counted_ns`.
pub(super) fn add_layer(samples: &mut Samples, disk: &LayerDisk, bytes: u64, counted_ns: i64) {
    let device = [disk.device.as_str()];
    samples.add_from(metric::FS_USAGE, &device, bytes, counted_ns);
    samples.add(metric::FS_LIMIT, &device, disk.size.total);
    samples.add(metric::FS_INODES, &device, disk.size.inodes);
    samples.add(metric::FS_INODES_FREE, &device, disk.size.inodes_free);
}

pub(super) fn add_traffic(samples: &mut Samples, devices: &[BlockDevice]) {
    for device in devices {
        let (major, minor) = (device.major.to_string(), device.minor.to_string());
        let numbers = format!("{major}:{minor}");
        let name = device_named(&numbers).unwrap_or(numbers);
        let operations =
            [("Read", device.read_bytes), ("Write", device.write_bytes), ("Discard", device.discard_bytes)];
        for (operation, bytes) in operations {
            samples.add(metric::BLOCK_USAGE, &[&name, &major, &minor, operation], bytes);
        }
        let name = [name.as_str()];
        samples.add(metric::FS_READ_BYTES, &name, device.read_bytes);
        samples.add(metric::FS_READS, &name, device.reads);
        samples.add(metric::FS_WRITE_BYTES, &name, device.write_bytes);
        samples.add(metric::FS_WRITES, &name, device.writes);
    }
}

/// "/dev/sda1" of "8:1".
fn device_named(numbers: &str) -> Option<String> {
    let event = fs::read_to_string(format!("/sys/dev/block/{numbers}/uevent")).ok()?;
    event.lines().find_map(|line| line.strip_prefix("DEVNAME=")).map(|name| format!("/dev/{name}"))
}

/// The device a file system is on: of its number, or what the table of mounts says (btrfs, overlay, tmpfs).
fn device_below(path: &Path) -> Option<String> {
    let device = fs::metadata(path).ok()?.dev();
    let numbers = numbers_of(device);
    device_named(&numbers).or_else(|| {
        let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
        table.lines().find_map(|line| source_of(line, &numbers))
    })
}

/// The source in a line of mountinfo (proc_pid_mountinfo(5)), if the line is of that device.
pub(super) fn source_of(line: &str, numbers: &str) -> Option<String> {
    let (mount, file_system) = line.split_once(" - ")?;
    (mount.split(' ').nth(2)? == numbers).then_some(())?;
    file_system.split(' ').nth(1).map(str::to_owned)
}

/// As sysfs and mountinfo write them.
pub(super) fn numbers_of(device: u64) -> String {
    let (major, minor) = sys::fd::device_numbers(device);
    format!("{major}:{minor}")
}
