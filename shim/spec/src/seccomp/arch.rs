//! Numbers of system calls, by name, for the machines a container's programs may be made for.

use std::{collections::HashMap, sync::LazyLock};

use oci_spec::runtime::Arch;

/// A machine whose system calls we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    X86_64,
    /// 32-bit programs of the x86-64 kind: the same entry as x86-64, numbers with [`X32_BIT`].
    X32,
    X86,
    Aarch64,
    Arm,
}

/// `__X32_SYSCALL_BIT` of `<asm/unistd.h>`. Numbers from here on never belong to x86-64 itself.
pub(super) const X32_BIT: u32 = 0x4000_0000;

/// Calls the table crate does not have yet; from 424 on a call has one number everywhere.
const NEWER: [(&str, u32); 3] = [("file_getattr", 468), ("file_setattr", 469), ("listns", 470)];

/// Calls of 32-bit ARM outside the usual range, `<asm/unistd.h>` of arch/arm.
const ARM_PRIVATE: [(&str, u32); 6] = [
    ("breakpoint", 0x0f_0001),
    ("cacheflush", 0x0f_0002),
    ("usr26", 0x0f_0003),
    ("usr32", 0x0f_0004),
    ("set_tls", 0x0f_0005),
    ("get_tls", 0x0f_0006),
];

/// Calls whose x32 number is not the x86-64 one, `arch/x86/entry/syscalls/syscall_64.tbl`.
const X32_OWN: [(&str, u32); 36] = [
    ("rt_sigaction", 512),
    ("rt_sigreturn", 513),
    ("ioctl", 514),
    ("readv", 515),
    ("writev", 516),
    ("recvfrom", 517),
    ("sendmsg", 518),
    ("recvmsg", 519),
    ("execve", 520),
    ("ptrace", 521),
    ("rt_sigpending", 522),
    ("rt_sigtimedwait", 523),
    ("rt_sigqueueinfo", 524),
    ("sigaltstack", 525),
    ("timer_create", 526),
    ("mq_notify", 527),
    ("kexec_load", 528),
    ("waitid", 529),
    ("set_robust_list", 530),
    ("get_robust_list", 531),
    ("vmsplice", 532),
    ("move_pages", 533),
    ("preadv", 534),
    ("pwritev", 535),
    ("rt_tgsigqueueinfo", 536),
    ("recvmmsg", 537),
    ("sendmmsg", 538),
    ("process_vm_readv", 539),
    ("process_vm_writev", 540),
    ("setsockopt", 541),
    ("getsockopt", 542),
    ("io_setup", 543),
    ("io_submit", 544),
    ("execveat", 545),
    ("preadv2", 546),
    ("pwritev2", 547),
];

type Table = HashMap<&'static str, u32>;

static X86_64: LazyLock<Table> = LazyLock::new(|| {
    let mut table =
        numbers(syscalls::x86_64::Sysno::last().id(), syscalls::x86_64::Sysno::new, |call| call.name());
    table.insert("uprobe", 336);
    table
});
static X86: LazyLock<Table> = LazyLock::new(|| {
    numbers(syscalls::x86::Sysno::last().id(), syscalls::x86::Sysno::new, |call| call.name())
});
static AARCH64: LazyLock<Table> = LazyLock::new(|| {
    let mut table =
        numbers(syscalls::aarch64::Sysno::last().id(), syscalls::aarch64::Sysno::new, |call| call.name());
    // The crate takes the generic header's list for 32-bit machines along; these numbers are free on aarch64.
    table.retain(|_, number| !(403..=423).contains(number));
    // It has this one under the header's internal name.
    table.remove("fstatat");
    table.insert("newfstatat", 79);
    table
});
static ARM: LazyLock<Table> = LazyLock::new(|| {
    let mut table = numbers(syscalls::arm::Sysno::last().id(), syscalls::arm::Sysno::new, |call| call.name());
    table.extend(ARM_PRIVATE);
    table
});
static X32: LazyLock<Table> = LazyLock::new(|| {
    let mut table = X86_64.clone();
    table.extend(X32_OWN);
    table.values_mut().for_each(|number| *number |= X32_BIT);
    table
});

fn numbers<Call>(
    last: i32,
    call: impl Fn(usize) -> Option<Call>,
    name: impl Fn(&Call) -> &'static str,
) -> Table {
    let last = usize::try_from(last).unwrap_or_default();
    let known = (0..=last).filter_map(|number| {
        let call = call(number)?;
        // The crate's names are Rust identifiers.
        let name = name(&call);
        Some((name.strip_prefix("r#").unwrap_or(name), u32::try_from(number).ok()?))
    });
    known.chain(NEWER).collect()
}

// === impl Machine ===

impl Machine {
    /// The machine this program runs on; the others' programs may run beside it.
    pub(super) const NATIVE: Self = if cfg!(target_arch = "aarch64") { Self::Aarch64 } else { Self::X86_64 };

    /// `None` for machines that cannot run on ours.
    pub(super) fn of_oci(arch: Arch) -> Option<Self> {
        match arch {
            Arch::ScmpArchNative => Some(Self::NATIVE),
            Arch::ScmpArchX86_64 => Some(Self::X86_64),
            Arch::ScmpArchX32 => Some(Self::X32),
            Arch::ScmpArchX86 => Some(Self::X86),
            Arch::ScmpArchAarch64 => Some(Self::Aarch64),
            Arch::ScmpArchArm => Some(Self::Arm),
            _ => None,
        }
    }

    pub(super) fn to_oci(self) -> Arch {
        match self {
            Self::X86_64 => Arch::ScmpArchX86_64,
            Self::X32 => Arch::ScmpArchX32,
            Self::X86 => Arch::ScmpArchX86,
            Self::Aarch64 => Arch::ScmpArchAarch64,
            Self::Arm => Arch::ScmpArchArm,
        }
    }

    /// The 32-bit machine whose programs the native kernel runs too.
    pub(super) fn compatible(self) -> Option<Self> {
        match self {
            Self::X86_64 => Some(Self::X86),
            Self::Aarch64 => Some(Self::Arm),
            Self::X32 | Self::X86 | Self::Arm => None,
        }
    }

    /// Go's name for it, which profiles use in `includes.arches`.
    pub(super) fn go_name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::X32 => "x32",
            Self::X86 => "x86",
            Self::Aarch64 => "arm64",
            Self::Arm => "arm",
        }
    }

    /// AUDIT_ARCH_* of `<linux/audit.h>`: what `seccomp_data.arch` holds.
    pub(super) fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
        }
    }

    /// Whether an argument has 64 bits that count.
    pub(super) fn wide(self) -> bool {
        !matches!(self, Self::X86 | Self::Arm)
    }

    /// The number of a call, x32's bit included; `None` if the machine has no such call.
    pub(super) fn number(self, name: &str) -> Option<u32> {
        self.table().get(name).copied()
    }

    /// All calls.
    #[cfg(test)]
    pub(super) fn calls(self) -> impl Iterator<Item = (&'static str, u32)> {
        self.table().iter().map(|(name, number)| (*name, *number))
    }

    fn table(self) -> &'static Table {
        match self {
            Self::X86_64 => &X86_64,
            Self::X32 => &X32,
            Self::X86 => &X86,
            Self::Aarch64 => &AARCH64,
            Self::Arm => &ARM,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_kernels() {
        for (machine, name, number) in [
            (Machine::X86_64, "read", 0),
            (Machine::X86_64, "clone3", 435),
            (Machine::X86_64, "open_tree_attr", 467),
            (Machine::X86_64, "file_setattr", 469),
            (Machine::X86_64, "uretprobe", 335),
            (Machine::X86, "socketcall", 102),
            (Machine::X86, "socket", 359),
            (Machine::X86, "clone3", 435),
            (Machine::X86, "clock_gettime64", 403),
            (Machine::X32, "read", X32_BIT),
            (Machine::X32, "ioctl", X32_BIT | 514),
            (Machine::Aarch64, "newfstatat", 79),
            (Machine::Aarch64, "socket", 198),
            (Machine::Aarch64, "mmap", 222),
            (Machine::Arm, "set_tls", 0x0f_0005),
            (Machine::Arm, "socket", 281),
        ] {
            assert_eq!(machine.number(name), Some(number), "{machine:?} {name}");
        }
        for (machine, name) in [
            (Machine::X86_64, "socketcall"),
            (Machine::Aarch64, "open"),
            (Machine::Aarch64, "clock_gettime64"),
            (Machine::X86, "nope"),
        ] {
            assert_eq!(machine.number(name), None, "{machine:?} {name}");
        }
    }

    #[test]
    fn no_number_is_taken_twice() {
        for machine in [Machine::X86_64, Machine::X32, Machine::X86, Machine::Aarch64, Machine::Arm] {
            let numbers: std::collections::HashSet<u32> = machine.calls().map(|(_, number)| number).collect();
            assert_eq!(numbers.len(), machine.calls().count(), "{machine:?}");
            assert_eq!(Machine::of_oci(machine.to_oci()), Some(machine));
        }
    }
}
