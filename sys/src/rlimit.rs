#![expect(unsafe_code, reason = "prlimit(2) with plain numbers")]
//! Resource limits of the calling process.
use std::ptr;

use crate::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// `u64::MAX` is no limit.
    pub soft: u64,
    pub hard: u64,
}

/// getrlimit(2) for an `RLIMIT_*` number of <sys/resource.h>.
///
/// # Errors
/// EINVAL for a number the kernel does not know.
pub fn get(resource: u32) -> Result<Limit> {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one rlimit64 into a live object.
    let done = unsafe { libc::prlimit64(0, resource as _, ptr::null(), &mut limit) };
    if done < 0 {
        return Err(Error::last("prlimit64", format_args!("0, {resource}")));
    }
    Ok(Limit { soft: limit.rlim_cur, hard: limit.rlim_max })
}

/// setrlimit(2).
///
/// # Errors
/// EPERM when the hard limit would rise without CAP_SYS_RESOURCE, EINVAL when soft is above hard.
pub fn set(resource: u32, limit: Limit) -> Result<()> {
    let new = libc::rlimit64 { rlim_cur: limit.soft, rlim_max: limit.hard };
    // SAFETY: the kernel reads one rlimit64 from a live object.
    let done = unsafe { libc::prlimit64(0, resource as _, &new, ptr::null_mut()) };
    if done < 0 {
        return Err(Error::last("prlimit64", format_args!("0, {resource}, {}, {}", limit.soft, limit.hard)));
    }
    Ok(())
}
