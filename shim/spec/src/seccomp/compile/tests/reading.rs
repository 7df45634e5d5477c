//! What a profile says about a call, read rule by rule without any cleverness.

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompOperator};

use super::{Call, Machine};

const ENOSYS: u32 = 0x0005_0026;

pub(super) fn read(profile: &LinuxSeccomp, call: &Call) -> u32 {
    let listed = |machine: Machine| {
        machine == Machine::NATIVE
            || profile
                .architectures()
                .as_ref()
                .unwrap()
                .iter()
                .any(|arch| Machine::of_oci(*arch) == Some(machine))
    };
    let x32 = call.audit == Machine::X86_64.audit() && call.number >= 0x4000_0000;
    let all = [Machine::X86_64, Machine::X86, Machine::Aarch64, Machine::Arm];
    let Some(machine) = all.into_iter().find(|machine| machine.audit() == call.audit && listed(*machine))
    else {
        return 0x8000_0000;
    };
    if x32 && !listed(Machine::X32) {
        return ENOSYS;
    }
    let names = if x32 { Machine::X32 } else { machine };
    decide(profile, names, call).unwrap_or_else(|| default(profile, machine, call, x32))
}

/// The rules that match, the best of them.
fn decide(profile: &LinuxSeccomp, machine: Machine, call: &Call) -> Option<u32> {
    let mut matching = Vec::new();
    for rule in profile.syscalls().as_ref().unwrap() {
        let hits = rule.names().iter().filter(|name| machine.number(name) == Some(call.number)).count();
        if hits == 0 {
            continue;
        }
        let args = rule.args().clone().unwrap();
        let mut indices: Vec<usize> = args.iter().map(LinuxSeccompArg::index).collect();
        indices.sort_unstable();
        let repeated = indices.windows(2).any(|pair| pair[0] == pair[1]);
        let mut hold = args.iter().map(|arg| holds(arg, machine, call));
        if if repeated { hold.any(|held| held) } else { hold.all(|held| held) } {
            let action = action(rule.action(), rule.errno_ret());
            matching.push((args.is_empty(), rank(rule.action()), action));
        }
    }
    // A stable minimum: the first of equals.
    let mut best: Option<(bool, u8, u32)> = None;
    for one in matching {
        if best.is_none_or(|best| (one.0, one.1) < (best.0, best.1)) {
            best = Some(one);
        }
    }
    best.map(|(_, _, action)| action)
}

fn default(profile: &LinuxSeccomp, machine: Machine, call: &Call, x32: bool) -> u32 {
    let named = profile.syscalls().as_ref().unwrap().iter().flat_map(|rule| rule.names());
    let newest = named.filter_map(|name| machine.number(name)).filter(|number| *number < 0x0f_0000).max();
    let open =
        profile.default_action() == LinuxSeccompAction::ScmpActErrno && profile.default_errno_ret().is_none();
    match newest {
        Some(newest) if open && !x32 && call.number > newest => ENOSYS,
        _ => action(profile.default_action(), profile.default_errno_ret()),
    }
}

fn holds(arg: &LinuxSeccompArg, machine: Machine, call: &Call) -> bool {
    let cut = |value: u64| if machine.wide() { value } else { value & u64::from(u32::MAX) };
    let (got, value) = (cut(call.args[arg.index()]), cut(arg.value()));
    match arg.op() {
        LinuxSeccompOperator::ScmpCmpEq => got == value,
        LinuxSeccompOperator::ScmpCmpNe => got != value,
        LinuxSeccompOperator::ScmpCmpLt => got < value,
        LinuxSeccompOperator::ScmpCmpLe => got <= value,
        LinuxSeccompOperator::ScmpCmpGt => got > value,
        LinuxSeccompOperator::ScmpCmpGe => got >= value,
        LinuxSeccompOperator::ScmpCmpMaskedEq => got & value == cut(arg.value_two().unwrap()),
    }
}

fn rank(action: LinuxSeccompAction) -> u8 {
    match action {
        LinuxSeccompAction::ScmpActKillProcess => 0,
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => 1,
        LinuxSeccompAction::ScmpActTrap => 2,
        LinuxSeccompAction::ScmpActErrno => 3,
        LinuxSeccompAction::ScmpActNotify => 4,
        LinuxSeccompAction::ScmpActTrace => 5,
        LinuxSeccompAction::ScmpActLog => 6,
        LinuxSeccompAction::ScmpActAllow => 7,
    }
}

fn action(action: LinuxSeccompAction, errno: Option<u32>) -> u32 {
    let errno = errno.unwrap_or(1);
    match action {
        LinuxSeccompAction::ScmpActKillProcess => 0x8000_0000,
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => 0,
        LinuxSeccompAction::ScmpActTrap => 0x0003_0000,
        LinuxSeccompAction::ScmpActErrno => 0x0005_0000 | errno,
        LinuxSeccompAction::ScmpActNotify => 0x7fc0_0000,
        LinuxSeccompAction::ScmpActTrace => 0x7ff0_0000 | errno,
        LinuxSeccompAction::ScmpActLog => 0x7ffc_0000,
        LinuxSeccompAction::ScmpActAllow => 0x7fff_0000,
    }
}
