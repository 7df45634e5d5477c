//! The program's standard streams: placed on 0, 1 and 2, and owned by its user.
use std::os::fd::{AsFd, BorrowedFd};

use proto::monitor::Process;
use sys::{
    Errno,
    fd::{self, Kind, magic},
    path,
};

use crate::{
    failure::{At, Result},
    stdio::ChildStdio,
};

const STAGE: &str = "stdio";

pub(super) fn place(streams: &ChildStdio, terminal: Option<BorrowedFd<'_>>, process: &Process) -> Result<()> {
    for number in 0..=2 {
        let stream = terminal.unwrap_or_else(|| streams.stream(number));
        give_to_user(stream, process)?;
        fd::place_stdio(stream, number).at(STAGE)?;
    }
    Ok(())
}

/// A program that is not root opens /dev/stderr anew, which asks for permission on the pipe or terminal itself.
/// The host's /dev/null stays what it is.
fn give_to_user(stream: BorrowedFd<'_>, process: &Process) -> Result<()> {
    let identity = fd::identity(stream).at(STAGE)?;
    let ours = match identity.kind {
        Kind::Fifo | Kind::Socket => true,
        Kind::CharDevice => fd::file_system_magic(stream.as_fd()).at(STAGE)? == magic::DEVPTS,
        Kind::File | Kind::Directory | Kind::Symlink | Kind::BlockDevice | Kind::Other => false,
    };
    if !ours || process.uid == 0 {
        return Ok(());
    }
    match path::change_owner(stream, Some(process.uid), None) {
        Err(error) if [Errno::EPERM, Errno::EINVAL, Errno::EROFS].contains(&error.errno) => Ok(()),
        other => other.at(STAGE),
    }
}
