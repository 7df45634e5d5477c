//! An exec enters the namespaces of the container it runs in.
use std::os::fd::BorrowedFd;

use sys::ns::{self, Kinds};

use crate::failure::{At, Result};

/// All at once by the pidfd of the container's first process. The PID namespace takes effect for children.
/// The user namespace is the host's for every container, so there is none to join.
pub(super) fn namespaces(target: BorrowedFd<'_>) -> Result<()> {
    let kinds = Kinds::MOUNT | Kinds::PID | Kinds::NETWORK | Kinds::IPC | Kinds::UTS | Kinds::CGROUP;
    ns::enter(target, kinds).at("namespaces")
}
