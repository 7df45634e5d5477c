//! Makes the pod: namespaces, host name, sysctls, PID namespace, and tells berthd.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use proto::{
    monitor::{Failed, Hello, SandboxPlan},
    prost::Message,
};
use sys::{
    clone::SingleThreaded,
    ns::{self, Kinds},
    path::{self, Open, Within},
    process, seqpacket, socket,
};

use crate::{
    blank,
    failure::{At, Result},
    init::oom_score,
    pause,
    pod::Pod,
    sysctl,
};

/// Makes everything and sends Hello, or Hello with the failure.
pub(crate) fn make(plan: &SandboxPlan, state_dir: OwnedFd, hello: &OwnedFd) -> Result<Pod> {
    match build(plan, &state_dir) {
        Ok(mut pod) => {
            greet(plan, &pod, hello)?;
            if pod.pause.is_none() {
                // Nobody needs it before the first container, so the network is set up meanwhile.
                pod.blank = blank::make(pod.proof, plan.shm_size_bytes);
            }
            Ok(pod)
        }
        Err(failed) => {
            send(hello, &Hello { pid: process::id(), pause_pid: 0, failed: Some(failed.clone()) }, &[])?;
            Err(failed)
        }
    }
}

fn build(plan: &SandboxPlan, state_dir: &OwnedFd) -> Result<Pod> {
    let proof = SingleThreaded::check().at("setup")?;
    path::make_dir_at(state_dir, "exits", 0o700).at("setup")?;
    let exits =
        path::open(state_dir, "exits", Open::DIRECTORY | Open::RDONLY, Within::BeneathNoLinks).at("setup")?;
    if let Some(score) = plan.oom_score_adj {
        oom_score::set(score)?;
    }
    let mut kinds = Kinds::empty();
    kinds.set(Kinds::NETWORK, plan.new_network);
    kinds.set(Kinds::IPC, plan.new_ipc);
    kinds.set(Kinds::UTS, plan.new_uts);
    if !kinds.is_empty() {
        ns::unshare(kinds).at("namespaces")?;
    }
    if plan.new_uts && !plan.hostname.is_empty() {
        ns::set_hostname(&plan.hostname).at("hostname")?;
    }
    sysctl::write_all(&plan.sysctls)?;
    let mut pod = Pod { proof, blank: Err(not_yet()), pause: None, exits };
    if plan.shared_pid {
        let blank = blank::make(proof, plan.shm_size_bytes)?;
        pod.pause = Some(pause::start(proof, blank.as_fd())?);
        pod.blank = Ok(blank);
    }
    Ok(pod)
}

fn not_yet() -> Failed {
    Failed { stage: "namespaces".into(), what: "no mount namespace was made".into(), errno: 0 }
}

fn greet(plan: &SandboxPlan, pod: &Pod, hello: &OwnedFd) -> Result<()> {
    let pause_pid = pod.pause.as_ref().map_or(0, |pause| pause.pid);
    let message = Hello { pid: process::id(), pause_pid, failed: None };
    if !plan.new_network {
        return send(hello, &message, &[]);
    }
    let netns = ns::open_own("net").at("namespaces")?;
    let route = socket::netlink_route().at("namespaces")?;
    send(hello, &message, &[netns.as_fd(), route.as_fd()])
}

fn send(hello: &OwnedFd, message: &Hello, fds: &[BorrowedFd<'_>]) -> Result<()> {
    seqpacket::send(hello, &message.encode_to_vec(), fds).at("hello").map(drop)
}
