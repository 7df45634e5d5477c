//! Classic BPF for `struct seccomp_data`: conditions on arguments, and a search over call numbers.
//!
//! Every piece of code made here ends in a return on all its paths and only jumps forward within itself, so pieces can be
//! put behind one another without any bookkeeping of labels. A conditional jump reaches 255 instructions; where a search
//! must skip more, an unconditional jump (32 bits) does it.

/// `struct sock_filter` of `<linux/filter.h>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Insn {
    pub(super) code: u16,
    pub(super) jt: u8,
    pub(super) jf: u8,
    pub(super) k: u32,
}

/// Opcodes used, `<linux/bpf_common.h>`: class, size or operation, mode or source.
pub(super) const LD_ABS: u16 = 0x20;
pub(super) const AND: u16 = 0x54;
pub(super) const JA: u16 = 0x05;
pub(super) const JEQ: u16 = 0x15;
pub(super) const JGT: u16 = 0x25;
pub(super) const JGE: u16 = 0x35;
pub(super) const RET: u16 = 0x06;

/// Offsets in `struct seccomp_data`; all our machines are little endian.
pub(super) const OFFSET_NUMBER: u32 = 0;
pub(super) const OFFSET_MACHINE: u32 = 4;
const OFFSET_ARGS: u32 = 16;

/// How an argument is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// argument & value == datum
    Masked {
        datum: u64,
    },
}

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// 0 to 5.
    pub(super) argument: u32,
    pub(super) compare: Compare,
    pub(super) value: u64,
    /// All 64 bits count; otherwise the lower half.
    pub(super) wide: bool,
}

/// If all conditions hold, this action. No conditions always hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) conditions: Vec<Condition>,
    pub(super) action: u32,
}

/// What is done about the call numbers from `first` to the next interval's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) first: u32,
    /// In order of precedence; the last has no conditions.
    pub(super) rules: Vec<Rule>,
}

pub(super) fn ret(action: u32) -> Insn {
    Insn { code: RET, jt: 0, jf: 0, k: action }
}

pub(super) fn load(offset: u32) -> Insn {
    Insn { code: LD_ABS, jt: 0, jf: 0, k: offset }
}

/// Goes over `skip` instructions.
pub(super) fn jump(skip: usize) -> Insn {
    Insn { code: JA, jt: 0, jf: 0, k: u32::try_from(skip).unwrap_or(u32::MAX) }
}

/// The code for the number in the accumulator: a balanced search, so that some eight comparisons decide. (Calls allowed
/// whatever their arguments cost nothing at all: the kernel finds them by running the filter once, seccomp.c
/// `seccomp_cache_prepare`, which understands exactly the instructions of this search.)
pub(super) fn search(intervals: &[Interval]) -> Vec<Insn> {
    match intervals {
        [] => Vec::new(),
        [one] => one.rules.iter().flat_map(rule).collect(),
        _ => {
            let (below, above) = intervals.split_at(intervals.len() / 2);
            let left = search(below);
            let right = search(above);
            let mut code = Vec::with_capacity(left.len() + right.len() + 2);
            let pivot = above.first().map_or(0, |interval| interval.first);
            match u8::try_from(left.len()) {
                Ok(skip) => code.push(Insn { code: JGE, jt: skip, jf: 0, k: pivot }),
                Err(_) => {
                    code.push(Insn { code: JGE, jt: 0, jf: 1, k: pivot });
                    code.push(jump(left.len()));
                }
            }
            code.extend(left);
            code.extend(right);
            code
        }
    }
}

/// Where a step of a condition goes on.
#[derive(Clone, Copy)]
enum Go {
    /// The next step.
    On,
    /// The condition holds.
    Holds,
    /// It does not.
    Fails,
}

/// One instruction of a condition, its targets not yet counted.
#[derive(Clone, Copy)]
struct Step {
    insn: Insn,
    yes: Go,
    no: Go,
}

/// A rule's code: each condition in turn, then the action; a condition that fails goes to what follows the rule.
fn rule(rule: &Rule) -> Vec<Insn> {
    // A condition that holds goes to the end of its own steps, so resolve that as the steps are put together.
    let mut steps: Vec<(Step, usize)> = Vec::new();
    for condition in &rule.conditions {
        let of_condition = condition_steps(*condition);
        let end = steps.len() + of_condition.len();
        steps.extend(of_condition.into_iter().map(|step| (step, end)));
    }
    let length = steps.len() + 1;
    let mut code: Vec<Insn> = steps
        .iter()
        .enumerate()
        .map(|(place, (step, end))| {
            let distance = |go: Go| match go {
                Go::On => 0,
                Go::Holds => end - place - 1,
                Go::Fails => length - place - 1,
            };
            // Six arguments with at most six steps each: 37 at most.
            let reach = |go: Go| u8::try_from(distance(go)).unwrap_or(u8::MAX);
            match step.insn.code {
                LD_ABS | AND => step.insn,
                _ => Insn { jt: reach(step.yes), jf: reach(step.no), ..step.insn },
            }
        })
        .collect();
    code.push(ret(rule.action));
    code
}

fn condition_steps(condition: Condition) -> Vec<Step> {
    let Condition { argument, compare, value, wide } = condition;
    let low = OFFSET_ARGS + 8 * argument;
    let (value_high, value_low) = halves(value);
    let mut steps = Vec::new();
    if wide {
        steps.push(fetch(low + 4));
        match compare {
            Compare::Equal => steps.push(test(JEQ, value_high, Go::On, Go::Fails)),
            Compare::NotEqual => steps.push(test(JEQ, value_high, Go::On, Go::Holds)),
            Compare::Greater | Compare::GreaterOrEqual => {
                steps.push(test(JGT, value_high, Go::Holds, Go::On));
                steps.push(test(JEQ, value_high, Go::On, Go::Fails));
            }
            Compare::Less | Compare::LessOrEqual => {
                steps.push(test(JGT, value_high, Go::Fails, Go::On));
                steps.push(test(JEQ, value_high, Go::On, Go::Holds));
            }
            Compare::Masked { datum } => {
                steps.push(mask(value_high));
                steps.push(test(JEQ, halves(datum).0, Go::On, Go::Fails));
            }
        }
    }
    steps.push(fetch(low));
    match compare {
        Compare::Equal => steps.push(test(JEQ, value_low, Go::Holds, Go::Fails)),
        Compare::NotEqual => steps.push(test(JEQ, value_low, Go::Fails, Go::Holds)),
        Compare::Greater => steps.push(test(JGT, value_low, Go::Holds, Go::Fails)),
        Compare::GreaterOrEqual => steps.push(test(JGE, value_low, Go::Holds, Go::Fails)),
        Compare::Less => steps.push(test(JGE, value_low, Go::Fails, Go::Holds)),
        Compare::LessOrEqual => steps.push(test(JGT, value_low, Go::Fails, Go::Holds)),
        Compare::Masked { datum } => {
            steps.push(mask(value_low));
            steps.push(test(JEQ, halves(datum).1, Go::Holds, Go::Fails));
        }
    }
    steps
}

fn fetch(offset: u32) -> Step {
    Step { insn: load(offset), yes: Go::On, no: Go::On }
}

fn mask(bits: u32) -> Step {
    Step { insn: Insn { code: AND, jt: 0, jf: 0, k: bits }, yes: Go::On, no: Go::On }
}

fn test(code: u16, k: u32, yes: Go, no: Go) -> Step {
    Step { insn: Insn { code, jt: 0, jf: 0, k }, yes, no }
}

#[expect(clippy::cast_possible_truncation, reason = "halving is the purpose")]
fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, value as u32)
}
