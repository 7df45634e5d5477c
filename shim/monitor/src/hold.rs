//! The other thing this program is for: a process that keeps a systemd scope from going, until its input ends.
use std::io::Read;

use sys::{fd, prctl, signal};

use crate::failure::{At, Result};

/// The name under which berthd starts it.
pub(crate) const NAME: &str = "berth-hold";

/// Out of the OOM killer's reach, groups included: it holds nothing worth freeing, and what it holds open tells who was
/// killed.
const NEVER: &[u8] = b"-1000";

/// Returns when nobody has the writing end of standard input any more.
pub(crate) fn run() -> Result<()> {
    fd::close_all_except(3, &[]).at("setup")?;
    prctl::set_name(NAME).at("setup")?;
    prctl::set_dumpable(false).at("setup")?;
    signal::block_all().at("setup")?;
    // Refused without CAP_SYS_RESOURCE; then it is merely unlikely.
    std::fs::write("/proc/self/oom_score_adj", NEVER).ok();
    let mut input = std::io::stdin().lock();
    while matches!(input.read(&mut [0; 16]), Ok(1..)) {}
    Ok(())
}
