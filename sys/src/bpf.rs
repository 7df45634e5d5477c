//! Device programs of cgroup v2: loads eBPF instructions and attaches them to a cgroup (bpf(2), bpf-helpers(7)).
#![expect(unsafe_code, reason = "bpf(2)")]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::{Error, Result, error::check};

/// One instruction, as `struct bpf_insn` lays it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    pub code: u8,
    /// Destination in the low four bits, source in the high four.
    pub registers: u8,
    pub offset: i16,
    pub immediate: i32,
}

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_ATTACH: libc::c_long = 8;
const BPF_PROG_DETACH: libc::c_long = 9;
const BPF_PROG_GET_FD_BY_ID: libc::c_long = 13;
const BPF_PROG_QUERY: libc::c_long = 16;

const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;

/// More programs than a cgroup may have (BPF_CGROUP_MAX_PROGS).
const PROGRAMS_MAX: usize = 64;

/// The head of `union bpf_attr` for BPF_PROG_LOAD; the kernel takes what is not there as zero.
#[repr(C)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
}

/// For BPF_PROG_ATTACH and BPF_PROG_DETACH.
#[repr(C)]
struct Attach {
    target_fd: u32,
    attach_bpf_fd: u32,
    attach_type: u32,
    attach_flags: u32,
}

#[repr(C)]
struct Query {
    target_fd: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    prog_ids: u64,
    prog_cnt: u32,
    padding: u32,
}

#[repr(C)]
struct ById {
    id: u32,
    next_id: u32,
    open_flags: u32,
}

/// Loads a program of type BPF_PROG_TYPE_CGROUP_DEVICE. It lives as long as a descriptor or a cgroup holds it.
///
/// # Errors
/// EACCES or EINVAL if the verifier refuses it, EPERM without CAP_BPF.
pub fn load_device_program(program: &[Instruction]) -> Result<OwnedFd> {
    let attr = Load {
        prog_type: BPF_PROG_TYPE_CGROUP_DEVICE,
        insn_cnt: u32::try_from(program.len()).unwrap_or(u32::MAX),
        insns: program.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buf: 0,
        kern_version: 0,
        prog_flags: 0,
        prog_name: *b"berth_devices\0\0\0",
    };
    let fd = bpf(BPF_PROG_LOAD, &attr).map_err(|errno| {
        Error::new("bpf", format_args!("PROG_LOAD, {} instructions", program.len()), errno)
    })?;
    Ok(owned(fd))
}

/// Attaches a device program to a cgroup, so that it alone decides there; programs of cgroups above still count.
/// In between both decide, so there is no moment without one.
pub fn set_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<()> {
    let old = device_programs(cgroup)?;
    let attr = |program: BorrowedFd<'_>, flags| Attach {
        target_fd: cgroup.as_raw_fd() as u32,
        attach_bpf_fd: program.as_raw_fd() as u32,
        attach_type: BPF_CGROUP_DEVICE,
        attach_flags: flags,
    };
    bpf(BPF_PROG_ATTACH, &attr(program, BPF_F_ALLOW_MULTI))
        .map_err(|errno| Error::new("bpf", format_args!("PROG_ATTACH, {}", cgroup.as_raw_fd()), errno))?;
    for id in old {
        let by_id = ById { id, next_id: 0, open_flags: 0 };
        let old = bpf(BPF_PROG_GET_FD_BY_ID, &by_id)
            .map_err(|errno| Error::new("bpf", format_args!("PROG_GET_FD_BY_ID, {id}"), errno))?;
        let old = owned(old);
        bpf(BPF_PROG_DETACH, &attr(std::os::fd::AsFd::as_fd(&old), 0)).map_err(|errno| {
            Error::new("bpf", format_args!("PROG_DETACH, {}, {id}", cgroup.as_raw_fd()), errno)
        })?;
    }
    Ok(())
}

/// The ids of the device programs attached to this very cgroup.
pub fn device_programs(cgroup: BorrowedFd<'_>) -> Result<Vec<u32>> {
    let mut ids = [0u32; PROGRAMS_MAX];
    let mut attr = Query {
        target_fd: cgroup.as_raw_fd() as u32,
        attach_type: BPF_CGROUP_DEVICE,
        query_flags: 0,
        attach_flags: 0,
        prog_ids: ids.as_mut_ptr() as u64,
        prog_cnt: PROGRAMS_MAX as u32,
        padding: 0,
    };
    bpf_mut(BPF_PROG_QUERY, &mut attr)
        .map_err(|errno| Error::new("bpf", format_args!("PROG_QUERY, {}", cgroup.as_raw_fd()), errno))?;
    Ok(ids.into_iter().take(attr.prog_cnt as usize).collect())
}

fn bpf<T>(command: libc::c_long, attr: &T) -> std::result::Result<libc::c_long, crate::Errno> {
    // SAFETY: attr is a live struct of the size given, laid out as the head of union bpf_attr for this command; the
    // pointers inside it lead to buffers that outlive the call, and the kernel only reads through these.
    check(unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attr), size_of::<T>()) })
}

fn bpf_mut<T>(command: libc::c_long, attr: &mut T) -> std::result::Result<libc::c_long, crate::Errno> {
    // SAFETY: as in `bpf`; the kernel writes the count into attr, and as many ids as the count said there is room
    // for into the buffer that attr points to, which the caller holds mutably.
    check(unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<T>()) })
}

fn owned(fd: libc::c_long) -> OwnedFd {
    // SAFETY: the kernel has just returned this descriptor, close-on-exec, and nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

#[cfg(test)]
mod tests;
