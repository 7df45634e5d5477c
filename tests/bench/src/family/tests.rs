//! Process trees of the three usual shapes.
use std::time::Duration;

use super::*;

fn process(pid: i32, parent: i32, arguments: &[&str], cgroup: &str) -> Process {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Process { pid, parent, start_ticks: 1, cpu: Duration::ZERO, arguments, cgroup: cgroup.to_owned() }
}

fn roles(all: &[Process]) -> Vec<(i32, Role)> {
    let ids = HashSet::from(["pod1".to_owned(), "ctr1".to_owned()]);
    let command = ["sleep".to_owned(), "9".to_owned()];
    let family = Family { daemon: 10, ids: &ids, command: &command };
    family.members(all).into_iter().map(|(process, role)| (process.pid, role)).collect()
}

#[test]
fn a_shim_outside_the_tree_is_known_by_its_arguments_and_brings_its_children() {
    let found = roles(&[
        process(1, 0, &["init"], "0::/"),
        process(10, 1, &["containerd"], "0::/"),
        process(20, 1, &["shim", "-id", "pod1"], "0::/"),
        process(21, 20, &["/pause"], "0::/x/pod1"),
        process(22, 20, &["sleep", "9"], "0::/x/cri-containerd-ctr1.scope"),
        process(23, 22, &["grandchild"], "0::/x/cri-containerd-ctr1.scope"),
        process(30, 1, &["sleep", "9"], "0::/elsewhere"),
    ]);
    let expected = [
        (10, Role::Daemon),
        (20, Role::Helper),
        (21, Role::Helper),
        (22, Role::Workload),
        (23, Role::Workload),
    ];
    assert_eq!(found, expected);
}

#[test]
fn children_of_the_daemon_are_helpers_however_deep_and_in_any_order() {
    let found = roles(&[
        process(13, 12, &["c"], "0::/"),
        process(12, 11, &["b"], "0::/"),
        process(11, 10, &["a"], "0::/"),
        process(10, 1, &["daemon"], "0::/"),
    ]);
    let expected = [(13, Role::Helper), (12, Role::Helper), (11, Role::Helper), (10, Role::Daemon)];
    assert_eq!(found, expected);
}

#[test]
fn a_monitor_with_the_id_of_the_pod_holds_the_workload() {
    let found = roles(&[
        process(10, 1, &["berthd"], "0::/"),
        process(20, 10, &["berth-monitor", "pod1"], "0::/"),
        process(21, 20, &["sleep", "9"], "4:cpu:/p/ctr1\n0::/"),
    ]);
    assert_eq!(found, [(10, Role::Daemon), (20, Role::Helper), (21, Role::Workload)]);
}
