//! From an OCI seccomp section to a filter program.

use std::collections::BTreeMap;

use oci_spec::runtime::{
    LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag, LinuxSeccompOperator,
    LinuxSyscall,
};

use super::{
    Filter,
    arch::{Machine, X32_BIT},
    bpf::{self, Compare, Condition, Insn, Interval, Rule},
};
use crate::error::{Result, SpecError};

/// Most instructions the kernel takes: BPF_MAXINSNS of `<linux/bpf_common.h>`.
const PROGRAM_LIMIT: usize = 4096;

/// Largest errno a filter can return: MAX_ERRNO of `<linux/err.h>`.
const ERRNO_LIMIT: u32 = 4095;

/// SECCOMP_RET_* of `<linux/seccomp.h>`.
const RET_KILL_PROCESS: u32 = 0x8000_0000;
pub(super) const RET_ENOSYS: u32 = 0x0005_0000 | 38;

/// Compiles a profile for this machine.
///
/// Where several rules match a call, those with conditions come before those without, and then the stricter before the
/// laxer, as the kernel itself ranks actions. Conditions on different arguments must all hold; if a rule lists one
/// argument twice, each of its conditions is a rule of its own. That is how runc reads profiles, and therefore how they
/// are written.
///
/// A program made for a machine the profile does not list is killed; x32 calls it does not list do not exist.
///
/// # Errors
/// Actions or flags that need a supervisor, values out of range, a program too long for the kernel.
pub(super) fn compile(profile: &LinuxSeccomp) -> Result<Filter> {
    let default = action(profile.default_action(), profile.default_errno_ret())?;
    let rules = profile.syscalls().as_deref().unwrap_or_default();
    let listed = machines(profile);
    let mut program = vec![bpf::load(bpf::OFFSET_MACHINE)];
    for machine in [Machine::X86_64, Machine::X86, Machine::Aarch64, Machine::Arm] {
        if !listed.contains(&machine) {
            continue;
        }
        let x32 = machine == Machine::X86_64 && listed.contains(&Machine::X32);
        let mut section = vec![bpf::load(bpf::OFFSET_NUMBER)];
        section.extend(bpf::search(&intervals(machine, x32, default, profile, rules)?));
        program.push(Insn { code: bpf::JEQ, jt: 1, jf: 0, k: machine.audit() });
        program.push(bpf::jump(section.len()));
        program.extend(section);
    }
    program.push(bpf::ret(RET_KILL_PROCESS));
    if program.len() > PROGRAM_LIMIT {
        return Err(SpecError::invalid(
            "the seccomp profile",
            format!("it needs {} instructions, and Linux takes {PROGRAM_LIMIT}", program.len()),
            "list fewer machines or conditions",
        ));
    }
    Ok(Filter { program: bytes(&program), flags: flags(profile)? })
}

/// The native machine is always among them, for the runtime's own last calls run on it.
fn machines(profile: &LinuxSeccomp) -> Vec<Machine> {
    let listed = profile.architectures().as_deref().unwrap_or_default();
    let mut machines = vec![Machine::NATIVE];
    machines.extend(listed.iter().filter_map(|arch| Machine::of_oci(*arch)));
    machines
}

/// What each number leads to, without gaps from 0 to the last.
fn intervals(
    machine: Machine,
    x32: bool,
    default: u32,
    profile: &LinuxSeccomp,
    rules: &[LinuxSyscall],
) -> Result<Vec<Interval>> {
    let mut calls = rules_by_number(machine, rules)?;
    // ARM's private calls lie far behind the others and say nothing about their author's age.
    let newest = calls.keys().copied().rfind(|number| *number < 0x0f_0000);
    if x32 {
        calls.extend(rules_by_number(Machine::X32, rules)?);
    }
    let always = |action: u32| vec![Rule { conditions: Vec::new(), action }];
    let mut list = vec![Interval { first: 0, rules: always(default) }];
    let mut put = |first: u32, rules: Vec<Rule>| match list.last_mut() {
        Some(last) if last.first == first => last.rules = rules,
        _ => list.push(Interval { first, rules }),
    };
    // Behind the newest call a profile knows its author could not decide anything: such calls do not exist, so that a
    // newer libc falls back. Only where the profile leaves the errno to us.
    let beyond = match (profile.default_action(), profile.default_errno_ret()) {
        (LinuxSeccompAction::ScmpActErrno, None) => newest,
        _ => None,
    };
    let default_of = |number: u32| match beyond {
        Some(newest) if number > newest && (number < X32_BIT || !x32) => RET_ENOSYS,
        _ => default,
    };
    let x32_default = if x32 { default } else { RET_ENOSYS };
    let mut x32_begun = machine != Machine::X86_64;
    for (number, rules) in calls {
        if number >= X32_BIT && !x32_begun {
            put(X32_BIT, always(x32_default));
            x32_begun = true;
        }
        put(number, with_default(rules, default_of(number)));
        let next = number.saturating_add(1);
        put(next, always(default_of(next)));
    }
    if !x32_begun {
        put(X32_BIT, always(x32_default));
    }
    list.dedup_by(|next, before| next.rules == before.rules);
    Ok(list)
}

/// Ordered by precedence and cut where nothing more can match.
fn with_default(mut rules: Vec<Rule>, default: u32) -> Vec<Rule> {
    rules.sort_by_key(|rule| (rule.conditions.is_empty(), laxness(rule.action)));
    rules.push(Rule { conditions: Vec::new(), action: default });
    let end = rules.iter().position(|rule| rule.conditions.is_empty()).map_or(rules.len(), |place| place + 1);
    rules.truncate(end);
    rules
}

/// The kernel compares actions as signed numbers, KILL_PROCESS least; data (the errno) does not count.
fn laxness(action: u32) -> i32 {
    (action & 0xffff_0000).cast_signed()
}

fn rules_by_number(machine: Machine, rules: &[LinuxSyscall]) -> Result<BTreeMap<u32, Vec<Rule>>> {
    let mut by_number: BTreeMap<u32, Vec<Rule>> = BTreeMap::new();
    for rule in rules {
        let action = action(rule.action(), rule.errno_ret())?;
        let alternatives = alternatives(rule.args().as_deref().unwrap_or_default(), machine)?;
        for name in rule.names() {
            // Names this machine lacks are normal: profiles are written for all machines at once.
            let Some(number) = machine.number(name) else { continue };
            let made = alternatives.iter().map(|conditions| Rule { conditions: conditions.clone(), action });
            by_number.entry(number).or_default().extend(made);
        }
    }
    Ok(by_number)
}

/// The conditions of one rule, as one or several alternatives.
fn alternatives(args: &[LinuxSeccompArg], machine: Machine) -> Result<Vec<Vec<Condition>>> {
    let conditions = args.iter().map(|arg| condition(*arg, machine)).collect::<Result<Vec<_>>>()?;
    let mut seen = [false; 6];
    let repeated =
        args.iter().any(|arg| seen.get_mut(arg.index()).is_some_and(|seen| std::mem::replace(seen, true)));
    if repeated {
        return Ok(conditions.into_iter().map(|condition| vec![condition]).collect());
    }
    Ok(vec![conditions])
}

fn condition(arg: LinuxSeccompArg, machine: Machine) -> Result<Condition> {
    let argument = u32::try_from(arg.index()).ok().filter(|index| *index < 6).ok_or_else(|| {
        bad(
            &format!("argument {} of a system call", arg.index()),
            "there are 6, the first is 0",
            "use 0 to 5",
        )
    })?;
    let compare = match arg.op() {
        LinuxSeccompOperator::ScmpCmpEq => Compare::Equal,
        LinuxSeccompOperator::ScmpCmpNe => Compare::NotEqual,
        LinuxSeccompOperator::ScmpCmpLt => Compare::Less,
        LinuxSeccompOperator::ScmpCmpLe => Compare::LessOrEqual,
        LinuxSeccompOperator::ScmpCmpGt => Compare::Greater,
        LinuxSeccompOperator::ScmpCmpGe => Compare::GreaterOrEqual,
        LinuxSeccompOperator::ScmpCmpMaskedEq => {
            Compare::Masked { datum: arg.value_two().unwrap_or_default() }
        }
    };
    Ok(Condition { argument, compare, value: arg.value(), wide: machine.wide() })
}

fn action(action: LinuxSeccompAction, errno: Option<u32>) -> Result<u32> {
    if action == LinuxSeccompAction::ScmpActNotify {
        return Err(SpecError::unsupported(
            "SCMP_ACT_NOTIFY in the seccomp profile",
            "this version of Berth passes no notifications on",
            "use SCMP_ACT_ERRNO or SCMP_ACT_LOG",
        ));
    }
    if let Some(errno) = errno.filter(|errno| *errno > ERRNO_LIMIT) {
        return Err(bad(
            &format!("errnoRet {errno} of the seccomp profile"),
            "it is no errno",
            "use 1 to 4095",
        ));
    }
    Ok(action.as_u32(errno))
}

/// SECCOMP_FILTER_FLAG_* of `<linux/seccomp.h>`.
fn flags(profile: &LinuxSeccomp) -> Result<u32> {
    let mut flags = 0;
    for flag in profile.flags().as_deref().unwrap_or_default() {
        flags |= match flag {
            // The monitor's child has one thread, so there is nobody to synchronise with.
            LinuxSeccompFilterFlag::SeccompFilterFlagTsync => 0,
            LinuxSeccompFilterFlag::SeccompFilterFlagLog => 1 << 1,
            LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => 1 << 2,
            // Only valid together with notifications.
            LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => {
                return Err(SpecError::unsupported(
                    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV in the seccomp profile",
                    "this version of Berth passes no notifications on",
                    "remove the flag",
                ));
            }
        };
    }
    Ok(flags)
}

fn bytes(program: &[Insn]) -> Vec<u8> {
    program
        .iter()
        .flat_map(|insn| {
            let [code_0, code_1] = insn.code.to_ne_bytes();
            let [k_0, k_1, k_2, k_3] = insn.k.to_ne_bytes();
            [code_0, code_1, insn.jt, insn.jf, k_0, k_1, k_2, k_3]
        })
        .collect()
}

fn bad(thing: &str, cause: &str, way_out: &str) -> SpecError {
    SpecError::invalid(thing, cause, way_out)
}

#[cfg(test)]
pub(super) mod tests;
