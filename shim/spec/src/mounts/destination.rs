//! Where in a container something may be mounted.

use crate::error::{Result, SpecError, quoted};

/// Longest path, PATH_MAX of `<linux/limits.h>`, without its NUL.
const PATH_LIMIT: usize = 4095;

/// Files of /proc that may be replaced: what lxcfs and its like provide. Everywhere else below /proc a mount would let
/// the container's owner choose what the runtime reads and writes there (CVE-2019-16884).
const PROC_FILES: [&str; 10] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
];

/// The cleaned destination of a CRI mount.
pub(super) fn of_request(path: &str) -> Result<String> {
    let refuse = |cause: &str, way_out: &str| {
        Err(SpecError::invalid(format!("mount at {}", quoted(path)), cause, way_out))
    };
    if !path.starts_with('/') {
        return refuse("it is not absolute", "start container_path with \"/\"");
    }
    let Some(clean) = clean(path) else {
        return refuse("it is no plain path", "use a path without \"..\" and control characters");
    };
    if clean == "/" {
        return refuse("it would hide the whole container", "mount into a directory");
    }
    Ok(clean)
}

/// As above for /proc, which only takes the host's own and the files programs count resources by. Apart, because the
/// answer depends on what is mounted there.
pub(super) fn check_proc(destination: &str, source: &std::path::Path) -> Result<()> {
    let below = destination.strip_prefix("/proc");
    let inside = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let host_proc = destination == "/proc" && source == std::path::Path::new("/proc");
    if !inside || host_proc || PROC_FILES.contains(&destination) {
        return Ok(());
    }
    Err(SpecError::invalid(
        format!("mount at {}", quoted(destination)),
        "it would replace part of /proc, through which a container is confined",
        "mount it elsewhere, for instance below /host/proc",
    ))
}

/// The cleaned destination of an image's volume, which is relative to the root however it is written. `None` for a place
/// in a file system of the kernel: images made for systemd declare /sys/fs/cgroup, and what is there anyway serves them.
pub(super) fn of_image(path: &str) -> Result<Option<String>> {
    match clean(path) {
        Some(clean) if clean != "/" => {
            let kernel =
                ["/proc", "/sys", "/dev"].iter().any(|dir| std::path::Path::new(&clean).starts_with(dir));
            Ok((!kernel).then_some(clean))
        }
        _ => Err(SpecError::invalid(
            format!("VOLUME {} of the image", quoted(path)),
            "it is the root, climbs, or holds control characters",
            "rebuild the image without it",
        )),
    }
}

/// The path from the root without empty and "." parts; `None` if it climbs, is too long or holds control characters.
fn clean(path: &str) -> Option<String> {
    if path.len() > PATH_LIMIT || path.chars().any(char::is_control) {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return None;
    }
    Some(format!("/{}", parts.join("/")))
}
