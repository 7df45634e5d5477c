//! The descriptors a child gets for its standard streams, and the monitor's ends of them.
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use sys::{
    fd, io,
    path::{self, Open},
};

use crate::failure::{At, Result};

const STAGE: &str = "stdio";

/// What the child puts on 0, 1 and 2; with a terminal these are replaced by it.
#[derive(Debug)]
pub(crate) struct ChildStdio {
    streams: [OwnedFd; 3],
}

impl ChildStdio {
    pub(crate) fn stream(&self, number: RawFd) -> BorrowedFd<'_> {
        let [stdin, stdout, stderr] = &self.streams;
        match number {
            0 => stdin.as_fd(),
            1 => stdout.as_fd(),
            _ => stderr.as_fd(),
        }
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = RawFd> + '_ {
        self.streams.iter().map(AsRawFd::as_raw_fd)
    }
}

/// The monitor's ends: where the container's input is written and its output read; non-blocking.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: Option<OwnedFd>,
}

/// Pipes for a container without a terminal; nothing but /dev/null for one with.
pub(crate) fn for_container(stdin: bool, terminal: bool) -> Result<(ChildStdio, Ends)> {
    if terminal {
        return Ok((ChildStdio { streams: [null()?, null()?, null()?] }, Ends::default()));
    }
    let (child_in, our_in) = if stdin {
        let (reader, writer) = io::pipe().at(STAGE)?;
        fd::set_nonblocking(&writer, true).at(STAGE)?;
        (reader, Some(writer))
    } else {
        (null()?, None)
    };
    let (our_out, child_out) = io::pipe().at(STAGE)?;
    let (our_err, child_err) = io::pipe().at(STAGE)?;
    fd::set_nonblocking(&our_out, true).at(STAGE)?;
    fd::set_nonblocking(&our_err, true).at(STAGE)?;
    let ends = Ends { stdin: our_in, stdout: Some(our_out), stderr: Some(our_err) };
    Ok((ChildStdio { streams: [child_in, child_out, child_err] }, ends))
}

/// What berthd sent along for an exec; /dev/null for what it did not.
pub(crate) fn for_exec(streams: [Option<OwnedFd>; 3]) -> Result<ChildStdio> {
    let [stdin, stdout, stderr] = streams;
    let or_null = |stream: Option<OwnedFd>| stream.map_or_else(null, Ok);
    Ok(ChildStdio { streams: [or_null(stdin)?, or_null(stdout)?, or_null(stderr)?] })
}

fn null() -> Result<OwnedFd> {
    path::open_trusted("/dev/null", Open::RDWR, 0).at(STAGE)
}
