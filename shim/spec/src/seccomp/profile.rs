//! Seccomp profiles from files: the OCI section, and the richer form Docker and containers/common share, with rules that
//! hold only for some capabilities, machines or kernels.

use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder, LinuxSeccompBuilder,
    LinuxSeccompFilterFlag, LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};
use serde::Deserialize;

use super::arch::Machine;
use crate::{
    capabilities::CapabilitySet,
    error::{Result, SpecError, quoted},
};

/// Largest profile file read; Docker's has 15 KiB.
pub const PROFILE_LIMIT: usize = 1 << 20;

/// What the rules of a profile may depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    pub(super) capabilities: CapabilitySet,
    pub(super) kernel: (u32, u32),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: String,
    default_errno_ret: Option<u32>,
    default_errno: Option<String>,
    architectures: Option<Vec<String>>,
    arch_map: Option<Vec<ArchMap>>,
    flags: Option<Vec<String>>,
    listener_path: Option<String>,
    syscalls: Option<Vec<Syscall>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchMap {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Syscall {
    /// The oldest form had one name a rule.
    name: Option<String>,
    names: Option<Vec<String>>,
    action: String,
    errno_ret: Option<u32>,
    errno: Option<String>,
    args: Option<Vec<Arg>>,
    includes: Option<Only>,
    excludes: Option<Only>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arg {
    index: usize,
    value: u64,
    value_two: Option<u64>,
    op: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Only {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// Reads a profile and settles what depends on the circumstances.
///
/// # Errors
/// Anything that is no profile, is too long, or names what does not exist.
pub(super) fn parse(bytes: &[u8], circumstances: Circumstances) -> Result<LinuxSeccomp> {
    if bytes.len() > PROFILE_LIMIT {
        return Err(bad(
            &format!("it has {} bytes, and {PROFILE_LIMIT} are the limit", bytes.len()),
            "shorten it",
        ));
    }
    let profile: Profile = serde_json::from_slice(bytes)
        .map_err(|error| bad("it is no seccomp profile in JSON", "correct it").because(error))?;
    if profile.listener_path.as_ref().is_some_and(|path| !path.is_empty()) {
        return Err(SpecError::unsupported(
            "listenerPath in the seccomp profile",
            "this version of Berth passes no notifications on",
            "remove it",
        ));
    }
    let mut rules = Vec::new();
    for call in profile.syscalls.as_deref().unwrap_or_default() {
        if holds(call, circumstances)? {
            rules.push(call.rule()?);
        }
    }
    let mut built = LinuxSeccompBuilder::default()
        .default_action(action(&profile.default_action)?)
        .architectures(profile.machines()?)
        .syscalls(rules);
    if let Some(errno) = errno(profile.default_errno_ret, profile.default_errno.as_deref())? {
        built = built.default_errno_ret(errno);
    }
    let flags = profile.flags.unwrap_or_default();
    if !flags.is_empty() {
        built = built.flags(
            flags.iter().map(|flag| known::<LinuxSeccompFilterFlag>(flag)).collect::<Result<Vec<_>>>()?,
        );
    }
    built.build().map_err(internal)
}

// === impl Profile ===

impl Profile {
    fn machines(&self) -> Result<Vec<Arch>> {
        let listed = self.architectures.as_deref().unwrap_or_default();
        let maps = self.arch_map.as_deref().unwrap_or_default();
        if !listed.is_empty() && !maps.is_empty() {
            return Err(bad("it has both architectures and archMap", "keep one of them"));
        }
        let mut machines = listed.iter().map(|name| known::<Arch>(name)).collect::<Result<Vec<_>>>()?;
        for map in maps {
            let native = known::<Arch>(&map.architecture)? == Machine::NATIVE.to_oci();
            let beside = map.sub_architectures.as_deref().unwrap_or_default();
            if native {
                machines.push(Machine::NATIVE.to_oci());
                machines.extend(beside.iter().map(|name| known::<Arch>(name)).collect::<Result<Vec<_>>>()?);
            }
        }
        if machines.is_empty() {
            machines.push(Machine::NATIVE.to_oci());
        }
        Ok(machines)
    }
}

// === impl Syscall ===

impl Syscall {
    fn rule(&self) -> Result<LinuxSyscall> {
        let mut names = self.names.clone().unwrap_or_default();
        names.extend(self.name.clone());
        if names.is_empty() {
            return Err(bad("a rule names no system call", "fill its names"));
        }
        let mut rule = LinuxSyscallBuilder::default().names(names).action(action(&self.action)?);
        if let Some(errno) = errno(self.errno_ret, self.errno.as_deref())? {
            rule = rule.errno_ret(errno);
        }
        let args = self.args.as_deref().unwrap_or_default();
        if !args.is_empty() {
            rule = rule.args(args.iter().map(Arg::built).collect::<Result<Vec<_>>>()?);
        }
        rule.build().map_err(internal)
    }
}

// === impl Arg ===

impl Arg {
    fn built(&self) -> Result<LinuxSeccompArg> {
        let op = known::<LinuxSeccompOperator>(&self.op)?;
        let mut arg = LinuxSeccompArgBuilder::default().index(self.index).value(self.value).op(op);
        if let Some(datum) =
            self.value_two.filter(|datum| *datum != 0 || op == LinuxSeccompOperator::ScmpCmpMaskedEq)
        {
            arg = arg.value_two(datum);
        }
        arg.build().map_err(internal)
    }
}

/// Whether a rule applies here: all that it includes must be given, and nothing that it excludes.
fn holds(call: &Syscall, here: Circumstances) -> Result<bool> {
    let default = Only::default();
    let includes = call.includes.as_ref().unwrap_or(&default);
    let excludes = call.excludes.as_ref().unwrap_or(&default);
    let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    // An unknown capability is held by nobody.
    let held = |name: &String| {
        CapabilitySet::by_name(name).is_some_and(|capability| here.capabilities.contains(capability))
    };
    let this_machine = |name: &String| name == Machine::NATIVE.go_name();

    let wanted = list(&includes.arches);
    let included = list(&includes.caps).iter().all(held)
        && (wanted.is_empty() || wanted.iter().any(this_machine))
        && at_least(includes.min_kernel.as_deref(), here.kernel)?;
    let excluded = list(&excludes.caps).iter().any(held)
        || list(&excludes.arches).iter().any(this_machine)
        || (excludes.min_kernel.is_some() && at_least(excludes.min_kernel.as_deref(), here.kernel)?);
    Ok(included && !excluded)
}

/// "4.8" or "4.8.0".
fn at_least(version: Option<&str>, kernel: (u32, u32)) -> Result<bool> {
    let Some(version) = version.filter(|version| !version.is_empty()) else { return Ok(true) };
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok(kernel >= (major, minor)),
        _ => Err(bad(&format!("minKernel {} is no version", quoted(version)), "write it like \"5.10\"")),
    }
}

fn action(name: &str) -> Result<LinuxSeccompAction> {
    known(name)
}

/// A number, or the name beside it that containers/common writes.
fn errno(number: Option<u32>, name: Option<&str>) -> Result<Option<u32>> {
    let named = match name {
        None | Some("") => None,
        Some("EPERM") => Some(1),
        Some("ENOENT") => Some(2),
        Some("EACCES") => Some(13),
        Some("EINVAL") => Some(22),
        Some("ENOSYS") => Some(38),
        Some("EAFNOSUPPORT") => Some(97),
        Some("ENOTSUP" | "EOPNOTSUPP") => Some(95),
        Some(_) if number.is_some() => None,
        Some(name) => {
            return Err(bad(&format!("errno {} is unknown", quoted(name)), "use errnoRet with a number"));
        }
    };
    Ok(number.or(named))
}

/// A word of the specification.
fn known<T: std::str::FromStr>(word: &str) -> Result<T> {
    word.parse().map_err(|_| {
        bad(&format!("{} is no word of the OCI runtime specification", quoted(word)), "correct it")
    })
}

fn bad(cause: &str, way_out: &str) -> SpecError {
    SpecError::invalid("the seccomp profile", cause, way_out)
}

fn internal(error: oci_spec::OciSpecError) -> SpecError {
    SpecError::internal("the seccomp profile", error.to_string())
}

#[cfg(test)]
mod tests;
