//! Arguments, environment and the files to try, as C strings: everything that can be wrong before the user
//! is changed.
use std::ffi::{CStr, CString};

use proto::monitor::Process;
use sys::Errno;

use crate::failure::{Result, failed};

/// As execvp(3) and every other runtime when the environment names none.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) argv: Vec<CString>,
    pub(super) env: Vec<CString>,
    /// Files to execute, best first.
    pub(super) candidates: Vec<CString>,
}

impl Arguments {
    pub(super) fn of(plan: &Process) -> Result<Self> {
        let invalid = |what: &str| failed("exec", what, Errno::EINVAL);
        let argv: Vec<CString> = plan
            .args
            .iter()
            .map(|arg| CString::new(arg.as_str()))
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| invalid("an argument holds a NUL byte"))?;
        let env: Vec<CString> = plan
            .env
            .iter()
            .map(|entry| CString::new(entry.as_slice()))
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| invalid("an environment variable holds a NUL byte"))?;
        let name = argv.first().ok_or_else(|| invalid("no arguments"))?;
        let candidates = candidates(name, &env);
        Ok(Self { argv, env, candidates })
    }

    pub(super) fn name(&self) -> &CStr {
        self.argv.first().map_or(c"", CString::as_c_str)
    }
}

/// A name with a slash is a path; any other is looked for in the container's PATH. Empty entries, which mean
/// the current directory, are passed over.
fn candidates(name: &CStr, env: &[CString]) -> Vec<CString> {
    let bytes = name.to_bytes();
    if bytes.is_empty() {
        return Vec::new();
    }
    if bytes.contains(&b'/') {
        return vec![name.to_owned()];
    }
    let path = env.iter().find_map(|entry| entry.to_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH);
    path.split(|byte| *byte == b':')
        .filter(|dir| !dir.is_empty())
        .filter_map(|dir| CString::new([dir, b"/", bytes].concat()).ok())
        .collect()
}

#[cfg(test)]
mod tests;
