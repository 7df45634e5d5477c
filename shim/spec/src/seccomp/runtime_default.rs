//! What "RuntimeDefault" means: our own profile.

mod tables;

use oci_spec::runtime::{
    LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder, LinuxSeccompBuilder,
    LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};

use super::arch::Machine;
use crate::{
    capabilities::CapabilitySet,
    error::{Result, SpecError},
};

/// EPERM and ENOSYS of `<asm-generic/errno.h>`.
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// CLONE_NEW* of `<linux/sched.h>`, all that clone(2) itself can take.
const CLONE_NEW: [u64; 7] = [
    0x0002_0000, // NEWNS
    0x0200_0000, // NEWCGROUP
    0x0400_0000, // NEWUTS
    0x0800_0000, // NEWIPC
    0x1000_0000, // NEWUSER
    0x2000_0000, // NEWPID
    0x4000_0000, // NEWNET
];

/// Personalities of `<linux/personality.h>` that change nothing a kernel bug could build on: Linux, 32-bit Linux, the
/// 2.6 version number with either, no address randomisation (for debuggers), and asking.
const PERSONALITIES: [u64; 7] = [0, 0x8, 0x2_0000, 0x2_0008, 0x4_0000, 0x4_0008, 0xffff_ffff];

/// Address families, `<linux/socket.h>`. AF_ALG writes into the page cache of files shared between containers
/// (CVE-2026-31431); AF_VSOCK reaches the hypervisor and other machines past every network policy.
const AF_ALG: u64 = 38;
const AF_VSOCK: u64 = 40;

/// The profile for a container with these capabilities in its bounding set.
///
/// Denied calls fail with EPERM, calls the profile does not know with ENOSYS, so that a libc newer than it falls back.
/// 32-bit programs run under the same rules, except that [`Policy::allow_socketcall`](crate::Policy) decides about the
/// one call that hides its arguments; x32 programs do not run.
pub(super) fn profile(capabilities: CapabilitySet, allow_socketcall: bool) -> Result<LinuxSeccomp> {
    let mut allowed: Vec<&str> = tables::ALLOWED.iter().flat_map(|list| list.split_whitespace()).collect();
    let mut denied: Vec<&str> = tables::DENIED.split_whitespace().collect();
    for (governing, calls) in tables::GOVERNED {
        let held = CapabilitySet::by_names(governing).0 & capabilities.0 != 0;
        let calls = calls.split_whitespace();
        if held { allowed.extend(calls) } else { denied.extend(calls) }
    }
    if allow_socketcall {
        allowed.push("socketcall")
    } else {
        denied.push("socketcall")
    }
    let namespaces = capabilities.contains(CapabilitySet::by_names(&["SYS_ADMIN"]));

    let mut rules = Vec::new();
    if namespaces {
        allowed.push("clone");
    } else {
        // Its flags are behind a pointer, so nothing can be decided; ENOSYS makes libc use clone.
        denied.retain(|call| *call != "clone3");
        rules.push(errno(&["clone3"], ENOSYS, Vec::new())?);
        rules.extend(clone_without_namespaces()?);
    }
    rules.extend(sockets()?);
    for value in PERSONALITIES {
        rules.push(allow(&["personality"], vec![arg(0, LinuxSeccompOperator::ScmpCmpEq, value, None)?])?);
    }
    rules.insert(0, allow(&allowed, Vec::new())?);
    rules.insert(1, errno(&denied, EPERM, Vec::new())?);

    let machines = [Some(Machine::NATIVE), Machine::NATIVE.compatible()];
    let architectures: Vec<_> = machines.into_iter().flatten().map(Machine::to_oci).collect();
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActErrno)
        .default_errno_ret(ENOSYS)
        .architectures(architectures)
        .syscalls(rules)
        .build()
        .map_err(internal)
}

/// New processes and threads, but no new namespaces. EPERM, not ENOSYS: sandboxes of browsers and package managers take
/// it for "not here" and go on.
fn clone_without_namespaces() -> Result<Vec<LinuxSyscall>> {
    let masked = LinuxSeccompOperator::ScmpCmpMaskedEq;
    let all = CLONE_NEW.iter().fold(0, |all, flag| all | flag);
    let mut rules = vec![allow(&["clone"], vec![arg(0, masked, all, Some(0))?])?];
    for flag in CLONE_NEW {
        rules.push(errno(&["clone"], EPERM, vec![arg(0, masked, flag, Some(flag))?])?);
    }
    Ok(rules)
}

/// Every family but the two, as three ranges, since two "not equal" rules on one argument allow everything between them.
///
/// The ranges alone would leave a hole: a filter sees 64 bits of an argument that the kernel then cuts to an int, so that
/// `1 << 32 | AF_ALG` lies in the last range and still makes an AF_ALG socket. The masked rules close it.
fn sockets() -> Result<Vec<LinuxSyscall>> {
    use LinuxSeccompOperator::{ScmpCmpEq, ScmpCmpGt, ScmpCmpLt, ScmpCmpMaskedEq};
    let socket = ["socket"];
    let mut rules = vec![
        allow(&socket, vec![arg(0, ScmpCmpLt, AF_ALG, None)?])?,
        allow(&socket, vec![arg(0, ScmpCmpEq, AF_ALG + 1, None)?])?,
        allow(&socket, vec![arg(0, ScmpCmpGt, AF_VSOCK, None)?])?,
    ];
    for family in [AF_ALG, AF_VSOCK] {
        rules.push(errno(&socket, EPERM, vec![arg(0, ScmpCmpMaskedEq, u64::from(u32::MAX), Some(family))?])?);
    }
    Ok(rules)
}

fn allow(names: &[&str], args: Vec<LinuxSeccompArg>) -> Result<LinuxSyscall> {
    rule(names, LinuxSeccompAction::ScmpActAllow, None, args)
}

fn errno(names: &[&str], errno: u32, args: Vec<LinuxSeccompArg>) -> Result<LinuxSyscall> {
    rule(names, LinuxSeccompAction::ScmpActErrno, Some(errno), args)
}

fn rule(
    names: &[&str],
    action: LinuxSeccompAction,
    errno: Option<u32>,
    args: Vec<LinuxSeccompArg>,
) -> Result<LinuxSyscall> {
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort_unstable();
    let mut rule = LinuxSyscallBuilder::default().names(names).action(action);
    if let Some(errno) = errno {
        rule = rule.errno_ret(errno);
    }
    if !args.is_empty() {
        rule = rule.args(args);
    }
    rule.build().map_err(internal)
}

fn arg(index: usize, op: LinuxSeccompOperator, value: u64, datum: Option<u64>) -> Result<LinuxSeccompArg> {
    let mut arg = LinuxSeccompArgBuilder::default().index(index).op(op).value(value);
    if let Some(datum) = datum {
        arg = arg.value_two(datum);
    }
    arg.build().map_err(internal)
}

fn internal(error: oci_spec::OciSpecError) -> SpecError {
    SpecError::internal("the default seccomp profile", error.to_string())
}

#[cfg(test)]
mod tests;
