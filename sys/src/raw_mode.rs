//! Raw mode: a terminal that hands on every key as it is typed, given back as it was (termios(3)).
use std::os::fd::{AsFd, OwnedFd};

use rustix::termios::{self, OptionalActions, Termios};

use crate::{Result, error::Named, fd};

/// A terminal in raw mode; dropping it restores the mode it had.
#[derive(Debug)]
pub struct RawMode {
    terminal: OwnedFd,
    before: Termios,
}

impl RawMode {
    /// # Errors
    /// ENOTTY when `terminal` is none.
    pub fn enter(terminal: impl AsFd) -> Result<Self> {
        let terminal = fd::duplicate_from(terminal, 0)?;
        let before = termios::tcgetattr(&terminal).named("ioctl", || "TCGETS")?;
        let mut raw = before.clone();
        raw.make_raw();
        // What was typed before belongs to the program, too: nothing is flushed.
        termios::tcsetattr(&terminal, OptionalActions::Now, &raw).named("ioctl", || "TCSETS")?;
        Ok(Self { terminal, before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that is gone needs no mode.
        let _ = termios::tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use rustix::termios::LocalModes;

    use super::*;

    fn echoes(terminal: impl AsFd) -> bool {
        termios::tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    #[test]
    fn the_mode_is_given_back() {
        let devpts = std::fs::File::open("/dev/pts").unwrap();
        let pty = crate::tty::open(devpts).unwrap();
        assert!(echoes(&pty.peer));
        let raw = RawMode::enter(&pty.peer).unwrap();
        assert!(!echoes(&pty.peer));
        drop(raw);
        assert!(echoes(&pty.peer));
    }

    #[test]
    fn what_is_no_terminal_has_no_mode() {
        let error = RawMode::enter(std::fs::File::open("/dev/null").unwrap()).unwrap_err();
        assert_eq!(error.errno, crate::Errno(25), "ENOTTY: {error}");
    }
}
