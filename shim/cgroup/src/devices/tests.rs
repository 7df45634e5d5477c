//! Device rules: v1's lines, and the program interpreted here against the rules' meaning.
use oci_spec::runtime::LinuxDeviceCgroupBuilder;

use super::*;

fn oci(
    allow: bool,
    kind: Option<LinuxDeviceType>,
    major: i64,
    minor: i64,
    access: &str,
) -> LinuxDeviceCgroup {
    let mut rule = LinuxDeviceCgroupBuilder::default().allow(allow).access(access);
    if let Some(kind) = kind {
        rule = rule.typ(kind);
    }
    rule.major(major).minor(minor).build().unwrap()
}

const BLOCK: Option<LinuxDeviceType> = Some(LinuxDeviceType::B);
const CHAR: Option<LinuxDeviceType> = Some(LinuxDeviceType::C);

fn usual() -> Vec<Rule> {
    rules(&[
        oci(false, None, -1, -1, "rwm"),
        oci(true, CHAR, -1, -1, "m"),
        oci(true, BLOCK, -1, -1, "m"),
        oci(true, CHAR, 1, 3, "rwm"),
        oci(true, CHAR, 136, -1, "rw"),
        oci(true, BLOCK, 8, 0, "r"),
        oci(true, BLOCK, 8, 0, "w"),
        oci(false, CHAR, 136, 7, "w"),
    ])
    .unwrap()
}

#[test]
fn v1_starts_from_nothing() {
    let expected = [
        "deny a",
        "allow c *:* m",
        "allow b *:* m",
        "allow c 1:3 rwm",
        "allow c 136:* rw",
        "allow b 8:0 r",
        "allow b 8:0 w",
        "deny c 136:7 w",
    ];
    let shown = |rules: &[Rule]| -> Vec<String> {
        let word = |allow| if allow { "allow" } else { "deny" };
        lines(rules).into_iter().map(|(allow, line)| format!("{} {line}", word(allow))).collect()
    };
    assert_eq!(shown(&usual()), expected);
    assert_eq!(shown(&[]), ["deny a"]);
    assert_eq!(shown(&rules(&[oci(true, None, -1, -1, "rwm")]).unwrap()), ["allow a"]);
    assert_eq!(
        shown(&rules(&[oci(true, None, 5, -1, "m")]).unwrap()),
        ["deny a", "allow b 5:* m", "allow c 5:* m"]
    );
}

#[test]
fn nonsense_is_refused() {
    for bad in [
        oci(true, CHAR, 1 << 31, 0, "r"),
        oci(true, CHAR, 0, -2, "r"),
        oci(true, CHAR, 0, 0, "rx"),
        oci(true, CHAR, 0, 0, "r\nb 8:0 rwm"),
        oci(true, Some(LinuxDeviceType::P), 0, 0, "r"),
    ] {
        assert!(rules(&[bad]).is_err());
    }
    assert!(rules(&vec![oci(true, CHAR, 0, 0, "r"); 401]).is_err());
}

/// Runs the program as the kernel would.
fn run(program: &[Instruction], kind: u32, major: u32, minor: u32, access: u32) -> bool {
    let mut registers = [0i64; 11];
    let context = [access << 16 | kind, major, minor];
    let mut at = 0;
    loop {
        let Instruction { code, registers: pair, offset, immediate } = program[at];
        let (to, from) = (usize::from(pair & 15), usize::from(pair >> 4));
        let jump = match code {
            LOAD_WORD => {
                registers[to] = context[offset as usize / 4].into();
                false
            }
            MOVE => {
                registers[to] = immediate.into();
                false
            }
            MOVE_REGISTER => {
                registers[to] = registers[from];
                false
            }
            AND => {
                registers[to] &= i64::from(immediate);
                false
            }
            SHIFT_RIGHT => {
                registers[to] >>= immediate;
                false
            }
            JUMP_IF_NOT => registers[to] != i64::from(immediate),
            JUMP_IF => registers[to] == i64::from(immediate),
            EXIT => return registers[0] == 1,
            other => panic!("unknown instruction {other:#x}"),
        };
        at += 1 + if jump { offset as usize } else { 0 };
    }
}

/// What the rules mean: each access for itself, the last rule that matches decides, none is no.
fn meant(rules: &[Rule], kind: u32, major: u32, minor: u32, access: u32) -> bool {
    let allowed = |bit: u32| {
        let matches = |rule: &&Rule| {
            rule.kind.is_none_or(|wanted| wanted as u32 == kind)
                && rule.major.is_none_or(|wanted| wanted as u32 == major)
                && rule.minor.is_none_or(|wanted| wanted as u32 == minor)
                && u32::from(rule.access) & bit != 0
        };
        rules.iter().rev().find(matches).is_some_and(|rule| rule.allow)
    };
    [1, 2, 4].into_iter().filter(|bit| access & bit != 0).all(allowed)
}

#[test]
fn sec_05_the_program_decides_as_the_rules_say() {
    let sets = [
        usual(),
        Vec::new(),
        rules(&[oci(true, None, -1, -1, "rwm")]).unwrap(),
        rules(&[oci(true, None, -1, -1, "rwm"), oci(false, BLOCK, 8, -1, "w")]).unwrap(),
        rules(&[oci(true, CHAR, 1, 3, "rw"), oci(false, None, -1, -1, "rwm"), oci(true, CHAR, 1, 5, "r")])
            .unwrap(),
        rules(&[oci(false, None, 1, -1, "w"), oci(true, None, -1, 3, "rw")]).unwrap(),
    ];
    for rules in &sets {
        let program = program(rules);
        for kind in [1, 2] {
            for (major, minor) in [(1, 3), (1, 5), (8, 0), (8, 1), (136, 0), (136, 7), (0, 0), (4095, 3)] {
                for access in 1..8 {
                    let expected = meant(rules, kind, major, minor, access);
                    let decided = run(&program, kind, major, minor, access);
                    assert_eq!(decided, expected, "{kind} {major}:{minor} {access} by {rules:?}");
                }
            }
        }
    }
}

#[test]
fn the_kernel_takes_every_program() {
    let many = rules(&vec![oci(true, CHAR, 1, 3, "r"); 400]).unwrap();
    let hole = rules(&[oci(true, None, -1, -1, "rwm"), oci(false, None, -1, -1, "w")]).unwrap();
    for rules in [usual(), Vec::new(), many, hole, rules(&[oci(false, None, -1, -1, "rwm")]).unwrap()] {
        match sys::bpf::load_device_program(&program(&rules)) {
            // A kernel without it, or a test without the right.
            Err(error) if [sys::Errno::ENOSYS, sys::Errno::EPERM].contains(&error.errno) => {}
            other => drop(other.unwrap()),
        }
    }
}
