//! Runs a filter as the kernel does, on made-up calls.

use super::super::super::bpf::{AND, JA, JEQ, JGE, JGT, LD_ABS, RET};

/// `struct seccomp_data`, without the instruction pointer.
#[derive(Clone, Debug)]
pub(in crate::seccomp) struct Call {
    pub(in crate::seccomp) audit: u32,
    pub(in crate::seccomp) number: u32,
    pub(in crate::seccomp) args: [u64; 6],
}

/// What the filter says.
pub(in crate::seccomp) fn verdict(program: &[u8], call: &Call) -> u32 {
    run(program, call).unwrap().0
}

/// The verdict, and how many instructions it took.
pub(super) fn run(program: &[u8], call: &Call) -> Result<(u32, usize), String> {
    let mut data = Vec::new();
    data.extend(call.number.to_ne_bytes());
    data.extend(call.audit.to_ne_bytes());
    data.extend([0; 8]);
    data.extend(call.args.iter().flat_map(|arg| arg.to_ne_bytes()));

    let code = decode(program)?;
    let (mut accumulator, mut place, mut steps) = (0_u32, 0_usize, 0_usize);
    loop {
        let (op, jt, jf, k) = *code.get(place).ok_or(format!("ran off the end at {place}"))?;
        (place, steps) = (place + 1, steps + 1);
        match op {
            LD_ABS => {
                let offset = k as usize;
                let word = data.get(offset..offset + 4).ok_or(format!("load from {offset}"))?;
                accumulator = u32::from_ne_bytes(word.try_into().unwrap());
            }
            AND => accumulator &= k,
            JA => place += k as usize,
            JEQ => place += if accumulator == k { jt } else { jf },
            JGT => place += if accumulator > k { jt } else { jf },
            JGE => place += if accumulator >= k { jt } else { jf },
            RET => return Ok((k, steps)),
            other => return Err(format!("instruction {other:#x}")),
        }
    }
}

/// What the kernel's verifier insists on: known instructions, aligned loads inside the data, jumps inside the program,
/// a return at the end.
pub(super) fn check(program: &[u8]) -> Result<(), String> {
    let code = decode(program)?;
    for (place, (op, jt, jf, k)) in code.iter().enumerate() {
        let targets = match *op {
            LD_ABS if k % 4 == 0 && *k < 64 => vec![0],
            AND => vec![0],
            JA => vec![*k as usize],
            JEQ | JGT | JGE => vec![*jt, *jf],
            RET => vec![],
            _ => return Err(format!("instruction {op:#x} at {place}")),
        };
        for target in targets {
            if place + 1 + target >= code.len() {
                return Err(format!("{place} goes to {}", place + 1 + target));
            }
        }
    }
    match code.last() {
        Some((RET, ..)) => Ok(()),
        _ => Err("no return at the end".to_owned()),
    }
}

fn decode(program: &[u8]) -> Result<Vec<(u16, usize, usize, u32)>, String> {
    let (instructions, rest) = program.as_chunks::<8>();
    if !rest.is_empty() || instructions.is_empty() {
        return Err(format!("{} bytes are no program", program.len()));
    }
    Ok(instructions
        .iter()
        .map(|[c0, c1, jt, jf, k @ ..]| {
            (u16::from_ne_bytes([*c0, *c1]), usize::from(*jt), usize::from(*jf), u32::from_ne_bytes(*k))
        })
        .collect())
}
