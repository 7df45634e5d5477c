#![expect(unsafe_code, reason = "posix_spawn(3)")]
//! Starting programs from a process of any size: posix_spawn (it shares memory until the exec, so a big daemon
//! never copies its page tables), exact descriptors, empty environment, default signals.
use std::{
    ffi::{CStr, CString},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    path::Path,
    ptr,
};

use crate::{Errno, Error, Result, fd, pidfd};

/// The file that is executed.
#[derive(Debug, Clone, Copy)]
pub enum Executable<'a> {
    Path(&'a CStr),
    /// An open file, such as a sealed memfd.
    Fd(BorrowedFd<'a>),
}

/// What [`spawn`] starts.
#[derive(Debug)]
pub struct SpawnArgs<'a> {
    pub executable: Executable<'a>,
    pub argv: &'a [&'a CStr],
    /// The whole environment.
    pub env: &'a [&'a CStr],
    /// (descriptor here, its number there). Numbers not named: 0, 1 and 2 are inherited, all others are closed
    /// because everything in Berth is opened close-on-exec.
    pub fds: &'a [(BorrowedFd<'a>, RawFd)],
    /// A new session: the child survives its starter's terminal and process group.
    pub setsid: bool,
}

/// A started child that has not been waited for.
#[derive(Debug)]
pub struct Child {
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// Starts a program with posix_spawn(3). The caller must wait for it (`pidfd::wait`).
///
/// # Errors
/// The errno of the failed exec, EMFILE, ENOMEM.
pub fn spawn(args: &SpawnArgs<'_>) -> Result<Child> {
    // Source numbers must lie above every target, or placing one would overwrite the next.
    let lowest = args.fds.iter().map(|(_, target)| target + 1).max().unwrap_or(3).max(3);
    let mut sources = Vec::with_capacity(args.fds.len());
    for (source, target) in args.fds {
        sources.push((fd::duplicate_from(source, lowest)?, *target));
    }
    let (path, _executable) = match args.executable {
        Executable::Path(path) => (path.to_owned(), None),
        Executable::Fd(file) => {
            let file = fd::duplicate_from(file, lowest)?;
            (c_string(&fd::proc_path(file.as_fd()))?, Some(file))
        }
    };
    let mut actions = FileActions::new()?;
    for (source, target) in &sources {
        actions.add_dup2(source.as_raw_fd(), *target)?;
    }
    let attributes = Attributes::new(args.setsid)?;
    let argv = pointers(args.argv);
    let env = pointers(args.env);
    let mut pid = 0;
    // SAFETY: every pointer is to a live, initialised object; both arrays end with a null pointer.
    let failed = unsafe {
        libc::posix_spawn(&raw mut pid, path.as_ptr(), &actions.0, &attributes.0, argv.as_ptr(), env.as_ptr())
    };
    spawn_check(failed, || format!("{path:?}"))?;
    Ok(Child { pid, pidfd: pidfd::open(pid)? })
}

/// A [`std::process::Command`] with an empty environment and `/` as its directory, from a process whose every
/// descriptor is close-on-exec: nothing reaches the program but what the caller adds.
pub fn command(program: impl AsRef<Path>) -> std::process::Command {
    // Without the flag a descriptor some library left open would leak; failure means a kernel before 5.11.
    fd::close_range_cloexec(3).ok();
    #[expect(clippy::disallowed_methods, reason = "this is the one door")]
    let mut command = std::process::Command::new(program.as_ref());
    command.env_clear().current_dir("/");
    command
}

/// This process's own id.
pub fn id() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// setsid(2): away from the starter's session and terminal.
///
/// # Errors
/// EPERM for the leader of a process group.
pub fn new_session() -> Result<()> {
    rustix::process::setsid().map(drop).map_err(|errno| Error::new("setsid", "", errno.into()))
}

/// _exit(2): no destructors, no buffers; the way out for a cloned child.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: takes no memory and does not return.
    unsafe { libc::_exit(code) }
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new("posix_spawn", format_args!("{text:?}"), Errno::EINVAL))
}

/// A null-terminated array of C strings that borrows `strings`.
pub(crate) fn pointers(strings: &[impl AsRef<CStr>]) -> Vec<*mut libc::c_char> {
    strings.iter().map(|text| text.as_ref().as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

fn spawn_check(errno: i32, args: impl FnOnce() -> String) -> Result<()> {
    if errno == 0 { Ok(()) } else { Err(Error::new("posix_spawn", args(), Errno(errno))) }
}

struct FileActions(libc::posix_spawn_file_actions_t);

impl FileActions {
    fn new() -> Result<Self> {
        let mut actions = std::mem::MaybeUninit::uninit();
        // SAFETY: init writes the whole object.
        let failed = unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) };
        spawn_check(failed, || "file_actions_init".into())?;
        // SAFETY: initialised by the call above.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn add_dup2(&mut self, source: RawFd, target: RawFd) -> Result<()> {
        // SAFETY: the object is initialised; the numbers are only recorded.
        let failed = unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, source, target) };
        spawn_check(failed, || format!("dup2 {source} {target}"))
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    /// Empty signal mask, default dispositions.
    fn new(setsid: bool) -> Result<Self> {
        /// POSIX_SPAWN_SETSID of <spawn.h>: glibc since 2.26, musl since 1.1.20.
        const SETSID: i32 = 0x80;
        let mut attributes = std::mem::MaybeUninit::uninit();
        // SAFETY: init writes the whole object.
        let failed = unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) };
        spawn_check(failed, || "attr_init".into())?;
        // SAFETY: initialised by the call above.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let flags =
            libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF | if setsid { SETSID } else { 0 };
        let flags = libc::c_short::try_from(flags).unwrap_or(0);
        // SAFETY: the object is initialised.
        let failed = unsafe { libc::posix_spawnattr_setflags(&mut attributes.0, flags) };
        spawn_check(failed, || "attr_setflags".into())?;
        let none = crate::signal::empty_set();
        // SAFETY: both objects are initialised; the set is copied.
        let failed = unsafe { libc::posix_spawnattr_setsigmask(&mut attributes.0, &none) };
        spawn_check(failed, || "attr_setsigmask".into())?;
        let all = crate::signal::full_set();
        // SAFETY: both objects are initialised; the set is copied.
        let failed = unsafe { libc::posix_spawnattr_setsigdefault(&mut attributes.0, &all) };
        spawn_check(failed, || "attr_setsigdefault".into())?;
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

#[cfg(test)]
mod tests;
