#![expect(unsafe_code, reason = "execve(2)")]
//! Becoming another program.
use std::ffi::CStr;

use crate::{Error, process::pointers};

/// execve(2). Returns only when it failed.
pub fn execve(path: &CStr, argv: &[impl AsRef<CStr>], env: &[impl AsRef<CStr>]) -> Error {
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: the path is a live C string, both arrays hold live C strings and end with a null pointer.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr().cast(), env.as_ptr().cast()) };
    Error::last("execve", format_args!("{path:?}"))
}
