//! Joining the container's cgroup from inside, and what /sys/fs/cgroup shows of it.
use std::{os::fd::OwnedFd, path::Path};

use sys::{
    Errno,
    fd::{self, magic},
    io,
    path::{self, Open, Within},
};

use crate::failure::{At, Result, failed};

/// Writes "0", which means the writer, to each directory of the cgroup but the one it was born in.
///
/// v1's `tasks` moves one thread without the lock that a cold write to `cgroup.procs` takes for milliseconds;
/// there is one thread here. v2 has only `cgroup.procs`, so a child is rather born there.
pub(crate) fn join(dirs: &[String], born_in: Option<&str>) -> Result<()> {
    for dir in dirs.iter().filter(|dir| Some(dir.as_str()) != born_in) {
        let handle = path::open_dir(dir).at("cgroup")?;
        let open = |name| path::open(&handle, name, Open::WRONLY, Within::BeneathNoLinks);
        let file = match open("tasks") {
            Err(error) if error.errno == Errno::ENOENT => open("cgroup.procs"),
            other => other,
        };
        let file = file.at_doing("cgroup", || format!("join {dir:?}"))?;
        io::write(&file, b"0").at_doing("cgroup", || format!("join {dir:?}"))?;
    }
    Ok(())
}

/// The directory in the unified hierarchy, if there is one (in a hybrid layout beside those of v1): a process can be
/// made there.
pub(crate) fn unified(dirs: &[String]) -> Option<(&str, OwnedFd)> {
    // Last in a hybrid layout, alone on v2.
    let dir = dirs.last()?;
    let opened = path::open_dir(dir).ok()?;
    let found = fd::file_system_magic(&opened).ok()?;
    (found == magic::CGROUP2).then_some((dir.as_str(), opened))
}

/// Whether `dirs` is a cgroup of the unified hierarchy alone.
pub(crate) fn is_v2(dirs: &[String]) -> bool {
    match dirs {
        [] => unified(&["/sys/fs/cgroup".to_owned()]).is_some(),
        [_] => unified(dirs).is_some(),
        [_, _, ..] => false,
    }
}

/// The directory's name below /sys/fs/cgroup for the hierarchy that `dir` belongs to: "memory", "cpu,cpuacct",
/// "unified".
pub(crate) fn hierarchy(dir: &str) -> Result<&str> {
    Path::new(dir)
        .strip_prefix("/sys/fs/cgroup")
        .ok()
        .and_then(|rest| rest.components().next()?.as_os_str().to_str())
        .ok_or_else(|| failed("cgroup", format!("{dir:?} is not below /sys/fs/cgroup"), Errno::EINVAL))
}
