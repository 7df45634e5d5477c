//! Huge pages, by their size.
use std::{fs, path::Path};

use crate::files;

/// Pages of one size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HugePages {
    /// "2MB", "1GB": as the control files are named.
    pub size: String,
    /// Bytes in use.
    pub usage: u64,
    /// The most that ever were; v2 does not count it.
    pub max_usage: Option<u64>,
}

pub(super) fn v1(dir: &Path) -> Vec<HugePages> {
    read(dir, "usage_in_bytes")
}

pub(super) fn v2(dir: &Path) -> Vec<HugePages> {
    read(dir, "current")
}

/// The sizes are those whose files are there: `hugetlb.<size>.<usage file>`.
fn read(dir: &Path, usage: &str) -> Vec<HugePages> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let size = name
            .to_str()
            .and_then(|name| name.strip_prefix("hugetlb.")?.strip_suffix(usage)?.strip_suffix('.'));
        // "2MB.rsvd" counts reservations.
        let Some(size) = size.filter(|size| !size.contains('.')) else { continue };
        found.push(HugePages {
            size: size.to_owned(),
            usage: files::number(&entry.path()).unwrap_or(0),
            max_usage: files::number(&dir.join(format!("hugetlb.{size}.max_usage_in_bytes"))),
        });
    }
    found.sort_by(|a, b| a.size.cmp(&b.size));
    found
}
