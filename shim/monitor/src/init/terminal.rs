//! The container's terminal, from its own devpts: never by a name that could have been swapped.
use std::os::fd::BorrowedFd;

use sys::{
    path::{self, Open, Within},
    tty::{self, Pty},
};

use crate::failure::{At, Result};

const STAGE: &str = "terminal";

/// For a container that is being made.
pub(super) fn open_below(root: BorrowedFd<'_>) -> Result<Pty> {
    let devpts = path::open(root, "/dev/pts", Open::PATH | Open::DIRECTORY, Within::RootNoLinks).at(STAGE)?;
    tty::open(&devpts).at(STAGE)
}

/// For an exec, after the container's mount namespace has been joined. The container may have done anything
/// to its /dev/pts; `tty::open` checks what it finds.
pub(super) fn open_in_container() -> Result<Pty> {
    let root = path::open_dir("/").at(STAGE)?;
    let devpts =
        path::open(&root, "/dev/pts", Open::PATH | Open::DIRECTORY, Within::RootNoLinks).at(STAGE)?;
    tty::open(&devpts).at(STAGE)
}
