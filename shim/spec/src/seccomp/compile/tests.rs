//! Compiled filters against a plain reading of the profile, instruction by instruction.

mod interpreter;
mod reading;

use oci_spec::runtime::{Arch, LinuxSeccompArgBuilder, LinuxSeccompBuilder, LinuxSyscallBuilder};
use proptest::prelude::*;

use super::*;
use crate::Kind;
use interpreter::run;
pub(in crate::seccomp) use interpreter::{Call, verdict};
use reading::read;

type Op = LinuxSeccompOperator;

fn rule(
    names: &[&str],
    action: LinuxSeccompAction,
    errno: Option<u32>,
    args: &[(usize, Op, u64, u64)],
) -> LinuxSyscall {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let args: Vec<LinuxSeccompArg> = args
        .iter()
        .map(|(index, op, value, datum)| {
            LinuxSeccompArgBuilder::default()
                .index(*index)
                .op(*op)
                .value(*value)
                .value_two(*datum)
                .build()
                .unwrap()
        })
        .collect();
    let mut rule = LinuxSyscallBuilder::default().names(names).action(action).args(args);
    if let Some(errno) = errno {
        rule = rule.errno_ret(errno);
    }
    rule.build().unwrap()
}

fn profile(
    default: (LinuxSeccompAction, Option<u32>),
    architectures: &[Arch],
    rules: &[LinuxSyscall],
) -> LinuxSeccomp {
    let mut profile =
        LinuxSeccompBuilder::default().default_action(default.0).architectures(architectures).syscalls(rules);
    if let Some(errno) = default.1 {
        profile = profile.default_errno_ret(errno);
    }
    profile.build().unwrap()
}

const ALLOW: u32 = 0x7fff_0000;
const EPERM: u32 = 0x0005_0001;
const ALL: [Arch; 5] =
    [Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32, Arch::ScmpArchAarch64, Arch::ScmpArchArm];

fn call(machine: Machine, name: &str, args: [u64; 6]) -> Call {
    Call { audit: machine.audit(), number: machine.number(name).unwrap(), args }
}

#[test]
fn each_machine_has_its_own_numbers() {
    use LinuxSeccompAction::{ScmpActAllow, ScmpActErrno};
    let rules = [rule(&["read", "socketcall", "set_tls"], ScmpActAllow, None, &[])];
    let profile = profile((ScmpActErrno, Some(1)), &ALL, &rules);
    let program = compile(&profile).unwrap().program;
    for (machine, name, action) in [
        (Machine::X86_64, "read", ALLOW),
        (Machine::X86, "read", ALLOW),
        (Machine::X32, "read", ALLOW),
        (Machine::Aarch64, "read", ALLOW),
        (Machine::Arm, "read", ALLOW),
        (Machine::X86, "socketcall", ALLOW),
        (Machine::Arm, "set_tls", ALLOW),
        (Machine::X86_64, "write", EPERM),
        (Machine::X86, "write", EPERM),
        (Machine::X32, "write", EPERM),
    ] {
        assert_eq!(verdict(&program, &call(machine, name, [0; 6])), action, "{machine:?} {name}");
    }
}

#[test]
fn what_a_profile_does_not_list_cannot_run() {
    let allow_all = profile((LinuxSeccompAction::ScmpActAllow, None), &[], &[]);
    let program = compile(&allow_all).unwrap().program;
    assert_eq!(verdict(&program, &call(Machine::NATIVE, "getpid", [0; 6])), ALLOW);
    let foreign = Call { audit: 0x4000_0028, number: 1, args: [0; 6] };
    assert_eq!(verdict(&program, &foreign), RET_KILL_PROCESS);
    if Machine::NATIVE == Machine::X86_64 {
        assert_eq!(verdict(&program, &call(Machine::X86, "getpid", [0; 6])), RET_KILL_PROCESS);
        // A tracer cancels a call by making its number −1; killing then would be a surprise.
        for number in [X32_BIT, X32_BIT | 520, u32::MAX] {
            let x32 = Call { audit: Machine::X86_64.audit(), number, args: [0; 6] };
            assert_eq!(verdict(&program, &x32), RET_ENOSYS);
        }
    }
}

#[test]
fn calls_newer_than_the_profile_do_not_exist() {
    use LinuxSeccompAction::{ScmpActAllow, ScmpActErrno};
    let rules = [rule(&["openat2"], ScmpActAllow, None, &[])];
    let newer = |errno: Option<u32>, name: &str| {
        let program = compile(&profile((ScmpActErrno, errno), &[], &rules)).unwrap().program;
        verdict(&program, &call(Machine::NATIVE, name, [0; 6]))
    };
    assert_eq!(newer(None, "openat2"), ALLOW);
    assert_eq!(newer(None, "clone3"), EPERM);
    assert_eq!(newer(None, "faccessat2"), RET_ENOSYS);
    assert_eq!(newer(Some(1), "faccessat2"), EPERM);
}

#[test]
fn conditions_come_first_then_the_stricter_action() {
    use LinuxSeccompAction::{ScmpActAllow, ScmpActErrno, ScmpActKillProcess, ScmpActLog};
    let at = |rules: &[LinuxSyscall], argument: u64| {
        let program = compile(&profile((ScmpActErrno, Some(38)), &[], rules)).unwrap().program;
        verdict(&program, &call(Machine::NATIVE, "getpid", [argument, 0, 0, 0, 0, 0]))
    };
    let allow = rule(&["getpid"], ScmpActAllow, None, &[]);
    let deny = rule(&["getpid"], ScmpActErrno, Some(1), &[]);
    let deny_seven = rule(&["getpid"], ScmpActErrno, Some(13), &[(0, Op::ScmpCmpEq, 7, 0)]);
    let allow_seven = rule(&["getpid"], ScmpActAllow, None, &[(0, Op::ScmpCmpEq, 7, 0)]);
    let log = rule(&["getpid"], ScmpActLog, None, &[]);
    let kill = rule(&["getpid"], ScmpActKillProcess, None, &[]);

    assert_eq!(
        [at(&[allow.clone(), deny_seven.clone()], 7), at(&[allow.clone(), deny_seven.clone()], 8)],
        [0x0005_000d, ALLOW]
    );
    assert_eq!(
        [at(&[deny.clone(), allow_seven.clone()], 7), at(&[deny.clone(), allow_seven.clone()], 8)],
        [ALLOW, EPERM]
    );
    assert_eq!(at(&[allow_seven, deny_seven], 7), 0x0005_000d);
    assert_eq!(at(&[allow.clone(), deny.clone()], 0), EPERM);
    assert_eq!(at(&[allow, log], 0), 0x7ffc_0000);
    assert_eq!(at(&[deny, kill], 0), RET_KILL_PROCESS);
}

/// As runc reads it: two conditions on one argument are two rules.
#[test]
fn a_repeated_argument_means_either() {
    use LinuxSeccompAction::{ScmpActAllow, ScmpActErrno};
    let ne = |value: u64| (0, Op::ScmpCmpNe, value, 0);
    let rules = [rule(&["socket"], ScmpActAllow, None, &[ne(38), ne(40)])];
    let program = compile(&profile((ScmpActErrno, Some(1)), &[], &rules)).unwrap().program;
    for family in [38, 40, 2] {
        assert_eq!(verdict(&program, &call(Machine::NATIVE, "socket", [family, 0, 0, 0, 0, 0])), ALLOW);
    }
}

#[test]
fn what_needs_a_supervisor_or_makes_no_sense_is_refused() {
    use LinuxSeccompAction::{ScmpActAllow, ScmpActErrno, ScmpActNotify};
    let kind = |profile: &LinuxSeccomp| compile(profile).unwrap_err().kind();
    assert_eq!(kind(&profile((ScmpActNotify, None), &[], &[])), Kind::Unsupported);
    let notify = [rule(&["mount"], ScmpActNotify, None, &[])];
    assert_eq!(kind(&profile((ScmpActAllow, None), &[], &notify)), Kind::Unsupported);
    assert_eq!(kind(&profile((ScmpActErrno, Some(4096)), &[], &[])), Kind::Invalid);
    let seventh = [rule(&["read"], ScmpActErrno, None, &[(6, Op::ScmpCmpEq, 0, 0)])];
    assert_eq!(kind(&profile((ScmpActAllow, None), &[], &seventh)), Kind::Invalid);
}

#[test]
fn a_profile_too_large_for_the_kernel_is_refused() {
    use LinuxSeccompAction::{ScmpActAllow, ScmpActErrno};
    let rules: Vec<_> =
        (0..1000).map(|n| rule(&["read"], ScmpActErrno, None, &[(0, Op::ScmpCmpEq, n, 0)])).collect();
    let error = compile(&profile((ScmpActAllow, None), &[], &rules)).unwrap_err();
    assert!(error.to_string().contains("4096"), "{error}");
    // 700 of them fit, and need jumps beyond the reach of a conditional one.
    let program = compile(&profile((ScmpActAllow, None), &[], &rules[..700])).unwrap().program;
    let at = |name: &str, value: u64| verdict(&program, &call(Machine::NATIVE, name, [value, 0, 0, 0, 0, 0]));
    assert_eq!(
        [at("read", 0), at("read", 699), at("read", 700), at("write", 3)],
        [EPERM, EPERM, ALLOW, ALLOW]
    );
    assert_eq!([at("openat", 3), at("close", 3)], [ALLOW, ALLOW]);
}

#[test]
fn flags_are_the_kernels() {
    use LinuxSeccompFilterFlag as Flag;
    let with = |flags: &[Flag]| {
        LinuxSeccompBuilder::default()
            .default_action(LinuxSeccompAction::ScmpActAllow)
            .flags(flags)
            .build()
            .unwrap()
    };
    assert_eq!(
        compile(&with(&[Flag::SeccompFilterFlagLog, Flag::SeccompFilterFlagSpecAllow])).unwrap().flags,
        6
    );
    assert_eq!(compile(&with(&[Flag::SeccompFilterFlagTsync])).unwrap().flags, 0);
    assert!(compile(&with(&[Flag::SeccompFilterFlagWaitKillableRecv])).is_err());
}

const SOME_CALLS: [&str; 14] = [
    "read",
    "write",
    "close",
    "openat",
    "socket",
    "clone",
    "clone3",
    "personality",
    "getpid",
    "open_tree_attr",
    "ioctl",
    "socketcall",
    "set_tls",
    "no_such_call",
];

/// Values near each other and near the halves' border, so that comparisons are decided in every way.
fn value() -> impl Strategy<Value = u64> {
    let near = prop_oneof![
        Just(0_u64),
        Just(38),
        Just(1 << 32),
        Just((1 << 32) | 38),
        Just(u64::from(u32::MAX)),
        Just(u64::MAX),
        any::<u64>()
    ];
    (near, -1_i64..=1).prop_map(|(near, off)| near.wrapping_add_signed(off))
}

fn operator() -> impl Strategy<Value = Op> {
    prop::sample::select(vec![
        Op::ScmpCmpEq,
        Op::ScmpCmpNe,
        Op::ScmpCmpLt,
        Op::ScmpCmpLe,
        Op::ScmpCmpGt,
        Op::ScmpCmpGe,
        Op::ScmpCmpMaskedEq,
    ])
}

fn some_action() -> impl Strategy<Value = (LinuxSeccompAction, Option<u32>)> {
    use LinuxSeccompAction::*;
    let actions = vec![
        ScmpActKill,
        ScmpActKillThread,
        ScmpActKillProcess,
        ScmpActTrap,
        ScmpActErrno,
        ScmpActTrace,
        ScmpActLog,
        ScmpActAllow,
    ];
    (prop::sample::select(actions), prop::option::of(0_u32..=4095))
}

fn some_rule() -> impl Strategy<Value = LinuxSyscall> {
    let args = prop::collection::vec((0_usize..6, operator(), value(), value()), 0..4);
    let names = prop::collection::vec(prop::sample::select(SOME_CALLS.to_vec()), 1..5);
    (names, some_action(), args).prop_map(|(names, (action, errno), args)| rule(&names, action, errno, &args))
}

fn some_profile() -> impl Strategy<Value = LinuxSeccomp> {
    let architectures = prop::sample::subsequence(ALL.to_vec(), 0..=ALL.len());
    let rules = prop::collection::vec(some_rule(), 0..12);
    (some_action(), architectures, rules)
        .prop_map(|(default, arches, rules)| profile(default, &arches, &rules))
}

fn some_call() -> impl Strategy<Value = Call> {
    let machine = prop::sample::select(vec![
        Machine::X86_64,
        Machine::X32,
        Machine::X86,
        Machine::Aarch64,
        Machine::Arm,
    ]);
    let number = prop_oneof![
        4 => prop::sample::select(SOME_CALLS.to_vec()).prop_map(Ok),
        1 => prop_oneof![0_u32..600, (0_u32..600).prop_map(|n| n | X32_BIT), any::<u32>()].prop_map(Err),
    ];
    (machine, number, prop::array::uniform6(value())).prop_map(|(machine, number, args)| {
        let number = number.map_or_else(|number| number, |name| machine.number(name).unwrap_or(9999));
        // What a 32-bit program passes has no upper half.
        let args = if machine.wide() { args } else { args.map(|arg| arg & u64::from(u32::MAX)) };
        Call { audit: machine.audit(), number, args }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// The compiler does what a profile says, read rule by rule.
    #[test]
    fn filters_decide_as_the_profile_reads(profile in some_profile(), calls in prop::collection::vec(some_call(), 40)) {
        let program = compile(&profile).unwrap().program;
        for call in calls {
            let (action, steps) = run(&program, &call).map_err(TestCaseError::fail)?;
            prop_assert_eq!(action, read(&profile, &call), "{:?}", call);
            prop_assert!(steps < 600);
        }
    }

    /// Not only the calls at hand: every jump stays inside, every path returns.
    #[test]
    fn programs_are_sound(profile in some_profile()) {
        interpreter::check(&compile(&profile).unwrap().program).map_err(TestCaseError::fail)?;
    }
}
