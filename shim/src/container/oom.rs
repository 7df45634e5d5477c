//! Which process the kernel killed for want of memory, and at whose limit: from its log, which alone knows.
use std::sync::Arc;

use super::Container;
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, Kind},
};

/// What the kernel says when it kills: `oom-kill:constraint=…,oom_memcg=…,task_memcg=…,task=…,pid=…,uid=…` (since
/// Linux 4.20, on v1 and v2).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Killed {
    pid: i32,
    /// As the process named itself: any bytes but NUL, at most 15.
    name: String,
    limit_of: Level,
}

/// Whose limit was met.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Container,
    Pod,
    /// Above the pod, or made by the container below its own.
    Group(String),
    /// Nobody's: the whole node had no memory left.
    Node,
}

/// A sentence for the container's status. The log is a ring and drops much of what comes too fast, so there is an answer
/// without it.
pub(super) async fn told(cx: &Arc<Ctx>, container: &Container) -> String {
    let id = container.id().to_string();
    let looked = blocking::run("look into the kernel's log", move || {
        sys::kmsg::newest(|text| parse(text, &id))
            .map_err(|error| Error::caused(Kind::Internal, "read the kernel's log", error))
    });
    let killed = looked.await.unwrap_or_else(|error| {
        tracing::debug!(container = %container.id(), error = error.chain(), "who was killed for want of memory is not known");
        None
    });
    let record = container.record();
    let limit = record.resources.as_ref().map_or(0, |resources| resources.memory_limit_in_bytes);
    let pod = cx.store.pod(container.pod_id().as_str());
    let limit_of_pod = pod.map(|pod| pod.record().cgroup_parent.clone()).unwrap_or_default();
    killed.map_or_else(unknown, |killed| sentence(&killed, limit, &limit_of_pod))
}

/// Of a line of the log, if its victim was in the container's cgroup or below: that has the id in its name.
fn parse(line: &str, id: &str) -> Option<Killed> {
    let rest = line.strip_prefix("oom-kill:")?;
    let (head, task) = rest.split_once(",task_memcg=")?;
    // A daemon in a cgroup namespace does not know how the path begins.
    let end = task.find(id)? + id.len();
    let end = end + task.get(end..)?.find(['/', ','])?;
    let own = task.get(..end)?;
    // From behind: the name before them is the victim's own choice.
    let (task, _uid) = task.rsplit_once(",uid=")?;
    let (task, pid) = task.rsplit_once(",pid=")?;
    let (_, name) = task.get(end..)?.split_once(",task=")?;
    let limit_of = match head.split_once(",oom_memcg=") {
        None => Level::Node,
        Some((_, group)) if group == own => Level::Container,
        Some((_, group)) if own.rsplit_once('/').is_some_and(|(pod, _)| pod == group) => Level::Pod,
        Some((_, group)) => Level::Group(group.to_owned()),
    };
    Some(Killed { pid: pid.parse().ok()?, name: name.to_owned(), limit_of })
}

fn sentence(killed: &Killed, limit: i64, pod: &str) -> String {
    let victim = format!("process {} ({:?}) was killed for want of memory", killed.pid, killed.name);
    match &killed.limit_of {
        Level::Container if limit > 0 => {
            format!("{victim}: the container reached its limit of {limit} bytes")
        }
        Level::Container => format!("{victim}: the container reached its limit"),
        Level::Pod => format!("{victim}: the pod reached its limit (cgroup {pod})"),
        Level::Group(group) => format!("{victim}: the limit of cgroup {group:?} was reached"),
        Level::Node => format!("{victim}: the node had none left"),
    }
}

fn unknown() -> String {
    "a process of the container was killed for want of memory; the kernel's log does not say which, nor whose limit was reached".into()
}

#[cfg(test)]
mod tests;
