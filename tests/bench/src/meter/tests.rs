//! Sums over processes that end, with and without heirs.
use super::*;

fn process(pid: i32, parent: i32, cpu_ms: u64) -> Process {
    Process {
        pid,
        parent,
        start_ticks: 1,
        cpu: Duration::from_millis(cpu_ms),
        arguments: Vec::new(),
        cgroup: String::new(),
    }
}

fn update(tally: &mut Tally, members: &[Process]) -> u64 {
    let members: Vec<_> = members.iter().collect();
    u64::try_from(tally.update(&members).as_millis()).unwrap()
}

#[test]
fn an_orphan_keeps_its_time_in_the_sum() {
    let mut tally = Tally::default();
    assert_eq!(update(&mut tally, &[process(10, 1, 100), process(20, 1, 30)]), 130);
    assert_eq!(update(&mut tally, &[process(10, 1, 100)]), 130);
    assert_eq!(update(&mut tally, &[process(10, 1, 110)]), 140);
}

#[test]
fn a_child_leaves_its_time_to_its_parent_once() {
    let mut tally = Tally::default();
    assert_eq!(update(&mut tally, &[process(10, 1, 100), process(11, 10, 30)]), 130);
    assert_eq!(update(&mut tally, &[process(10, 1, 130)]), 130);
}

#[test]
fn a_pid_that_comes_round_is_another_process() {
    let mut tally = Tally::default();
    assert_eq!(update(&mut tally, &[process(20, 1, 30)]), 30);
    let again = Process { start_ticks: 2, ..process(20, 1, 5) };
    assert_eq!(update(&mut tally, &[again]), 35);
}

#[test]
fn a_reading_without_a_runtime_stays_so() {
    let nothing = Reading { runtime: None, machine: Duration::from_millis(5) };
    let used = nothing.since(&Reading { runtime: None, machine: Duration::from_millis(2) });
    assert_eq!((used.runtime, used.machine), (None, Duration::from_millis(3)));
    assert_eq!(Reading::ZERO.plus(&used).runtime, None);
}
