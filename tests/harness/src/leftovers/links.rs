//! Network links of this network namespace: a bridge, its ports, and Berth's veths that belong to no bridge.

use std::fs;

use crate::{Doing, Result};

pub(super) fn list(bridge: &str) -> Result<Vec<String>> {
    Ok(names(bridge)?.into_iter().map(|name| format!("link {name}")).collect())
}

/// A veth that was made but not yet given to a bridge, or lost its bridge, could be any daemon's: it is counted too, and a
/// neighbour's is gone again before the oracle loses patience.
pub(super) fn names(bridge: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/sys/class/net").doing(|| "list the links".to_owned())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let master = fs::read_link(entry.path().join("master")).ok();
        let master = master.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        let ours = name == bridge
            || master.as_deref() == Some(bridge)
            || (name.starts_with("bv") && name.len() > 10 && master.is_none());
        if ours {
            found.push(name);
        }
    }
    Ok(found)
}
