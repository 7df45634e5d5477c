//! Prints the effective user: installed set-uid root, it shows whether that bit has an effect.

use std::{
    fs,
    io::{self, Write},
};

fn main() -> io::Result<()> {
    let status = fs::read_to_string("/proc/self/status")?;
    // proc(5): real, effective, saved and file system user.
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
    let effective = line.split_whitespace().nth(1).unwrap_or("unknown");
    writeln!(io::stdout(), "Effective uid: {effective}")
}
