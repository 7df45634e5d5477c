//! The working directory: made if missing, entered by descriptor, proved to be inside.
use std::os::fd::AsFd;

use sys::{
    Errno,
    path::{self, Leaf, Open, Within},
};

use crate::failure::{At, Result, failed};

const STAGE: &str = "cwd";

/// As images expect: WORKDIR need not exist.
pub(super) fn make(cwd: &str) -> Result<()> {
    let root = path::open_dir("/").at(STAGE)?;
    match path::make_below(root.as_fd(), relative(cwd), Leaf::Directory, 0o755, Within::Root) {
        // A read-only volume: `enter` will say that the directory is missing.
        Err(error) if [Errno::EROFS, Errno::EEXIST].contains(&error.errno) => Ok(()),
        other => other.at_doing(STAGE, || format!("make {cwd:?}")).map(drop),
    }
}

/// Enters `cwd` without following magic links (/proc/self/fd/7, /proc/1/cwd), then asks the kernel whether the
/// place can be reached from the root.
pub(super) fn enter(cwd: &str) -> Result<()> {
    let what = || format!("enter {cwd:?}");
    let root = path::open_dir("/").at(STAGE)?;
    let dir =
        path::open(&root, relative(cwd), Open::PATH | Open::DIRECTORY, Within::Root).at_doing(STAGE, what)?;
    path::enter(&dir).at_doing(STAGE, what)?;
    if !path::current_dir_is_inside().at_doing(STAGE, what)? {
        return Err(failed(STAGE, format!("{cwd:?} is outside the container's root"), Errno::EXDEV));
    }
    Ok(())
}

fn relative(cwd: &str) -> &str {
    if cwd.is_empty() { "/" } else { cwd }
}
