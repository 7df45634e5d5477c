//! The monitor's state and its loop: wait, find whose event it is, call the verb.
use std::{
    collections::BTreeMap,
    os::fd::{AsFd, OwnedFd},
};

use sys::{
    epoll::{Epoll, Interest},
    fd,
    pidfd::Exit,
    signal,
};

use crate::{
    connection::Connection,
    container::Container,
    event::{Id, Source},
    exec::RunningExec,
    failure::{At, Result},
    handshake::Handshake,
    output::Buffers,
    pod::Pod,
};

#[derive(Debug)]
pub(crate) struct Monitor {
    pub(crate) pod: Pod,
    pub(crate) epoll: Epoll,
    pub(crate) signals: OwnedFd,
    /// Non-blocking. Its directory may vanish; then nobody new finds us, and all goes on.
    pub(crate) listener: OwnedFd,
    pub(crate) connections: BTreeMap<Id, Connection>,
    pub(crate) handshakes: BTreeMap<Id, Handshake>,
    pub(crate) containers: BTreeMap<Id, Container>,
    pub(crate) execs: BTreeMap<Id, RunningExec>,
    /// Reaped children that belong to a handshake which has not named its second child yet.
    pub(crate) unclaimed: Vec<(i32, Exit)>,
    /// Connections that wait for the shutdown; `None` while there is none.
    pub(crate) shutdown: Option<Vec<Id>>,
    pub(crate) finished: bool,
    pub(crate) buffers: Buffers,
    last_id: Id,
}

impl Monitor {
    pub(crate) fn new(pod: Pod, listener: OwnedFd) -> Result<Self> {
        let epoll = Epoll::new().at("setup")?;
        let signals = signal::descriptor(&[signal::SIGCHLD]).at("setup")?;
        fd::set_nonblocking(&listener, true).at("setup")?;
        epoll.add(signals.as_fd(), Source::Signals.token(), Interest::Read).at("setup")?;
        epoll.add(listener.as_fd(), Source::Listener.token(), Interest::Read).at("setup")?;
        Ok(Self {
            pod,
            epoll,
            signals,
            listener,
            connections: BTreeMap::new(),
            handshakes: BTreeMap::new(),
            containers: BTreeMap::new(),
            execs: BTreeMap::new(),
            unclaimed: Vec::new(),
            shutdown: None,
            finished: false,
            buffers: Buffers::new()?,
            last_id: 0,
        })
    }

    pub(crate) fn next_id(&mut self) -> Id {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }

    /// Until `Shutdown` is done.
    pub(crate) fn run(mut self) -> Result<()> {
        let mut ready = Vec::new();
        while !self.finished {
            self.epoll.wait(&mut ready, self.until_deadline()).at("loop")?;
            if ready.is_empty() && self.buffers.are_warm() {
                self.buffers.release();
            }
            for event in &ready {
                if let Some(source) = Source::of(event.token) {
                    self.dispatch(source);
                }
            }
            self.on_deadlines();
        }
        Ok(())
    }

    /// What was removed earlier in the same batch is not found any more, and its event passes.
    fn dispatch(&mut self, source: Source) {
        match source {
            Source::Signals => self.on_signals(),
            Source::Listener => self.on_listener(),
            Source::Connection(number) => self.on_connection(number),
            Source::Handshake(number) => self.on_handshake(number),
            Source::Output(container, stream) => self.on_output(container, stream),
            Source::Stdin(container) => self.on_stdin(container),
            Source::Feed(container, attachment) => self.on_feed(container, attachment),
            Source::Tap(container, attachment) => self.on_tap(container, attachment),
        }
    }
}
