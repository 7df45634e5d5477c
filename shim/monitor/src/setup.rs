//! What a new monitor does to itself before anything else: its descriptors, its signals, its plan.
use std::os::fd::OwnedFd;

use proto::{monitor::SandboxPlan, prost::Message};
use sys::{Errno, fd, memfd, prctl, process, signal};

use crate::failure::{At, Result, failed};

/// A plan is ids, a host name and a few sysctls.
const PLAN_LIMIT_BYTES: usize = 256 * 1024;

/// The descriptors the protocol fixes.
const PLAN: i32 = 3;
const LISTENER: i32 = 4;
const HELLO: i32 = 5;
const STATE_DIR: i32 = 6;

#[derive(Debug)]
pub(crate) struct Inherited {
    pub(crate) plan: SandboxPlan,
    pub(crate) listener: OwnedFd,
    pub(crate) hello: OwnedFd,
    /// The pod's state directory.
    pub(crate) state_dir: OwnedFd,
}

pub(crate) fn take_over() -> Result<Inherited> {
    let adopt = |number| fd::take_inherited(number).at("setup");
    let (plan, listener, hello, state_dir) =
        (adopt(PLAN)?, adopt(LISTENER)?, adopt(HELLO)?, adopt(STATE_DIR)?);
    fd::close_all_except(STATE_DIR + 1, &[]).at("setup")?;
    // Executed through a descriptor, the process would be called after its number.
    prctl::set_name("berth-monitor").at("setup")?;
    // A container that shares our PID namespace must not look into this process.
    prctl::set_dumpable(false).at("setup")?;
    // Containers in the host's PID namespace leave their orphans to us.
    prctl::set_child_subreaper(true).at("setup")?;
    // Fails when berthd has already made the session, which is as good.
    process::new_session().ok();
    for ignored in [signal::SIGPIPE, signal::SIGHUP, signal::SIGINT] {
        signal::ignore(ignored).at("setup")?;
    }
    signal::block_all().at("setup")?;
    let bytes = memfd::read(&plan, PLAN_LIMIT_BYTES).at("plan")?;
    let plan = SandboxPlan::decode(&*bytes)
        .map_err(|error| failed("plan", format!("decode: {error}"), Errno::EINVAL))?;
    Ok(Inherited { plan, listener, hello, state_dir })
}
