//! The default profile: complete, as meant, and as the kernel enforces it.

use std::collections::{BTreeMap, BTreeSet};

use sys::filter_probe::{Abi, Outcome, probe};

use super::*;
use crate::seccomp::{
    Filter,
    compile::{
        RET_ENOSYS, compile,
        tests::{Call, verdict},
    },
};

const ALLOW: u32 = 0x7fff_0000;
const RET_EPERM: u32 = 0x0005_0001;

fn filter(capabilities: CapabilitySet) -> Filter {
    compile(&profile(capabilities, false).unwrap()).unwrap()
}

fn caps(names: &[&str]) -> CapabilitySet {
    CapabilitySet::COMPATIBLE | CapabilitySet::by_names(names)
}

fn decide(capabilities: CapabilitySet, machine: Machine, name: &str, args: [u64; 6]) -> u32 {
    let number = machine.number(name).unwrap_or_else(|| panic!("{machine:?} has no {name}"));
    verdict(&filter(capabilities).program, &Call { audit: machine.audit(), number, args })
}

/// A new kernel's calls, or a slip of the pen, show up here.
#[test]
fn every_call_stands_in_exactly_one_list() {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for call in tables::ALLOWED.iter().flat_map(|list| list.split_whitespace()) {
        places.entry(call).or_default().push("allowed");
    }
    for (_, calls) in tables::GOVERNED {
        calls.split_whitespace().for_each(|call| places.entry(call).or_default().push("governed"));
    }
    for (list, calls) in
        [("denied", tables::DENIED), ("by argument", tables::BY_ARGUMENT), ("obsolete", tables::OBSOLETE)]
    {
        calls.split_whitespace().for_each(|call| places.entry(call).or_default().push(list));
    }
    let machines = [Machine::X86_64, Machine::X86, Machine::Aarch64, Machine::Arm];
    let known: BTreeSet<&str> =
        machines.iter().flat_map(|machine| machine.calls()).map(|(name, _)| name).collect();

    let twice: Vec<_> = places.iter().filter(|(_, lists)| lists.len() != 1).collect();
    assert!(twice.is_empty(), "in several lists: {twice:?}");
    let undecided: Vec<_> = known.iter().filter(|name| !places.contains_key(**name)).collect();
    assert!(undecided.is_empty(), "in no list: {undecided:?}");
    let unheard: Vec<_> = places.keys().filter(|name| !known.contains(**name)).collect();
    assert!(unheard.is_empty(), "known to no machine: {unheard:?}");
}

#[test]
fn what_programs_live_on_is_allowed_everywhere() {
    for machine in [Machine::X86_64, Machine::X86] {
        for name in [
            "read",
            "openat",
            "execve",
            "futex",
            "socketpair",
            "ptrace",
            "prctl",
            "rt_sigreturn",
            "exit_group",
        ] {
            assert_eq!(decide(CapabilitySet::COMPATIBLE, machine, name, [0; 6]), ALLOW, "{machine:?} {name}");
        }
    }
}

#[test]
fn capabilities_open_what_they_govern() {
    for (name, capability) in [
        ("mount", "SYS_ADMIN"),
        ("unshare", "SYS_ADMIN"),
        ("setns", "SYS_ADMIN"),
        ("bpf", "BPF"),
        ("perf_event_open", "PERFMON"),
        ("userfaultfd", "SYS_PTRACE"),
        ("init_module", "SYS_MODULE"),
        ("reboot", "SYS_BOOT"),
        ("mbind", "SYS_NICE"),
        ("settimeofday", "SYS_TIME"),
        ("open_by_handle_at", "DAC_READ_SEARCH"),
        ("syslog", "SYSLOG"),
        ("vhangup", "SYS_TTY_CONFIG"),
        ("iopl", "SYS_RAWIO"),
        ("acct", "SYS_PACCT"),
    ] {
        let machine = Machine::X86_64;
        assert_eq!(decide(CapabilitySet::COMPATIBLE, machine, name, [0; 6]), RET_EPERM, "{name}");
        assert_eq!(decide(caps(&[capability]), machine, name, [0; 6]), ALLOW, "{name} with {capability}");
    }
    assert_eq!(decide(CapabilitySet::COMPATIBLE, Machine::X86_64, "chroot", [0; 6]), ALLOW);
    assert_eq!(decide(CapabilitySet::RESTRICTED, Machine::X86_64, "chroot", [0; 6]), RET_EPERM);
}

#[test]
fn some_calls_are_for_nobody() {
    for name in ["keyctl", "add_key", "io_uring_setup", "io_uring_enter", "swapon", "kexec_load"] {
        assert_eq!(decide(CapabilitySet::ALL, Machine::X86_64, name, [0; 6]), RET_EPERM, "{name}");
    }
    for name in ["uselib", "sysfs", "nfsservctl"] {
        assert_eq!(decide(CapabilitySet::ALL, Machine::X86_64, name, [0; 6]), RET_ENOSYS, "{name}");
    }
    let program = filter(CapabilitySet::ALL).program;
    for number in [471, 500, 1_000_000, X32, X32 | 1] {
        let call = Call { audit: Machine::X86_64.audit(), number, args: [0; 6] };
        assert_eq!(verdict(&program, &call), RET_ENOSYS, "{number}");
    }
}

const X32: u32 = 0x4000_0000;

#[test]
fn clone_makes_threads_but_no_namespaces() {
    let at = |capabilities: CapabilitySet, name: &str, flags: u64| {
        decide(capabilities, Machine::X86_64, name, [flags, 0, 0, 0, 0, 0])
    };
    let plain = CapabilitySet::COMPATIBLE;
    for flags in [0, 17, 0x003d_0f00, 0x0100_0011, 1 << 40] {
        assert_eq!(at(plain, "clone", flags), ALLOW, "{flags:#x}");
    }
    for flag in CLONE_NEW {
        assert_eq!(at(plain, "clone", flag | 17), RET_EPERM, "{flag:#x}");
        assert_eq!(at(caps(&["SYS_ADMIN"]), "clone", flag | 17), ALLOW, "{flag:#x}");
    }
    assert_eq!(at(plain, "clone3", 0), RET_ENOSYS);
    assert_eq!(at(caps(&["SYS_ADMIN"]), "clone3", 0), ALLOW);
}

#[test]
fn personalities() {
    let at = |value: u64| {
        decide(CapabilitySet::COMPATIBLE, Machine::X86_64, "personality", [value, 0, 0, 0, 0, 0])
    };
    for value in PERSONALITIES {
        assert_eq!(at(value), ALLOW, "{value:#x}");
    }
    // READ_IMPLIES_EXEC, MMAP_PAGE_ZERO, and what the kernel would cut to an allowed one.
    for value in [0x40_0000, 0x10_0000, 1, 1 << 32] {
        assert_eq!(at(value), RET_ENOSYS, "{value:#x}");
    }
}

/// SEC-42, by reading the filter: with every machine and with the bits above the ones the kernel looks at.
#[test]
fn two_address_families_are_closed() {
    for capabilities in [CapabilitySet::COMPATIBLE, CapabilitySet::ALL] {
        let at =
            |machine: Machine, family: u64| decide(capabilities, machine, "socket", [family, 0, 0, 0, 0, 0]);
        for family in [AF_ALG, AF_VSOCK] {
            assert_eq!(at(Machine::X86, family), RET_EPERM);
            for above in [0, 1, 2, 0x8000_0000, u64::from(u32::MAX)] {
                assert_eq!(at(Machine::X86_64, above << 32 | family), RET_EPERM, "{above:#x} {family}");
            }
        }
        for family in [1, 2, 10, 16, 17, 37, 39, 41, 44, u64::MAX] {
            assert_eq!(at(Machine::X86_64, family), ALLOW, "{family}");
        }
    }
}

#[test]
fn socketcall_is_the_operators_choice() {
    let program = |allow: bool| compile(&profile(CapabilitySet::COMPATIBLE, allow).unwrap()).unwrap().program;
    let call = Call { audit: Machine::X86.audit(), number: 102, args: [1, 0, 0, 0, 0, 0] };
    assert_eq!(verdict(&program(false), &call), RET_EPERM);
    assert_eq!(verdict(&program(true), &call), ALLOW);
}

#[test]
fn the_filter_is_small_and_shallow() {
    let filter = filter(CapabilitySet::COMPATIBLE);
    assert!(filter.program.len() / 8 < 700, "{} instructions", filter.program.len() / 8);
    assert_eq!(filter.flags, 0);
}

fn tried(filter: &Filter, abi: Abi, number: u32, args: [u64; 6]) -> Outcome {
    probe(&filter.program, filter.flags, abi, number, args).unwrap()
}

fn failed(errno: u32) -> Outcome {
    Outcome::Failed(sys::Errno(i32::try_from(errno).unwrap()))
}

/// Every call the filter should refuse, made for real: by its name and the answer the kernel gives. Arguments are
/// impossible ones, should one get through. The calls it allows are not made: some end the process, some wait for ever.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_kernel_refuses_what_the_profile_refuses() {
    let filter = filter(CapabilitySet::COMPATIBLE);
    let mut wrong = Vec::new();
    for (machine, abi) in [(Machine::X86_64, Abi::Native), (Machine::X86, Abi::I386)] {
        for (name, number) in machine.calls() {
            let args = if abi == Abi::Native { [u64::MAX; 6] } else { [u64::from(u32::MAX); 6] };
            let expected = match verdict(&filter.program, &Call { audit: machine.audit(), number, args }) {
                RET_EPERM => failed(EPERM),
                RET_ENOSYS => failed(ENOSYS),
                ALLOW => continue,
                other => panic!("{name} gives {other:#x}"),
            };
            let got = tried(&filter, abi, number, args);
            if got != expected {
                wrong.push(format!("{machine:?} {name}: {got:?}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// SEC-42 by calling socket(2), 64-bit and 32-bit. Without the filter the kernel takes `1 << 32 | AF_UNIX` for AF_UNIX,
/// which is what makes the masked rules necessary.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_kernel_makes_no_socket_of_a_closed_family() {
    const AF_UNIX: u64 = 1;
    let filter = filter(CapabilitySet::ALL);
    let native = |family: u64| tried(&filter, Abi::Native, 41, [family, 2, 0, 0, 0, 0]);
    for family in [AF_ALG, AF_VSOCK, 1 << 32 | AF_ALG, 7 << 40 | AF_VSOCK] {
        assert_eq!(native(family), failed(EPERM), "{family:#x}");
    }
    assert!(matches!(native(AF_UNIX), Outcome::Returned(_)));
    assert!(
        matches!(native(1 << 32 | AF_UNIX), Outcome::Returned(_)),
        "the kernel looks at 32 bits of the family"
    );
    for family in [AF_ALG, AF_VSOCK] {
        assert_eq!(tried(&filter, Abi::I386, 359, [family, 2, 0, 0, 0, 0]), failed(EPERM));
    }
    assert!(matches!(tried(&filter, Abi::I386, 359, [AF_UNIX, 2, 0, 0, 0, 0]), Outcome::Returned(_)));
    assert_eq!(tried(&filter, Abi::I386, 102, [1, 0, 0, 0, 0, 0]), failed(EPERM));
}
