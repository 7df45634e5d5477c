#![expect(unsafe_code, reason = "capset(2), prctl(2) PR_CAP*")]
//! Capabilities of the calling thread as bit masks: bit n is capability n of <linux/capability.h>.
use crate::{
    Result,
    error::{Named, check},
};

/// The five sets; see capabilities(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sets {
    pub bounding: u64,
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
    pub ambient: u64,
}

/// The bounding set.
pub fn bounding() -> u64 {
    let mut set = 0;
    for capability in 0..64_u64 {
        // SAFETY: takes no memory; an unknown capability is refused with EINVAL.
        match unsafe { libc::prctl(libc::PR_CAPBSET_READ, capability, 0, 0, 0) } {
            1 => set |= 1 << capability,
            0 => {}
            // Past the kernel's last capability.
            _ => break,
        }
    }
    set
}

/// Drops every capability outside `keep` from the bounding set.
pub fn limit_bounding(keep: u64) -> Result<()> {
    let drop_these = bounding() & !keep;
    for capability in (0..64_u64).filter(|bit| drop_these & (1 << bit) != 0) {
        // SAFETY: takes no memory.
        let done = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        check(done.into()).named("prctl", || format!("PR_CAPBSET_DROP, {capability}"))?;
    }
    Ok(())
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// capset(2) of effective, permitted and inheritable; the bounding and ambient sets are not touched.
///
/// # Errors
/// EPERM when something is asked that is not permitted now.
pub fn set(sets: &Sets) -> Result<()> {
    /// _LINUX_CAPABILITY_VERSION_3 of <linux/capability.h>.
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let halves = [0, 32].map(|shift| Half {
        effective: (sets.effective >> shift) as u32,
        permitted: (sets.permitted >> shift) as u32,
        inheritable: (sets.inheritable >> shift) as u32,
    });
    // SAFETY: version 3 reads one header and two halves, all live and initialised.
    let done = unsafe { libc::syscall(libc::SYS_capset, &header, halves.as_ptr()) };
    check(done)
        .map(drop)
        .named("capset", || format!("e={:x} p={:x} i={:x}", sets.effective, sets.permitted, sets.inheritable))
}

/// Makes the ambient set exactly `ambient`, as far as permitted and inheritable hold it.
pub fn set_ambient(ambient: u64) -> Result<()> {
    ambient_call(libc::PR_CAP_AMBIENT_CLEAR_ALL, 0)?;
    for capability in (0..64_u64).filter(|bit| ambient & (1 << bit) != 0) {
        ambient_call(libc::PR_CAP_AMBIENT_RAISE, capability)?;
    }
    Ok(())
}

fn ambient_call(what: i32, capability: u64) -> Result<()> {
    // SAFETY: takes no memory.
    let done = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, what as libc::c_ulong, capability, 0, 0) };
    check(done.into()).map(drop).named("prctl", || format!("PR_CAP_AMBIENT, {what}, {capability}"))
}
