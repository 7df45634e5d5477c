//! Pseudo-terminals from a given devpts instance, and their sizes.
use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{Mode, OFlags},
    pty::{self, OpenptFlags},
    termios::{self, Winsize},
};

use crate::{
    Errno, Error, Result,
    error::Named,
    fd::{self, Kind, magic},
};

/// Both sides of a terminal.
#[derive(Debug)]
pub struct Pty {
    pub master: OwnedFd,
    /// What programs use; opened through the master (TIOCGPTPEER), never by a name that could be swapped.
    pub peer: OwnedFd,
}

/// Opens a new terminal of the devpts instance whose root directory is `devpts`.
///
/// # Errors
/// ENOTDIR/EINVAL when `devpts` is no devpts or its `ptmx` is not the multiplexer (5, 2).
pub fn open(devpts: impl AsFd) -> Result<Pty> {
    let devpts = devpts.as_fd();
    let refused =
        |what: &str| Error::new("openat", format_args!("{devpts:?}, \"ptmx\": {what}"), Errno::EINVAL);
    if fd::file_system_magic(devpts)? != magic::DEVPTS {
        return Err(refused("not on devpts"));
    }
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let master = rustix::fs::openat(devpts, "ptmx", flags, Mode::empty())
        .named("openat", || format!("{devpts:?}, \"ptmx\""))?;
    let identity = fd::identity(&master)?;
    if identity.kind != Kind::CharDevice || identity.rdev != (5, 2) {
        return Err(refused("not the terminal multiplexer"));
    }
    if fd::file_system_magic(&master)? != magic::DEVPTS {
        return Err(refused("something is mounted over it"));
    }
    pty::unlockpt(&master).named("ioctl", || "TIOCSPTLCK")?;
    let peer =
        pty::ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .named("ioctl", || "TIOCGPTPEER")?;
    Ok(Pty { master, peer })
}

/// TIOCSWINSZ, in characters.
pub fn resize(terminal: impl AsFd, width: u16, height: u16) -> Result<()> {
    let size = Winsize { ws_col: width, ws_row: height, ws_xpixel: 0, ws_ypixel: 0 };
    termios::tcsetwinsize(terminal.as_fd(), size).named("ioctl", || format!("TIOCSWINSZ, {width}x{height}"))
}

/// TIOCGWINSZ: (width, height) in characters.
pub fn size(terminal: impl AsFd) -> Result<(u16, u16)> {
    let size = termios::tcgetwinsize(terminal.as_fd()).named("ioctl", || "TIOCGWINSZ")?;
    Ok((size.ws_col, size.ws_row))
}

/// TIOCSCTTY: `terminal` becomes the controlling terminal of the session the caller leads.
pub fn take_control(terminal: impl AsFd) -> Result<()> {
    rustix::process::ioctl_tiocsctty(terminal.as_fd()).named("ioctl", || "TIOCSCTTY")
}
