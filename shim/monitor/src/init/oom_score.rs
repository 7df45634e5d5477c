//! The OOM killer's bias for this process and its children.
use sys::{
    Errno,
    fd::{self, magic},
    io,
    path::{self, Open, Within},
};

use crate::failure::{At, Result};

/// Writes /proc/self/oom_score_adj. Lowering needs CAP_SYS_RESOURCE; without it the inherited value stays.
pub(crate) fn set(score: i32) -> Result<()> {
    let proc = path::open_dir("/proc").at("oom-score")?;
    if fd::file_system_magic(&proc).at("oom-score")? != magic::PROC {
        return Ok(());
    }
    let file = path::open(&proc, "self/oom_score_adj", Open::WRONLY, Within::SameMount).at("oom-score")?;
    match io::write(&file, score.to_string().as_bytes()) {
        Err(error) if [Errno::EACCES, Errno::EPERM].contains(&error.errno) => Ok(()),
        other => other.at_doing("oom-score", || score.to_string()).map(drop),
    }
}
