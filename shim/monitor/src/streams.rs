//! A container's standard streams: the monitor's ends of pipes or terminal, the log, and who is attached.
use std::os::fd::{AsFd, OwnedFd};

use sys::{
    epoll::{Epoll, Interest},
    fd,
};

use crate::{
    attach::Tap,
    event::{Id, Source, Stream},
    failure::{At, Result},
    log::{LineBuffer, Log},
    stdin::Stdin,
    stdio::Ends,
};

#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) log: Log,
    /// With a terminal this is its master.
    pub(crate) stdout: Option<Output>,
    pub(crate) stderr: Option<Output>,
    pub(crate) stdin: Option<Stdin>,
    /// The other side of the terminal, held open so that the master does not report a hang-up while the
    /// container has it closed for a moment.
    pub(crate) terminal_peer: Option<OwnedFd>,
    pub(crate) taps: Vec<Tap>,
    pub(crate) next_attachment: Id,
}

#[derive(Debug)]
pub(crate) struct Output {
    /// Non-blocking.
    pub(crate) fd: OwnedFd,
    pub(crate) line: LineBuffer,
}

impl Output {
    fn new(fd: OwnedFd) -> Self {
        Self { fd, line: LineBuffer::default() }
    }
}

impl Streams {
    /// Over pipes. `stdin_once`: see `Stdin`.
    pub(crate) fn new(log: Log, ends: Ends, stdin_once: bool) -> Self {
        Self {
            log,
            stdout: ends.stdout.map(Output::new),
            stderr: ends.stderr.map(Output::new),
            stdin: ends.stdin.map(|target| Stdin::new(target, stdin_once)),
            terminal_peer: None,
            taps: Vec::new(),
            next_attachment: 0,
        }
    }

    /// Goes over to a terminal.
    pub(crate) fn use_terminal(&mut self, master: OwnedFd, peer: OwnedFd, stdin: bool) -> Result<()> {
        fd::set_nonblocking(&master, true).at("terminal")?;
        if stdin {
            // Its own descriptor, because epoll waits for reading and for writing separately. A terminal has no
            // half that the end of the input could close.
            let target = fd::duplicate(&master).at("terminal")?;
            self.stdin = Some(Stdin::new(target, false));
        }
        self.stdout = Some(Output::new(master));
        self.terminal_peer = Some(peer);
        Ok(())
    }

    pub(crate) fn watch(&self, epoll: &Epoll, container: Id) -> Result<()> {
        for (output, stream) in [(&self.stdout, Stream::Stdout), (&self.stderr, Stream::Stderr)] {
            if let Some(output) = output {
                let token = Source::Output(container, stream).token();
                epoll.add(output.fd.as_fd(), token, Interest::Read).at("stdio")?;
            }
        }
        Ok(())
    }

    pub(crate) fn output_mut(&mut self, stream: Stream) -> &mut Option<Output> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    pub(crate) fn are_at_end(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Closes every descriptor; whatever is attached reads end of file.
    pub(crate) fn close(&mut self) {
        self.stdout = None;
        self.stderr = None;
        self.stdin = None;
        self.terminal_peer = None;
        self.taps = Vec::new();
        self.log.close();
    }
}
