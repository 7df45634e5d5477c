//! A start or exec between the fork and the program: collects the child's words, then concludes.
use std::os::fd::{AsFd, OwnedFd};

use proto::monitor::Failed;
use sys::{
    Errno,
    pidfd::{self, Exit},
    signal::SIGKILL,
};

use crate::{
    event::Id,
    failure::failed,
    launch::Launched,
    monitor::Monitor,
    report,
    start::NewContainer,
    sync::{self, Heard, Word},
};

#[derive(Debug)]
pub(crate) struct Handshake {
    launched: Launched,
    /// (pid, pidfd) of the process that runs the program, when the first only made it.
    second: Option<(i32, OwnedFd)>,
    ready: bool,
    failed: Option<Failed>,
    /// Master and peer.
    terminal: Option<(OwnedFd, OwnedFd)>,
    /// How the first child, and the process of the program, ended, if they have.
    first_exit: Option<Exit>,
    exit: Option<Exit>,
    /// Who waits for the answer.
    connection: Id,
    what: What,
}

/// What there is when it succeeds.
#[derive(Debug)]
pub(crate) enum What {
    Container(Box<NewContainer>),
    /// In the container of this number.
    Exec(Id),
}

/// A process that runs its program.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) terminal: Option<(OwnedFd, OwnedFd)>,
    /// It has ended already.
    pub(crate) exit: Option<Exit>,
}

impl Handshake {
    pub(crate) fn new(launched: Launched, connection: Id, what: What) -> Self {
        Self {
            launched,
            second: None,
            ready: false,
            failed: None,
            terminal: None,
            first_exit: None,
            exit: None,
            connection,
            what,
        }
    }

    pub(crate) fn sync(&self) -> &OwnedFd {
        &self.launched.sync
    }

    /// Id of the container that is being started.
    pub(crate) fn container_id(&self) -> Option<&str> {
        match &self.what {
            What::Container(new) => Some(&new.id),
            What::Exec(_) => None,
        }
    }

    /// Whether it is an exec that `connection` asked for.
    pub(crate) fn is_exec_for(&self, connection: Id) -> bool {
        self.connection == connection && matches!(self.what, What::Exec(_))
    }

    pub(crate) fn awaits_second(&self) -> bool {
        self.launched.has_second && self.second.is_none()
    }

    /// Whether the reaped `pid` was of this start.
    pub(crate) fn note_exit(&mut self, pid: i32, exit: Exit) -> bool {
        if pid == self.launched.pid {
            self.first_exit = Some(exit);
            if !self.launched.has_second {
                self.exit = Some(exit);
            }
            return true;
        }
        let is_second = self.second.as_ref().is_some_and(|(second, _)| *second == pid);
        if is_second {
            self.exit = Some(exit);
        }
        is_second
    }

    pub(crate) fn kill(&self) {
        pidfd::send_signal(&self.launched.pidfd, SIGKILL).ok();
        if let Some((_, pidfd)) = &self.second {
            pidfd::send_signal(pidfd, SIGKILL).ok();
        }
    }

    fn conclude(self) -> (Id, What, Result<Running, Failed>) {
        let died = match self.exit.or(self.first_exit).or_else(|| self.peek()) {
            Some(Exit::Signal(signal)) => {
                failed("setup", format!("the child was killed by signal {signal}"), Errno(0))
            }
            Some(Exit::Code(code)) => failed("setup", format!("the child exited with {code}"), Errno(0)),
            None => failed("setup", "the child hung up", Errno(0)),
        };
        let refused = match (self.failed.clone(), self.ready, self.awaits_second()) {
            (Some(refused), ..) => Some(refused),
            (None, true, false) => None,
            (None, ..) => Some(died),
        };
        if let Some(refused) = refused {
            self.kill();
            return (self.connection, self.what, Err(refused));
        }
        let (pid, pidfd) = self.second.unwrap_or((self.launched.pid, self.launched.pidfd));
        let running = Running { pid, pidfd, terminal: self.terminal, exit: self.exit };
        (self.connection, self.what, Ok(running))
    }

    fn peek(&self) -> Option<Exit> {
        let process = self.second.as_ref().map_or(&self.launched.pidfd, |(_, pidfd)| pidfd);
        pidfd::peek(process.as_fd()).ok().flatten()
    }
}

impl Monitor {
    /// The child has said something, or closed its end by exec or death.
    pub(crate) fn on_handshake(&mut self, number: Id) {
        while let Some(handshake) = self.handshakes.get_mut(&number) {
            match sync::recv_now(handshake.sync()) {
                Ok(Heard::Nothing) => return,
                Ok(Heard::Word(Word::Ready)) => handshake.ready = true,
                Ok(Heard::Word(Word::Failed(failed))) => handshake.failed = Some(failed),
                Ok(Heard::Word(Word::Terminal(master, peer))) => handshake.terminal = Some((master, peer)),
                Ok(Heard::Word(Word::Child(pid, pidfd))) => {
                    if handshake.second.is_none() {
                        handshake.second = Some((pid, pidfd));
                        handshake.exit =
                            self.unclaimed.iter().find(|(dead, _)| *dead == pid).map(|(_, exit)| *exit);
                    }
                }
                Ok(Heard::End) => return self.conclude(number),
                Err(failed) => {
                    report::failed("handshake", &failed);
                    handshake.failed = Some(failed);
                    return self.conclude(number);
                }
            }
        }
    }

    fn conclude(&mut self, number: Id) {
        let Some(handshake) = self.handshakes.remove(&number) else { return };
        if !self.handshakes.values().any(Handshake::awaits_second) {
            self.unclaimed = Vec::new();
        }
        let (connection, what, result) = handshake.conclude();
        match (what, result) {
            (What::Container(new), Ok(running)) => self.container_started(connection, *new, running),
            (What::Exec(container), Ok(running)) => self.exec_started(connection, container, running),
            (_, Err(refused)) => self.refuse(connection, refused),
        }
        self.go_on_with_shutdown();
    }
}
