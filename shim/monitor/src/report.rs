//! One line to standard error, which is the pod's monitor.log: for what no reply can carry.
use std::io::Write;

use proto::monitor::Failed;

/// Never fails: a full disk must not stop a pod.
pub(crate) fn line(text: &str) {
    let mut line = String::with_capacity(text.len() + 16);
    line.push_str("berth-monitor: ");
    line.push_str(text);
    line.push('\n');
    std::io::stderr().write_all(line.as_bytes()).ok();
}

pub(crate) fn failed(doing: &str, failed: &Failed) {
    line(&format!("{doing}: {}: {}: {}", failed.stage, failed.what, sys::Errno(failed.errno)));
}
