//! What the pod is: made once by `sandbox`, used by every container.
use std::os::fd::OwnedFd;

use sys::clone::SingleThreaded;

use crate::failure::Result;

#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) proof: SingleThreaded,
    /// The mount namespace that containers' ones are copied from; or why there is none.
    pub(crate) blank: Result<OwnedFd>,
    /// Holder of the pod's PID namespace.
    pub(crate) pause: Option<Pause>,
    /// Directory of the exit records.
    pub(crate) exits: OwnedFd,
}

#[derive(Debug)]
pub(crate) struct Pause {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
}
