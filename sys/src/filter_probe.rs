#![expect(unsafe_code, reason = "fork(2), seccomp(2) and the call to be tried")]
//! Tries a system call under a seccomp filter, in a child that does nothing else.
use std::{ptr, sync::atomic::AtomicI64, sync::atomic::Ordering};

use crate::{
    Errno, Error, Result,
    error::{Named, check},
    prctl, seccomp,
};

/// How the call is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abi {
    /// As this program's own calls.
    Native,
    /// As a 32-bit program of the i386 kind enters (`int 0x80`); three arguments, 32 bits each. x86-64 only.
    I386,
}

/// What became of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Returned(i64),
    /// It failed.
    Failed(Errno),
    /// The child died of this signal before the call returned.
    Killed(i32),
}

/// Makes the call in a forked child that has installed `filter`, without privileges to gain and without a terminal.
/// Arguments that would harm the machine do so, should the filter let them pass: use impossible ones.
///
/// # Errors
/// When there can be no child, or the filter cannot be installed (then EINVAL, whatever the cause).
pub fn probe(filter: &[u8], flags: u32, abi: Abi, number: u32, args: [u64; 6]) -> Result<Outcome> {
    const UNSET: i64 = i64::MIN;
    const NOT_INSTALLED: i64 = i64::MIN + 1;
    let shared = SharedWord::new()?;
    shared.word().store(NOT_INSTALLED, Ordering::SeqCst);

    // SAFETY: the child below makes no call that needs a lock another thread of this process could hold: `install`
    // allocates, which glibc's fork makes safe, and everything else is a bare system call.
    let pid = unsafe { libc::fork() };
    let pid = check(i64::from(pid)).named("fork", String::new)?;
    if pid == 0 {
        // SAFETY: setsid(2) touches no memory.
        unsafe { libc::setsid() };
        if prctl::set_no_new_privs().is_ok() && seccomp::install(filter, flags).is_ok() {
            shared.word().store(UNSET, Ordering::SeqCst);
            let value = call(abi, number, args);
            shared.word().store(value, Ordering::SeqCst);
        }
        // The filter may refuse exit_group, and then nothing but a fault ends the process.
        // SAFETY: _exit(2) touches no memory.
        unsafe { libc::syscall(libc::SYS_exit_group, 0) };
        std::process::abort();
    }
    let mut status = 0;
    let pid = libc::pid_t::try_from(pid).map_err(|_| Error::new("fork", pid, Errno::EINVAL))?;
    // SAFETY: the kernel writes one int, which lives here; the child is ours.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    check(i64::from(waited)).named("waitpid", || pid)?;
    match shared.word().load(Ordering::SeqCst) {
        NOT_INSTALLED => Err(Error::new("seccomp", format!("{} bytes", filter.len()), Errno::EINVAL)),
        UNSET => Ok(Outcome::Killed(libc::WTERMSIG(status))),
        value if (-4095..0).contains(&value) => {
            Ok(Outcome::Failed(Errno(i32::try_from(-value).unwrap_or(libc::EIO))))
        }
        value => Ok(Outcome::Returned(value)),
    }
}

/// The raw value, negative errno and all.
fn call(abi: Abi, number: u32, args: [u64; 6]) -> i64 {
    match abi {
        Abi::I386 => call_i386(number, args),
        Abi::Native => {
            // SAFETY: this is a child about to end; whatever the call does to its memory, nobody uses it afterwards
            // but to store one word and leave.
            let value = unsafe {
                libc::syscall(i64::from(number), args[0], args[1], args[2], args[3], args[4], args[5])
            };
            if value == -1 { -i64::from(Errno::last().0) } else { value }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(clippy::cast_possible_truncation, reason = "the entry takes 32 bits of each")]
fn call_i386(number: u32, args: [u64; 6]) -> i64 {
    let value: i32;
    // SAFETY: as in `call`; the registers the kernel clobbers at this entry are declared, and rbx, which the compiler
    // keeps for itself, is put back.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {first}",
            "int 0x80",
            "xchg rbx, {first}",
            first = inout(reg) u64::from(args[0] as u32) => _,
            inlateout("eax") number.cast_signed() => value,
            in("ecx") args[1] as u32,
            in("edx") args[2] as u32,
            in("esi") 0,
            in("edi") 0,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
        );
    }
    i64::from(value)
}

#[cfg(not(target_arch = "x86_64"))]
fn call_i386(_number: u32, _args: [u64; 6]) -> i64 {
    -i64::from(libc::ENOSYS)
}

/// One word that parent and child both see.
struct SharedWord(*mut libc::c_void);

// === impl SharedWord ===

impl SharedWord {
    fn new() -> Result<Self> {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice overlaps nothing.
        let address =
            unsafe { libc::mmap(ptr::null_mut(), size_of::<AtomicI64>(), protection, flags, -1, 0) };
        if address == libc::MAP_FAILED {
            return Err(Error::last("mmap", "MAP_SHARED|MAP_ANONYMOUS, 8 bytes"));
        }
        Ok(Self(address))
    }

    fn word(&self) -> &AtomicI64 {
        // SAFETY: the mapping is page-aligned, zeroed, at least that long, and lives until `drop`; all access is atomic.
        unsafe { AtomicI64::from_ptr(self.0.cast()) }
    }
}

impl Drop for SharedWord {
    fn drop(&mut self) {
        // SAFETY: the mapping is this object's own, and `word` borrows it, so no reference is left.
        unsafe { libc::munmap(self.0, size_of::<AtomicI64>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insn(code: u16, k: u32) -> [u8; 8] {
        let ([c0, c1], [k0, k1, k2, k3]) = (code.to_ne_bytes(), k.to_ne_bytes());
        [c0, c1, 0, 0, k0, k1, k2, k3]
    }

    #[test]
    fn outcomes_are_told_apart() {
        let getppid = u32::try_from(libc::SYS_getppid).unwrap();
        let under = |action: u32| probe(&insn(0x06, action), 0, Abi::Native, getppid, [0; 6]);
        assert!(matches!(under(0x7fff_0000).unwrap(), Outcome::Returned(pid) if pid > 0));
        assert_eq!(under(0x0005_0000 | 38).unwrap(), Outcome::Failed(Errno::ENOSYS));
        assert_eq!(under(0x8000_0000).unwrap(), Outcome::Killed(libc::SIGSYS));
        assert!(probe(b"1234567", 0, Abi::Native, getppid, [0; 6]).is_err());
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_32_bit_entry_is_seen_as_such() {
        // ld [4]; jeq AUDIT_ARCH_I386 → errno 5; allow
        let mut filter = insn(0x20, 4).to_vec();
        let mut jeq = insn(0x15, 0x4000_0003);
        jeq[3] = 1;
        filter.extend(jeq);
        filter.extend(insn(0x06, 0x0005_0005));
        filter.extend(insn(0x06, 0x7fff_0000));
        let outcome = probe(&filter, 0, Abi::I386, 20, [0; 6]).unwrap();
        assert_eq!(outcome, Outcome::Failed(Errno::EIO));
        let allowed = probe(&insn(0x06, 0x7fff_0000), 0, Abi::I386, 20, [0; 6]).unwrap();
        assert!(matches!(allowed, Outcome::Returned(pid) if pid > 0), "{allowed:?}");
    }
}
