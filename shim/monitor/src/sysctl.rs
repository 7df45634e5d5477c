//! Writing a kernel parameter of a namespace, by a handle on /proc/sys that leads nowhere else.
use proto::monitor::Sysctl;
use sys::{
    Errno,
    fd::{self, magic},
    io::{self, Transfer},
    path::{self, Open, Within},
};

use crate::failure::{At, Result, failed};

/// Writes each in order, through the /proc of the caller's root (call it before leaving the host's).
///
/// # Errors
/// ENOENT for a parameter this kernel lacks, EROFS, EINVAL for a name that is no path below /proc/sys; the
/// failure names the parameter.
pub(crate) fn write_all(sysctls: &[Sysctl]) -> Result<()> {
    if sysctls.is_empty() {
        return Ok(());
    }
    let root = path::open_dir("/proc/sys").at("sysctl")?;
    if fd::file_system_magic(&root).at("sysctl")? != magic::PROC {
        return Err(failed("sysctl", "/proc/sys is not procfs", Errno::EINVAL));
    }
    for sysctl in sysctls {
        let what = || format!("{} = {:?}", dotted(&sysctl.name), sysctl.value);
        let file = path::open(&root, relative(&sysctl.name)?, Open::WRONLY, Within::SameMount)
            .at_doing("sysctl", what)?;
        // One write: procfs takes a value whole or not at all.
        match io::write(&file, sysctl.value.as_bytes()).at_doing("sysctl", what)? {
            Transfer::Bytes(count) if count == sysctl.value.len() => {}
            Transfer::Bytes(_) | Transfer::WouldBlock | Transfer::Closed => {
                return Err(failed("sysctl", what(), Errno::EIO));
            }
        }
    }
    Ok(())
}

/// "net.ipv4.ip_forward" and "net/ipv4/ip_forward" are the same; with slashes, dots belong to names
/// ("net/ipv4/conf/eth0.100/forwarding").
fn relative(name: &str) -> Result<String> {
    let path = if name.contains('/') { name.to_owned() } else { name.replace('.', "/") };
    if path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Err(failed("sysctl", format!("{name:?} is not the name of a parameter"), Errno::EINVAL));
    }
    Ok(path)
}

/// The name as people and manifests write it, and as sysctl(8) prints it: "net.ipv4.conf.eth0/100.forwarding".
fn dotted(name: &str) -> String {
    let swap = |letter| match letter {
        '/' => '.',
        '.' => '/',
        other => other,
    };
    if name.contains('/') { name.chars().map(swap).collect() } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
