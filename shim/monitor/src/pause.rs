//! The pause child: process 1 of the pod's own PID namespace. It reaps, and holds nothing else.
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use sys::{
    caps,
    clone::{Flags, Forked, SingleThreaded, clone3},
    fd,
    ns::{self, Kinds},
    pidfd, prctl, process, seqpacket, signal,
};

use crate::{
    failure::{At, Result, failed},
    pod::Pause,
    sync::{self, Word},
};

const STAGE: &str = "pause";

/// Starts it and waits until it has given everything up: containers may be able to look into it.
pub(crate) fn start(proof: SingleThreaded, blank: BorrowedFd<'_>) -> Result<Pause> {
    let (ours, theirs) = seqpacket::pair().at(STAGE)?;
    match clone3(proof, Flags::NEWPID, None).at(STAGE)? {
        Forked::Child => {
            if let Err(failed) = settle(blank, &theirs) {
                sync::send_failed(&theirs, &failed);
                process::exit_now(1);
            }
            reap_for_ever()
        }
        Forked::Parent { pid, pidfd } => {
            drop(theirs);
            match sync::recv(&ours)? {
                Some(Word::Ready) => {
                    // Until it has let go of its end, the last thing it holds.
                    sync::recv(&ours)?;
                    Ok(Pause { pid, pidfd })
                }
                Some(Word::Failed(failed)) => {
                    pidfd::wait(&pidfd).at(STAGE)?;
                    Err(failed)
                }
                Some(Word::Child(..) | Word::Terminal(..)) | None => {
                    pidfd::wait(&pidfd).at(STAGE)?;
                    Err(failed(STAGE, "the pause process died", sys::Errno::ECHILD))
                }
            }
        }
    }
}

fn settle(blank: BorrowedFd<'_>, sync: &OwnedFd) -> Result<()> {
    prctl::set_name("berth-pause").at(STAGE)?;
    process::new_session().at(STAGE)?;
    // No host file stays in reach: neither root nor working directory, nor a descriptor.
    ns::enter(blank, Kinds::MOUNT).at(STAGE)?;
    fd::close_all_except(0, &[sync.as_raw_fd()]).at(STAGE)?;
    caps::limit_bounding(0).at(STAGE)?;
    caps::set(&caps::Sets::default()).at(STAGE)?;
    prctl::die_with_parent().at(STAGE)?;
    sync::send_ready(sync)?;
    fd::close_all_except(0, &[]).at(STAGE)
}

fn reap_for_ever() -> ! {
    loop {
        while let Ok(Some(_)) = pidfd::reap_any() {}
        if signal::wait_for(&[signal::SIGCHLD]).is_err() {
            process::exit_now(1);
        }
    }
}
