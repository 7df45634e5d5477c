//! Limits reach systemd under its names and in its units.
use super::*;

fn setting(file: &str, value: &str) -> Setting {
    Setting { controller: "unified", file: file.into(), value: value.into(), optional: false }
}

fn properties(settings: &[(&str, &str)]) -> Vec<Property<'static>> {
    of(&settings.iter().map(|(file, value)| setting(file, value)).collect::<Vec<_>>())
}

fn number(name: &'static str, value: u64) -> Property<'static> {
    (name, value.into())
}

#[test]
fn limits_have_names_and_others_are_left_alone() {
    let all = properties(&[
        ("memory.max", "1048576"),
        ("memory.high", "2M"),
        ("memory.swap.max", "max"),
        ("cpu.weight", "39"),
        ("pids.max", "20"),
        ("hugetlb.2MB.max", "0"),
        ("io.max", "8:0 rbps=1"),
    ]);
    let wanted = [
        number("MemoryMax", 1 << 20),
        number("MemoryHigh", 2 << 20),
        number("MemorySwapMax", u64::MAX),
        number("CPUWeight", 39),
        number("TasksMax", 20),
    ];
    assert_eq!(all, wanted);
}

#[test]
fn the_last_word_counts() {
    assert_eq!(properties(&[("pids.max", "20"), ("pids.max", "30")]), [number("TasksMax", 30)]);
}

#[test]
fn a_new_unit_has_no_limit_of_tasks_but_ours() {
    assert_eq!(of_new(&[]), [number("TasksMax", u64::MAX)]);
    assert_eq!(of_new(&[setting("pids.max", "5")]), [number("TasksMax", 5)]);
}

#[test]
fn a_quota_is_of_each_second() {
    let half = [number("CPUQuotaPerSecUSec", 500_000), number("CPUQuotaPeriodUSec", 20_000)];
    assert_eq!(properties(&[("cpu.max", "10000 20000")]), half);
    assert_eq!(properties(&[("cpu.max", "50000")]), [number("CPUQuotaPerSecUSec", 500_000)]);
    assert_eq!(properties(&[("cpu.max", "max")]), [number("CPUQuotaPerSecUSec", u64::MAX)]);
    assert_eq!(properties(&[("cpu.max", "nonsense")]), []);
}

#[test]
fn processors_are_bits_the_lowest_first() {
    assert_eq!(mask("0-3,9"), Some(vec![0b1111, 0b10]));
    assert_eq!(mask("7"), Some(vec![0b1000_0000]));
    for bad in ["", "3-1", "x", "1-", "999999"] {
        assert_eq!(mask(bad), None, "{bad}");
    }
}
