use super::*;

const POD: &str = "/kubepods/pod1";
const GROUP: &str = "/kubepods/pod1/c0ffee";

fn line(limited: &str, group: &str, name: &str) -> String {
    format!(
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg={limited},task_memcg={group},task={name},pid=4242,uid=0"
    )
}

fn told(line: &str) -> String {
    sentence(&parse(line, "c0ffee").unwrap(), 1024, POD)
}

#[test]
fn whose_limit_it_was_is_told() {
    let by = |limited: &str| told(&line(limited, GROUP, "dd"));
    assert_eq!(
        by(GROUP),
        "process 4242 (\"dd\") was killed for want of memory: the container reached its limit of 1024 bytes"
    );
    assert!(by(POD).ends_with("the pod reached its limit (cgroup /kubepods/pod1)"));
    assert!(by("/kubepods").contains("the limit of cgroup \"/kubepods\""));
    let below = format!("{GROUP}/docker/1");
    assert!(told(&line(&below, &below, "dd")).contains(&below));
    assert!(told(&line(GROUP, &below, "dd")).contains("the container reached its limit"));
    let node = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/kubepods/pod1/c0ffee,task=dd,pid=1,uid=0";
    assert!(told(node).contains("the node had none left"));
}

#[test]
fn a_daemon_in_a_cgroup_namespace_and_systemds_names_are_understood() {
    let scope = "/node/kubepods.slice/kubepods-pod1.slice/berth-c0ffee.scope";
    assert!(told(&line(scope, scope, "dd")).contains("the container reached its limit"));
    assert!(told(&line("/node/kubepods.slice/kubepods-pod1.slice", scope, "dd")).contains("the pod reached"));
}

#[test]
fn other_lines_and_victims_of_others_are_none_of_ours() {
    assert_eq!(parse(&line(POD, "/kubepods/pod1/decaf", "dd"), "c0ffee"), None);
    assert_eq!(parse("eth0: link up", "c0ffee"), None);
    assert_eq!(parse("oom-kill:constraint=,task_memcg=/c0ffee", "c0ffee"), None);
}

#[test]
fn a_name_that_looks_like_more_is_only_a_name() {
    let killed = parse(&line(GROUP, GROUP, "a,pid=1,uid=7"), "c0ffee").unwrap();
    assert_eq!((killed.pid, killed.name.as_str()), (4242, "a,pid=1,uid=7"));
}
