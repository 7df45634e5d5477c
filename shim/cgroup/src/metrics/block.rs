//! Reads and writes of block devices.
use std::path::Path;

use crate::files;

/// What a group did with one device since the group was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockDevice {
    /// Device number.
    pub major: u64,
    /// Device number.
    pub minor: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Read requests.
    pub reads: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Write requests.
    pub writes: u64,
    /// Bytes told to be unused.
    pub discard_bytes: u64,
}

/// From `io.stat`: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6".
pub(super) fn v2(dir: &Path) -> Vec<BlockDevice> {
    files::read_or_empty(&dir.join("io.stat")).lines().filter_map(line_v2).collect()
}

pub(super) fn line_v2(line: &str) -> Option<BlockDevice> {
    let (device, counters) = line.split_once(' ')?;
    let mut found = device_of(device)?;
    for counter in counters.split(' ') {
        let Some((key, value)) = counter.split_once('=') else { continue };
        let value = value.parse().unwrap_or(0);
        match key {
            "rbytes" => found.read_bytes = value,
            "wbytes" => found.write_bytes = value,
            "rios" => found.reads = value,
            "wios" => found.writes = value,
            "dbytes" => found.discard_bytes = value,
            _ => {}
        }
    }
    Some(found)
}

/// From the throttling layer, which counts for every scheduler: lines "8:0 Read 4096".
pub(super) fn v1(dir: &Path) -> Vec<BlockDevice> {
    let bytes = files::read_or_empty(&dir.join("blkio.throttle.io_service_bytes_recursive"));
    let requests = files::read_or_empty(&dir.join("blkio.throttle.io_serviced_recursive"));
    merge_v1(&bytes, &requests)
}

pub(super) fn merge_v1(bytes: &str, requests: &str) -> Vec<BlockDevice> {
    let mut devices: Vec<BlockDevice> = Vec::new();
    let lines = bytes.lines().map(|line| (line, true)).chain(requests.lines().map(|line| (line, false)));
    for (line, is_bytes) in lines {
        let mut words = line.split(' ');
        let (Some(device), Some(operation), Some(value)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let (Some(new), Ok(value)) = (device_of(device), value.parse::<u64>()) else { continue };
        let known = devices.iter().position(|known| (known.major, known.minor) == (new.major, new.minor));
        let at = known.unwrap_or_else(|| {
            devices.push(new);
            devices.len() - 1
        });
        let Some(found) = devices.get_mut(at) else { continue };
        match (operation, is_bytes) {
            ("Read", true) => found.read_bytes = value,
            ("Read", false) => found.reads = value,
            ("Write", true) => found.write_bytes = value,
            ("Write", false) => found.writes = value,
            ("Discard", true) => found.discard_bytes = value,
            _ => {}
        }
    }
    devices
}

fn device_of(numbers: &str) -> Option<BlockDevice> {
    let (major, minor) = numbers.split_once(':')?;
    Some(BlockDevice { major: major.parse().ok()?, minor: minor.parse().ok()?, ..BlockDevice::default() })
}
