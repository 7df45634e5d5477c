#![expect(unsafe_code, reason = "seccomp(2)")]
//! Loads a ready BPF program as the calling thread's seccomp filter.
use crate::{
    Errno, Error, Result,
    error::{Named, check},
};

/// seccomp(2) SECCOMP_SET_MODE_FILTER. `filter` is `struct sock_filter[]` in native byte order.
///
/// # Errors
/// EINVAL for bytes that are no filter, EACCES without CAP_SYS_ADMIN and no_new_privs.
pub fn install(filter: &[u8], flags: u32) -> Result<()> {
    const SIZE: usize = size_of::<libc::sock_filter>();
    let args = || format!("SET_MODE_FILTER, {flags:#x}, {} bytes", filter.len());
    let invalid = || Error::new("seccomp", args(), Errno::EINVAL);
    let (instructions, rest) = filter.as_chunks::<SIZE>();
    if !rest.is_empty() {
        return Err(invalid());
    }
    // Copied, because bytes need not be aligned.
    let mut copy: Vec<libc::sock_filter> = instructions
        .iter()
        .map(|[c0, c1, jt, jf, k0, k1, k2, k3]| libc::sock_filter {
            code: u16::from_ne_bytes([*c0, *c1]),
            jt: *jt,
            jf: *jf,
            k: u32::from_ne_bytes([*k0, *k1, *k2, *k3]),
        })
        .collect();
    let program = libc::sock_fprog {
        len: u16::try_from(copy.len()).map_err(|_| invalid())?,
        filter: copy.as_mut_ptr(),
    };
    // SAFETY: the kernel copies `len` instructions, which live in the vector above until the call returns.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &program) };
    check(done).map(drop).named("seccomp", args)
}
