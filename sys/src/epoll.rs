//! epoll(7), level-triggered, with a 64-bit token per source.
use std::{
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::{Error, Result, error::Named};

/// What a source is watched for. Errors and hang-ups are always reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    Read,
    Write,
    ReadWrite,
    /// Nothing but errors and hang-ups.
    None,
}

impl Interest {
    fn flags(self) -> EventFlags {
        match self {
            Self::Read => EventFlags::IN,
            Self::Write => EventFlags::OUT,
            Self::ReadWrite => EventFlags::IN | EventFlags::OUT,
            Self::None => EventFlags::empty(),
        }
    }
}

/// One source that is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    pub token: u64,
    pub readable: bool,
    pub writable: bool,
    /// EPOLLHUP or EPOLLERR: the other side is gone (bytes may still be readable).
    pub hung_up: bool,
}

#[derive(Debug)]
pub struct Epoll(OwnedFd);

impl Epoll {
    pub fn new() -> Result<Self> {
        epoll::create(CreateFlags::CLOEXEC).map(Self).named("epoll_create1", || "CLOEXEC")
    }

    /// # Errors
    /// EPERM for what cannot be waited for, such as a regular file.
    pub fn add(&self, source: impl AsFd, token: u64, interest: Interest) -> Result<()> {
        let data = EventData::new_u64(token);
        epoll::add(&self.0, source.as_fd(), data, interest.flags())
            .named("epoll_ctl", || format!("ADD, {:?}", source.as_fd()))
    }

    pub fn modify(&self, source: impl AsFd, token: u64, interest: Interest) -> Result<()> {
        let data = EventData::new_u64(token);
        epoll::modify(&self.0, source.as_fd(), data, interest.flags())
            .named("epoll_ctl", || format!("MOD, {:?}", source.as_fd()))
    }

    /// Closing the last duplicate of a descriptor removes it as well.
    pub fn remove(&self, source: impl AsFd) -> Result<()> {
        epoll::delete(&self.0, source.as_fd()).named("epoll_ctl", || format!("DEL, {:?}", source.as_fd()))
    }

    /// Waits for at most `timeout` (for ever when `None`) and replaces the content of `ready`. A signal that
    /// interrupts the wait gives an empty list.
    pub fn wait(&self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> Result<()> {
        ready.clear();
        let mut events = [MaybeUninit::<epoll::Event>::uninit(); 16];
        let timeout = timeout.and_then(|time| rustix::time::Timespec::try_from(time).ok());
        let found = match epoll::wait(&self.0, &mut events[..], timeout.as_ref()) {
            Ok((found, _)) => found,
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(errno) => return Err(Error::new("epoll_wait", "", errno.into())),
        };
        ready.extend(found.iter().map(|event| {
            // Copied out: the structure is packed on x86-64.
            let (flags, data) = (event.flags, event.data);
            Ready {
                token: data.u64(),
                readable: flags.contains(EventFlags::IN),
                writable: flags.contains(EventFlags::OUT),
                hung_up: flags.intersects(EventFlags::HUP | EventFlags::ERR),
            }
        }));
        Ok(())
    }
}
