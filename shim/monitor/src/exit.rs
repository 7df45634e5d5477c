//! The exit record: on disk before anybody is told.
use std::os::fd::OwnedFd;

use proto::{monitor::Exited, prost::Message};
use sys::{
    Errno,
    io::{self, Transfer},
    path::{self, Open, Within},
    pidfd::Exit,
};

use crate::{
    container::{Container, Ending},
    failure::{At, Result, failed},
};

const STAGE: &str = "exit-record";

pub(crate) fn of(container: &Container, ending: Ending) -> Exited {
    Exited {
        container_id: container.id.clone(),
        pid: container.pid,
        exit_code: ending.exit.shell_code(),
        signal: signal_of(ending.exit),
        oom_killed: ending.oom_killed,
        started_at_ns: container.started_at_ns,
        finished_at_ns: ending.finished_at_ns,
        log_dropped_bytes: container.streams.log.dropped_bytes(),
    }
}

pub(crate) fn signal_of(exit: Exit) -> i32 {
    match exit {
        Exit::Code(_) => 0,
        Exit::Signal(signal) => signal,
    }
}

/// Writes `<id>.tmp` and renames it to `<id>`. Not synced: after a crash of the machine every container has
/// ended anyway.
pub(crate) fn write(exits: &OwnedFd, exited: &Exited) -> Result<()> {
    let name = &exited.container_id;
    let temporary = format!("{name}.tmp");
    let flags = Open::WRONLY | Open::CREATE | Open::TRUNC;
    let file = path::create(exits, &temporary, flags, 0o600, Within::BeneathNoLinks).at(STAGE)?;
    let bytes = exited.encode_to_vec();
    match io::write(&file, &bytes).at(STAGE)? {
        Transfer::Bytes(count) if count == bytes.len() => {}
        Transfer::Bytes(_) | Transfer::WouldBlock | Transfer::Closed => {
            return Err(failed(STAGE, format!("write {temporary:?}"), Errno::ENOSPC));
        }
    }
    path::rename_at(exits, &temporary, name).at(STAGE)
}
