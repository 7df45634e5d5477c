//! Dirs: the open directories of the tree, each found once and with its time put back when we are done with it.
//!
//! Most entries share their parent with the one before, so a few descriptors save most of the path walks. They also
//! keep directory times right in fixed memory: whatever happens inside changes a directory's time, so the time it
//! should have is kept beside its descriptor and set when that is closed.

use std::{
    collections::BTreeSet,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    rc::Rc,
};

use sys::{
    Errno,
    at::{self, Kind, Time},
};

use super::{IMPLIED_BYTES_MAX, IMPLIED_MAX, Name, UnpackError, entry::Meta, name};

/// Deeper than trees go back and forth, and few enough descriptors for many layers at once.
const OPEN_MAX: usize = 24;
/// As the kernel: after so many links it says ELOOP.
const LINKS_MAX: usize = 40;
/// Steps of the walk below, over all entries. Only paths that do not exist yet or are longer than the kernel
/// takes go that way; without a limit each of many long ones would cost half a second.
const STEPS_MAX: u64 = 50_000_000;

/// The mark of overlayfs on a directory that hides the one below.
pub(super) const OPAQUE: &[u8] = b"trusted.overlay.opaque";

pub(super) struct Dirs {
    root: Rc<OwnedFd>,
    root_time: Time,
    /// Least recently used first.
    open: Vec<Open>,
    implied: BTreeSet<Vec<u8>>,
    implied_bytes: usize,
    /// Directories made without an entry of their own.
    made: u64,
    made_max: u64,
    steps: u64,
}

struct Open {
    path: Vec<u8>,
    fd: Rc<OwnedFd>,
    /// Device and inode: a link may lead to the same directory by another path.
    id: (u64, u64),
    time: Time,
}

impl Dirs {
    pub(super) fn new(dest: BorrowedFd<'_>, made_max: u64) -> Result<Self, sys::Error> {
        let root = at::reopen_dir(dest)?;
        at::set_owner(root.as_fd(), 0, 0)?;
        at::set_mode(root.as_fd(), Meta::IMPLIED.mode)?;
        Ok(Self {
            root: Rc::new(root),
            root_time: Meta::IMPLIED.mtime,
            open: Vec::with_capacity(OPEN_MAX),
            implied: BTreeSet::from([Vec::new()]),
            implied_bytes: 0,
            made: 0,
            made_max,
            steps: 0,
        })
    }

    /// The directory at a clean path, resolved inside the root and made if it is missing.
    pub(super) fn get(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>, UnpackError> {
        match self.find(path, true)? {
            Some(fd) => Ok(fd),
            None => Err(refused(path, "a parent that is no directory")),
        }
    }

    /// The directory at a clean path, or `None` if this layer has none there.
    pub(super) fn find_existing(&mut self, path: &[u8]) -> Result<Option<Rc<OwnedFd>>, UnpackError> {
        self.find(path, false)
    }

    fn find(&mut self, path: &[u8], make: bool) -> Result<Option<Rc<OwnedFd>>, UnpackError> {
        if path.is_empty() {
            return Ok(Some(self.root.clone()));
        }
        if let Some(index) = self.open.iter().rposition(|open| open.path == path) {
            self.open[index..].rotate_left(1);
            return Ok(self.open.last().map(|open| open.fd.clone()));
        }
        let fd = match at::open_dir_in_root(self.root.as_fd(), path) {
            Ok(fd) => fd,
            Err(error) => match error.errno {
                Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::EAGAIN => {
                    match self.walk(path, make)? {
                        Some(fd) => fd,
                        None => return Ok(None),
                    }
                }
                _ => return Err(system(path, error)),
            },
        };
        self.keep(path, fd, None).map(Some).map_err(|error| system(path, error))
    }

    /// Keeps a directory open under its path. `time` is what it shall have in the end; `None`: what it has now.
    pub(super) fn keep(
        &mut self,
        path: &[u8],
        fd: OwnedFd,
        time: Option<Time>,
    ) -> Result<Rc<OwnedFd>, sys::Error> {
        let stat = at::stat(fd.as_fd())?;
        let id = (stat.dev, stat.ino);
        let known = self.open.iter().find(|open| open.id == id).map(|open| open.time);
        let time = time.or(known).unwrap_or(stat.mtime);
        for alias in self.open.iter_mut().filter(|open| open.id == id) {
            alias.time = time;
        }
        self.open.retain(|open| open.path != path);
        if self.open.len() >= OPEN_MAX {
            let oldest = self.open.remove(0);
            at::set_times(oldest.fd.as_fd(), oldest.time)?;
        }
        let fd = Rc::new(fd);
        self.open.push(Open { path: path.to_vec(), fd: fd.clone(), id, time });
        Ok(fd)
    }

    pub(super) fn root(&self) -> Rc<OwnedFd> {
        self.root.clone()
    }

    pub(super) fn set_root_time(&mut self, time: Time) {
        self.root_time = time;
    }

    /// The layer has an entry for the directory after all.
    pub(super) fn described(&mut self, path: &[u8]) {
        self.implied.remove(path);
    }

    /// Closes all directories: something that a path may lead through is about to go.
    pub(super) fn forget(&mut self) -> Result<(), sys::Error> {
        for open in self.open.drain(..) {
            at::set_times(open.fd.as_fd(), open.time)?;
        }
        Ok(())
    }

    /// Puts all times back. Returns the directories that no entry described, and how many were made in all.
    pub(super) fn finish(mut self) -> Result<(Vec<Vec<u8>>, u64), sys::Error> {
        self.forget()?;
        at::set_times(self.root.as_fd(), self.root_time)?;
        Ok((self.implied.into_iter().collect(), self.made))
    }

    /// Resolves a path step by step: for one that does not exist yet, leads over a whiteout, or is longer than
    /// PATH_MAX. Each step opens one name without following it; links are expanded here, inside the root.
    fn walk(&mut self, path: &[u8], make: bool) -> Result<Option<OwnedFd>, UnpackError> {
        let fail = |error| system(path, error);
        let mut at = at::reopen_dir(self.root.as_fd()).map_err(fail)?;
        // What `at` is: a path without links.
        let mut here = Vec::new();
        let mut rest = path.to_vec();
        let mut next = 0;
        let mut links = 0;
        while next < rest.len() {
            let end =
                rest[next..].iter().position(|byte| *byte == b'/').map_or(rest.len(), |slash| next + slash);
            let step = rest[next..end].to_vec();
            next = end + 1;
            self.count_step(path)?;
            match &step[..] {
                b"" | b"." => continue,
                b".." => {
                    here.truncate(name::parent(&here).len());
                    at = self.reopen(&here).map_err(fail)?;
                    continue;
                }
                _ => {}
            }
            match self.step(at.as_fd(), &here, &step, make).map_err(|error| error.at(path))? {
                Step::Into(fd) => {
                    at = fd;
                    if !here.is_empty() {
                        here.push(b'/');
                    }
                    here.extend_from_slice(&step);
                }
                Step::Link(target) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(refused(path, "more than 40 symbolic links on the way"));
                    }
                    if target.first() == Some(&b'/') {
                        here.clear();
                        at = self.reopen(&here).map_err(fail)?;
                    }
                    rest = [&target, &b"/"[..], rest.get(next..).unwrap_or(&[])].concat();
                    next = 0;
                }
                Step::Nothing => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    fn count_step(&mut self, path: &[u8]) -> Result<(), UnpackError> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(refused(path, "paths too long to resolve all of them"));
        }
        Ok(())
    }

    /// Takes one step down from `at`, which is at the path `here`.
    fn step(&mut self, at: BorrowedFd<'_>, here: &[u8], step: &[u8], make: bool) -> Result<Step, StepError> {
        match at::open_dir(at, step) {
            Ok(fd) => return Ok(Step::Into(fd)),
            Err(error) if matches!(error.errno, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
            Err(error) => return Err(error.into()),
        }
        let stat = match at::stat_at(at, step) {
            Ok(stat) => Some(stat),
            Err(error) if error.errno == Errno::ENOENT => None,
            Err(error) => return Err(error.into()),
        };
        match stat {
            Some(stat) if stat.kind == Kind::Symlink => Ok(Step::Link(at::read_link(at, step)?)),
            Some(stat) if !stat.is_whiteout() => {
                // What this layer put there itself, so it cannot be meant as a directory too.
                if make { Err(StepError::NoDirectory) } else { Ok(Step::Nothing) }
            }
            _ if !make => Ok(Step::Nothing),
            whiteout => self.imply(at, here, step, whiteout.is_some()).map(Step::Into),
        }
    }

    /// Makes a directory that the layer uses but has not described (yet).
    fn imply(
        &mut self,
        at: BorrowedFd<'_>,
        here: &[u8],
        name: &[u8],
        whiteout: bool,
    ) -> Result<OwnedFd, StepError> {
        self.made += 1;
        if self.made > self.made_max {
            return Err(StepError::TooMany(self.made_max));
        }
        let parent = at::stat(at)?;
        if whiteout {
            at::unlink(at, name)?;
        }
        at::make_dir(at, name, Meta::IMPLIED.mode)?;
        let fd = at::open_dir(at, name)?;
        at::set_owner(fd.as_fd(), Meta::IMPLIED.uid, Meta::IMPLIED.gid)?;
        at::set_mode(fd.as_fd(), Meta::IMPLIED.mode)?;
        if whiteout {
            at::set_xattr(fd.as_fd(), OPAQUE, b"y")?;
        }
        at::set_times(fd.as_fd(), Meta::IMPLIED.mtime)?;
        at::set_times(at, parent.mtime)?;
        let path_len = here.len() + 1 + name.len();
        if self.implied.len() < IMPLIED_MAX && self.implied_bytes + path_len <= IMPLIED_BYTES_MAX {
            self.implied_bytes += path_len;
            let path = if here.is_empty() { name.to_vec() } else { [here, b"/", name].concat() };
            self.implied.insert(path);
        }
        Ok(fd)
    }

    /// Opens a path without links, which may be longer than PATH_MAX.
    fn reopen(&self, path: &[u8]) -> Result<OwnedFd, sys::Error> {
        const PIECE: usize = 4000;
        let mut fd = at::reopen_dir(self.root.as_fd())?;
        let mut rest = path;
        while !rest.is_empty() {
            let cut = if rest.len() <= PIECE {
                rest.len()
            } else {
                rest[..PIECE].iter().rposition(|byte| *byte == b'/').unwrap_or(rest.len())
            };
            fd = at::open_dir_beneath(fd.as_fd(), &rest[..cut])?;
            rest = rest.get(cut + 1..).unwrap_or(&[]);
        }
        Ok(fd)
    }
}

enum Step {
    Into(OwnedFd),
    Link(Vec<u8>),
    Nothing,
}

enum StepError {
    System(sys::Error),
    NoDirectory,
    TooMany(u64),
}

impl StepError {
    fn at(self, path: &[u8]) -> UnpackError {
        match self {
            Self::System(error) => system(path, error),
            Self::NoDirectory => refused(path, "a parent that is no directory"),
            Self::TooMany(limit) => UnpackError::Limit { what: "directories without an entry", limit },
        }
    }
}

impl From<sys::Error> for StepError {
    fn from(error: sys::Error) -> Self {
        Self::System(error)
    }
}

fn system(path: &[u8], source: sys::Error) -> UnpackError {
    UnpackError::System { entry: Name::of(path), source }
}

fn refused(path: &[u8], problem: &'static str) -> UnpackError {
    UnpackError::Refused { entry: Name::of(path), problem }
}
