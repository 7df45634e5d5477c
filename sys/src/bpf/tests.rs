//! Loading and replacing a program on a v2 cgroup of our own, where one is mounted.

use std::{fs, os::fd::AsFd, path::Path};

use super::*;

/// `mov r0, value; exit`.
fn constant(value: i32) -> [Instruction; 2] {
    [
        Instruction { code: 0xb7, registers: 0, offset: 0, immediate: value },
        Instruction { code: 0x95, registers: 0, offset: 0, immediate: 0 },
    ]
}

#[test]
fn a_program_is_loaded_and_replaces_the_one_before() {
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
    let Some(root) = roots.iter().find(|root| Path::new(root).join("cgroup.controllers").exists()) else {
        return;
    };
    let path = Path::new(root).join(format!("berth-sys-bpf-{}", std::process::id()));
    fs::create_dir(&path).unwrap();
    let cgroup = fs::File::open(&path).unwrap();
    let outcome = (|| {
        let mut seen = Vec::new();
        for value in [0, 1] {
            let program = load_device_program(&constant(value))?;
            set_device_program(cgroup.as_fd(), program.as_fd())?;
            seen.push(device_programs(cgroup.as_fd())?);
        }
        Ok::<_, Error>(seen)
    })();
    fs::remove_dir(&path).unwrap();
    let seen = outcome.unwrap();
    assert_eq!((seen[0].len(), seen[1].len()), (1, 1));
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn the_verifier_refuses_a_program_that_does_not_end() {
    assert!(load_device_program(&constant(0)[..1]).is_err());
}
