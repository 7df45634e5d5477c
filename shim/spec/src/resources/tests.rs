//! Limits, as kubelet and others send them.
use super::*;
use crate::{Kind, testing};

type Request = cri::LinuxContainerResources;

fn limits(request: &Request) -> LinuxResources {
    resources(request, &testing::node()).unwrap()
}

fn kind(request: &Request) -> Kind {
    resources(request, &testing::node()).unwrap_err().kind()
}

fn hugepage(page_size: &str, limit: u64) -> cri::HugepageLimit {
    cri::HugepageLimit { page_size: page_size.into(), limit }
}

#[test]
fn nothing_specified_limits_nothing() {
    assert_eq!(limits(&Request::default()), empty());
}

#[test]
fn what_kubelet_sends() {
    let request = Request {
        cpu_period: 100_000,
        cpu_quota: 50_000,
        cpu_shares: 512,
        memory_limit_in_bytes: 1 << 30,
        oom_score_adj: 985,
        cpuset_cpus: "0-3,8".into(),
        hugepage_limits: vec![hugepage("2MB", 0), hugepage("1GB", 0)],
        unified: HashMap::from([("memory.swap.max".to_owned(), "0".to_owned())]),
        ..Default::default()
    };
    let made = limits(&request);
    let cpu = made.cpu().as_ref().unwrap();
    assert_eq!((cpu.period(), cpu.quota(), cpu.shares()), (Some(100_000), Some(50_000), Some(512)));
    assert_eq!(cpu.cpus().as_deref(), Some("0-3,8"));
    let memory = made.memory().as_ref().unwrap();
    assert_eq!((memory.limit(), memory.swap()), (Some(1 << 30), Some(1 << 30)));
    assert_eq!(made.hugepage_limits().as_ref().unwrap().len(), 2);
    assert_eq!(made.unified().as_ref().unwrap()["memory.swap.max"], "0");
    assert_eq!(oom_score_adj(&request, &testing::node()).unwrap(), 985);
}

#[test]
fn quota_and_shares_have_their_edges() {
    let quota = |cpu_quota: i64| Request { cpu_quota, ..Default::default() };
    assert_eq!(limits(&quota(-1)).cpu().as_ref().unwrap().quota(), Some(-1));
    assert!(limits(&quota(1_000)).cpu().is_some());
    for bad in [-2, 1, 999] {
        assert_eq!(kind(&quota(bad)), Kind::Invalid);
    }
    for bad in [-1, 999, 1_000_001] {
        assert_eq!(kind(&Request { cpu_period: bad, ..Default::default() }), Kind::Invalid);
    }
    let shares = |cpu_shares: i64| {
        limits(&Request { cpu_shares, ..Default::default() }).cpu().as_ref().unwrap().shares()
    };
    assert_eq!([shares(1), shares(2), shares(1 << 40)], [Some(2), Some(2), Some(262_144)]);
    assert_eq!(kind(&Request { cpu_shares: -1, ..Default::default() }), Kind::Invalid);
}

#[test]
fn swap_follows_memory_unless_told_otherwise() {
    let memory = |limit: i64, swap: i64, node: &NodeFacts| {
        let request =
            Request { memory_limit_in_bytes: limit, memory_swap_limit_in_bytes: swap, ..Default::default() };
        resources(&request, node).unwrap().memory().as_ref().map(|memory| (memory.limit(), memory.swap()))
    };
    let node = testing::node();
    assert_eq!(memory(100, 0, &node), Some((Some(100), Some(100))));
    assert_eq!(memory(100, 300, &node), Some((Some(100), Some(300))));
    assert_eq!(memory(100, -1, &node), Some((Some(100), Some(-1))));
    assert_eq!(memory(-1, 0, &node), Some((Some(-1), Some(-1))));
    let without = NodeFacts { swap_limit: false, ..node };
    assert_eq!(memory(100, 300, &without), Some((Some(100), None)));
    assert_eq!(
        kind(&Request { memory_limit_in_bytes: 100, memory_swap_limit_in_bytes: 99, ..Default::default() }),
        Kind::Invalid
    );
    assert_eq!(kind(&Request { memory_limit_in_bytes: -2, ..Default::default() }), Kind::Invalid);
}

#[test]
fn lists_of_cpus_are_lists() {
    for (list, good) in [
        ("0", true),
        ("0-3,8", true),
        ("0,2,4-4", true),
        ("3-1", false),
        ("0-", false),
        ("-1", false),
        (",", false),
        ("0,", false),
        ("0 1", false),
        ("0\n", false),
        ("a", false),
        ("0-1-2", false),
        ("999999", false),
        ("+1", false),
    ] {
        let request = Request { cpuset_cpus: list.into(), ..Default::default() };
        assert_eq!(resources(&request, &testing::node()).is_ok(), good, "{list:?}");
    }
    assert!(resources(&Request { cpuset_mems: "x".into(), ..Default::default() }, &testing::node()).is_err());
}

#[test]
fn huge_pages_the_node_lacks() {
    let request =
        |limit: u64| Request { hugepage_limits: vec![hugepage("64KB", limit)], ..Default::default() };
    assert_eq!(limits(&request(0)), empty());
    assert_eq!(kind(&request(1)), Kind::Unsupported);
}

#[test]
fn unified_reaches_limits_and_nothing_else() {
    let request = |key: &str, value: &str| Request {
        unified: HashMap::from([(key.to_owned(), value.to_owned())]),
        ..Default::default()
    };
    for key in ["memory.high", "memory.oom.group", "cpu.weight", "io.max", "hugetlb.2MB.max"] {
        assert!(limits(&request(key, "1")).unified().is_some(), "{key}");
    }
    for key in
        ["", "memory", "cgroup.procs", "cgroup.kill", "../x.y", "a/b.c", "memory.max\n", ".max", "x.", "…"]
    {
        assert_eq!(kind(&request(key, "1")), Kind::Invalid, "{key:?}");
    }
    for value in ["", "a\0", "\u{1b}"] {
        assert_eq!(kind(&request("memory.high", value)), Kind::Invalid, "{value:?}");
    }
    let v1 = NodeFacts { cgroup_v2: false, ..testing::node() };
    assert_eq!(resources(&request("memory.high", "1"), &v1).unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn the_oom_preference_is_clamped_to_what_the_daemon_may() {
    let request = |oom_score_adj: i64| Request { oom_score_adj, ..Default::default() };
    let rootless = NodeFacts { min_oom_score_adj: 0, ..testing::node() };
    assert_eq!(oom_score_adj(&request(-997), &rootless).unwrap(), 0);
    assert_eq!(oom_score_adj(&request(-997), &testing::node()).unwrap(), -997);
    for bad in [-1001, 1001, i64::MIN, i64::MAX] {
        assert!(oom_score_adj(&request(bad), &testing::node()).is_err());
    }
}

#[test]
fn an_update_keeps_what_it_does_not_mention() {
    let held = Request {
        cpu_shares: 512,
        memory_limit_in_bytes: 100,
        cpuset_cpus: "0".into(),
        hugepage_limits: vec![hugepage("2MB", 1)],
        unified: HashMap::from([("memory.high".to_owned(), "9".to_owned())]),
        ..Default::default()
    };
    let update = Request {
        cpuset_cpus: "1-2".into(),
        hugepage_limits: vec![hugepage("2MB", 2), hugepage("1GB", 3)],
        ..Default::default()
    };
    let after = merged(&held, &update);
    assert_eq!(
        (after.cpu_shares, after.memory_limit_in_bytes, after.cpuset_cpus.as_str()),
        (512, 100, "1-2")
    );
    assert_eq!(after.hugepage_limits, [hugepage("2MB", 2), hugepage("1GB", 3)]);
    assert_eq!(after.unified["memory.high"], "9");
}
