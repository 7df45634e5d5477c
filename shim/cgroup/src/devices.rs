//! Which devices a group may use: OCI's rules as lines for v1 and as a program for v2.
//!
//! Both start from "none" (SEC-05) and let the rules speak in order, the last word counting, each of read, write
//! and mknod for itself: of two rules that allow a read and a write of one device, the device may be opened for
//! both. v1's lists work like that; the program, which is asked for all three at once, goes through the rules from
//! the last to the first and keeps what is not yet decided in a register.
use std::os::fd::AsFd;

use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};
use sys::bpf::Instruction;

use crate::{
    error::{Error, Result},
    files,
};

/// mknod, read, write, as `BPF_DEVCG_ACC_*` has them.
const MKNOD: u8 = 1;
const READ: u8 = 2;
const WRITE: u8 = 4;
const ALL: u8 = 7;

/// No container has more; the verifier takes four thousand instructions, eight a rule.
const RULES_MAX: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    allow: bool,
    kind: Option<Kind>,
    major: Option<i32>,
    minor: Option<i32>,
    access: u8,
}

/// As `BPF_DEVCG_DEV_*` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Block = 1,
    Char = 2,
}

impl Rule {
    fn is_everything(&self) -> bool {
        *self == Self { allow: self.allow, kind: None, major: None, minor: None, access: ALL }
    }
}

/// Reads OCI's rules.
///
/// # Errors
/// A number or an access that no device has.
pub(crate) fn rules(rules: &[LinuxDeviceCgroup]) -> Result<Vec<Rule>> {
    if rules.len() > RULES_MAX {
        return Err(refuse(rules.len(), "more than 400 rules"));
    }
    rules.iter().map(rule).collect()
}

fn rule(rule: &LinuxDeviceCgroup) -> Result<Rule> {
    let number = |number: Option<i64>| match number {
        // runc writes -1 for "any".
        None | Some(-1) => Ok(None),
        Some(number) => match i32::try_from(number) {
            Ok(number @ 0..) => Ok(Some(number)),
            _ => Err(refuse(number, "no device has such a number")),
        },
    };
    let access = rule.access().as_deref().unwrap_or("");
    Ok(Rule {
        allow: rule.allow(),
        kind: match rule.typ() {
            Some(LinuxDeviceType::B) => Some(Kind::Block),
            Some(LinuxDeviceType::C | LinuxDeviceType::U) => Some(Kind::Char),
            Some(LinuxDeviceType::A) | None => None,
            Some(LinuxDeviceType::P) => return Err(refuse("p", "a fifo is no device")),
        },
        major: number(rule.major())?,
        minor: number(rule.minor())?,
        access: if access.is_empty() { ALL } else { access_bits(access)? },
    })
}

fn access_bits(access: &str) -> Result<u8> {
    access.bytes().try_fold(0, |bits, byte| match byte {
        b'm' => Ok(bits | MKNOD),
        b'r' => Ok(bits | READ),
        b'w' => Ok(bits | WRITE),
        _ => Err(refuse(access, "access is made of r, w and m")),
    })
}

fn refuse(value: impl ToString, why: &'static str) -> Error {
    Error::Value { resource: "devices", value: value.to_string().chars().take(200).collect(), why }
}

/// Lines for `devices.allow` (true) and `devices.deny` of v1.
pub(crate) fn lines(rules: &[Rule]) -> Vec<(bool, String)> {
    let mut lines = vec![(false, "a".to_owned())];
    for rule in rules {
        if rule.is_everything() {
            // The list starts anew.
            lines = vec![(rule.allow, "a".to_owned())];
            continue;
        }
        let number = |number: Option<i32>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
        let access: String = [(READ, 'r'), (WRITE, 'w'), (MKNOD, 'm')]
            .iter()
            .filter(|(bit, _)| rule.access & bit != 0)
            .map(|(_, c)| c)
            .collect();
        // v1's type "a" means everything, whatever follows it.
        let kinds = match rule.kind {
            Some(Kind::Block) => &["b"][..],
            Some(Kind::Char) => &["c"],
            None => &["b", "c"],
        };
        for kind in kinds {
            lines
                .push((rule.allow, format!("{kind} {}:{} {access}", number(rule.major), number(rule.minor))));
        }
    }
    lines
}

/// Writes the lines to the files of a v1 group.
pub(crate) fn write_lines(dir: &std::path::Path, rules: &[Rule]) -> Result<()> {
    let (allow, deny) = (dir.join("devices.allow"), dir.join("devices.deny"));
    let (mut allow, mut deny) = (files::open(&allow, "")?, files::open(&deny, "")?);
    lines(rules)
        .iter()
        .try_for_each(|(is_allow, line)| if *is_allow { allow.write(line) } else { deny.write(line) })
}

/// Attaches the program to a v2 group.
pub(crate) fn attach(dir: &std::path::Path, rules: &[Rule]) -> Result<()> {
    let group =
        std::fs::File::open(dir).map_err(|source| Error::Io { op: "open", path: dir.to_owned(), source })?;
    let program = sys::bpf::load_device_program(&program(rules));
    program
        .and_then(|program| sys::bpf::set_device_program(group.as_fd(), program.as_fd()))
        .map_err(|source| Error::Devices { path: dir.to_owned(), source })
}

// === the program ===
// r1: context, later scratch   r2: access not yet decided   r3: type   r4: major   r5: minor

const LOAD_WORD: u8 = 0x61;
const MOVE: u8 = 0xb7;
const MOVE_REGISTER: u8 = 0xbf;
const AND: u8 = 0x57;
const SHIFT_RIGHT: u8 = 0x77;
const JUMP_IF_NOT: u8 = 0x55;
const JUMP_IF: u8 = 0x15;
const EXIT: u8 = 0x95;

fn op(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction { code, registers: source << 4 | destination, offset, immediate }
}

fn answer(allow: bool) -> [Instruction; 2] {
    [op(MOVE, 0, 0, 0, i32::from(allow)), op(EXIT, 0, 0, 0, 0)]
}

/// `struct bpf_cgroup_dev_ctx` has three words: access in the upper and type in the lower half of the first, major,
/// minor. The program returns 1 to allow.
pub(crate) fn program(rules: &[Rule]) -> Vec<Instruction> {
    let mut program = vec![
        op(LOAD_WORD, 2, 1, 0, 0),
        op(MOVE_REGISTER, 3, 2, 0, 0),
        op(AND, 3, 0, 0, 0xffff),
        op(SHIFT_RIGHT, 2, 0, 0, 16),
        op(LOAD_WORD, 4, 1, 4, 0),
        op(LOAD_WORD, 5, 1, 8, 0),
    ];
    for rule in rules.iter().rev() {
        if rule.is_everything() {
            // Nothing behind it can be reached, and the verifier refuses what cannot.
            program.extend(answer(rule.allow));
            return program;
        }
        program.extend(block(rule));
    }
    program.extend(answer(false));
    program
}

/// One rule: falls through to the next if it does not decide.
fn block(rule: &Rule) -> Vec<Instruction> {
    let access = i32::from(rule.access);
    let decide = match rule.allow {
        true => vec![op(AND, 2, 0, 0, !access), op(JUMP_IF_NOT, 2, 0, 2, 0)],
        false => vec![op(MOVE_REGISTER, 1, 2, 0, 0), op(AND, 1, 0, 0, access), op(JUMP_IF, 1, 0, 2, 0)],
    };
    let matches = [
        rule.kind.map(|kind| (3, kind as i32)),
        rule.major.map(|major| (4, major)),
        rule.minor.map(|minor| (5, minor)),
    ];
    let matches: Vec<_> = matches.into_iter().flatten().collect();
    let mut block = Vec::new();
    for (at, (register, value)) in matches.iter().enumerate() {
        let left = matches.len() - at - 1 + decide.len() + 2;
        block.push(op(JUMP_IF_NOT, *register, 0, left as i16, *value));
    }
    block.extend(decide);
    block.extend(answer(rule.allow));
    block
}

#[cfg(test)]
mod tests;
