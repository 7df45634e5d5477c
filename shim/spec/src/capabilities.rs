//! Which capabilities a container gets, from what the request adds and drops.

use std::fmt;

use proto::cri;

use crate::error::{Result, SpecError, quoted};

/// Capability n is bit n, as in `<linux/capability.h>` and the monitor's plan.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CapabilitySet(pub u64);

/// By number, without "CAP_".
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The five sets of a process; see capabilities(7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessCapabilities {
    /// What can ever be gained by executing a file.
    pub(crate) bounding: CapabilitySet,
    /// What holds now.
    pub(crate) effective: CapabilitySet,
    /// What may be made effective.
    pub(crate) permitted: CapabilitySet,
    /// Empty unless ambient ones are asked for: the kernel wants ambient ⊆ inheritable, and anything more lets file
    /// capabilities of the image through (CVE-2022-24769 and its kin).
    pub(crate) inheritable: CapabilitySet,
    /// What survives execve for a user other than root.
    pub(crate) ambient: CapabilitySet,
}

/// The capabilities of a container.
///
/// `ALL` is taken first, then the named ones are added, then the named ones are dropped, so that the usual
/// "drop ALL, add one" leaves that one, and "add ALL, drop one" everything else. Nothing beyond `bounding` is given.
///
/// # Errors
/// A name no kernel knows. When it is dropped too: silently ignoring a typing error there would leave a power in place.
pub(crate) fn resolve(
    request: Option<&cri::Capability>,
    privileged: bool,
    default: CapabilitySet,
    bounding: CapabilitySet,
) -> Result<ProcessCapabilities> {
    if privileged {
        return Ok(ProcessCapabilities::plain(CapabilitySet::ALL & bounding));
    }
    let Some(request) = request else {
        return Ok(ProcessCapabilities::plain(default & bounding));
    };
    let add = Names::parse(&request.add_capabilities)?;
    let drop = Names::parse(&request.drop_capabilities)?;
    let ambient = Names::parse(&request.add_ambient_capabilities)?;

    let base = match (add.all || ambient.all, drop.all) {
        (_, true) => CapabilitySet::default(),
        (true, false) => CapabilitySet::ALL,
        (false, false) => default,
    };
    let given = ((base | add.named | ambient.named) - drop.named) & bounding;
    let ambient = if ambient.all { given } else { ambient.named & given };
    Ok(ProcessCapabilities { ambient, inheritable: ambient, ..ProcessCapabilities::plain(given) })
}

/// A list of capability names.
struct Names {
    all: bool,
    named: CapabilitySet,
}

// === impl Names ===

impl Names {
    fn parse(names: &[String]) -> Result<Self> {
        let mut parsed = Self { all: false, named: CapabilitySet::default() };
        for name in names {
            if name.eq_ignore_ascii_case("ALL") {
                parsed.all = true;
                continue;
            }
            parsed.named = parsed.named
                | CapabilitySet::by_name(name).ok_or_else(|| {
                    SpecError::invalid(
                        format!("capability {}", quoted(name)),
                        "there is no capability of this name",
                        "use a name of capabilities(7), with or without \"CAP_\", or \"ALL\"",
                    )
                })?;
        }
        Ok(parsed)
    }
}

// === impl ProcessCapabilities ===

impl ProcessCapabilities {
    fn plain(set: CapabilitySet) -> Self {
        Self { bounding: set, effective: set, permitted: set, ..Self::default() }
    }
}

// === impl CapabilitySet ===

impl CapabilitySet {
    /// Every capability known to Linux 6.18.
    pub const ALL: Self = Self((1 << NAMES.len()) - 1);

    /// What containers get from containerd and Docker. Published images count on each of the last five: sshd and apt
    /// (SYS_CHROOT), su and login (AUDIT_WRITE), image builders (MKNOD, SETFCAP), ping with raw sockets (NET_RAW), and
    /// the Kubernetes conformance images among them. Seccomp, not this set, keeps packet sockets' attack surface small.
    pub const COMPATIBLE: Self = Self(
        Self::RESTRICTED.0
            | Self::bit(13) // NET_RAW
            | Self::bit(18) // SYS_CHROOT
            | Self::bit(27) // MKNOD
            | Self::bit(29) // AUDIT_WRITE
            | Self::bit(31), // SETFCAP
    );

    /// CRI-O's shorter set, for operators whose images do without the five.
    pub const RESTRICTED: Self = Self(
        Self::bit(0) // CHOWN
            | Self::bit(1) // DAC_OVERRIDE
            | Self::bit(3) // FOWNER
            | Self::bit(4) // FSETID
            | Self::bit(5) // KILL
            | Self::bit(6) // SETGID
            | Self::bit(7) // SETUID
            | Self::bit(8) // SETPCAP
            | Self::bit(10), // NET_BIND_SERVICE
    );

    const fn bit(number: u32) -> u64 {
        1 << number
    }

    /// The set of one capability: "NET_ADMIN", "CAP_NET_ADMIN", "cap_net_admin".
    pub fn by_name(name: &str) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
        NAMES.iter().position(|known| *known == short).map(|number| Self(1 << number))
    }

    /// The set of names from our own tables; unknown ones are left out.
    pub(crate) fn by_names(names: &[&str]) -> Self {
        names.iter().filter_map(|name| Self::by_name(name)).fold(Self::default(), |set, one| set | one)
    }

    /// Whether all of `other` is in it.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names in it, in the kernel's order, without "CAP_".
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(number, _)| self.0 >> number & 1 == 1).map(|(_, name)| *name)
    }
}

impl std::ops::BitOr for CapabilitySet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitAnd for CapabilitySet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl std::ops::Sub for CapabilitySet {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests;
