//! System V shared memory of the node: the suite's specs on the node's IPC namespace make segments and forget them.

use std::{collections::BTreeSet, fs};

use harness::{Doing, Failure, Result, program};

/// The segments that are there.
pub(crate) fn all() -> BTreeSet<u32> {
    list().into_iter().map(|segment| segment.id).collect()
}

/// Removes those that are not in `before`, that nobody is attached to and whose maker is gone.
pub(crate) fn remove_new(before: &BTreeSet<u32>) -> Result {
    for segment in list() {
        let forgotten = segment.attached == 0 && !fs::exists(format!("/proc/{}", segment.maker))?;
        if before.contains(&segment.id) || !forgotten {
            continue;
        }
        let mut remove = program("ipcrm");
        remove.arg("-m").arg(segment.id.to_string());
        let status = remove.status().doing(|| "start ipcrm".to_owned())?;
        if !status.success() {
            return Err(Failure::new(format!("ipcrm -m {}: {status}", segment.id)));
        }
    }
    Ok(())
}

struct Segment {
    id: u32,
    maker: u32,
    attached: u32,
}

/// proc_sysvipc(5): key shmid perms size cpid lpid nattch …, below a line of titles.
fn list() -> Vec<Segment> {
    let text = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    text.lines().skip(1).filter_map(parse).collect()
}

fn parse(line: &str) -> Option<Segment> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |place: usize| words.get(place)?.parse().ok();
    Some(Segment { id: number(1)?, maker: number(4)?, attached: number(6)? })
}
