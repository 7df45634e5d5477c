//! A view: stacked layers read as overlayfs would show them, without a mount.
//!
//! Every name is looked up below a descriptor, one component at a time; whiteouts, opaque directories and
//! symbolic links mean what they mean in a running container, with the topmost layer's root as `/`.

pub(crate) mod copy;

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use sys::Errno;
use sys::at::{self, Kind, Stat};
use sys::path::{Open, Within};

use crate::unpack::LowerLayers;

/// Links followed in one lookup: the kernel's own limit (path_resolution(7)).
const LINKS_MAX: usize = 40;
/// Components looked at in one lookup; `..` starts again from the root.
const STEPS_MAX: usize = 2_000;

/// Descriptors a [`Walker`] keeps: a hundred levels of twenty layers, and not all that the process may have.
const WALKER_OPEN_MAX: usize = 2_000;

/// The stack, its top first.
#[derive(Debug)]
pub(crate) struct View {
    roots: Vec<OwnedFd>,
}

/// A directory as merged out of several layers: each with its place in the stack, the top first.
pub(crate) type Merged = Vec<(usize, OwnedFd)>;

/// What a lookup ends at.
#[derive(Debug)]
pub(crate) enum Found {
    Directory(Merged),
    /// Anything else, by its name below a directory of the layer that shows it.
    Other {
        dir: OwnedFd,
        name: OsString,
        stat: Stat,
    },
}

impl View {
    /// Opens the layers' trees, the top first.
    pub(crate) fn open<P: AsRef<Path>>(trees: impl IntoIterator<Item = P>) -> sys::Result<Self> {
        let open = |tree: P| sys::path::open_trusted(tree, Open::RDONLY | Open::DIRECTORY, 0);
        Ok(Self { roots: trees.into_iter().map(open).collect::<sys::Result<_>>()? })
    }

    /// Reads the regular file at `path`; `None` if nothing is there.
    ///
    /// # Errors
    /// `InvalidInput` for what is no regular file, `FileTooLarge` for more than `limit` bytes.
    pub(crate) fn read(&self, path: &[u8], limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.file(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        // The size is not asked first: a sparse file may claim anything.
        File::from(file).take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > limit {
            true => Err(io::ErrorKind::FileTooLarge.into()),
            false => Ok(Some(bytes)),
        }
    }

    /// Opens the regular file at `path`. Its type is known before it is opened: opening a FIFO would wait, and
    /// opening a device would act.
    fn file(&self, path: &[u8]) -> io::Result<Option<OwnedFd>> {
        match self.find(path)? {
            None => Ok(None),
            Some(Found::Other { dir, name, stat }) if stat.kind == Kind::File => {
                let flags = Open::RDONLY | Open::NOFOLLOW | Open::NONBLOCK | Open::NOCTTY;
                let file = sys::path::open(&dir, &name, flags, Within::BeneathNoLinks)?;
                match at::stat(file.as_fd())?.kind {
                    Kind::File => Ok(Some(file)),
                    _ => Err(io::ErrorKind::InvalidInput.into()),
                }
            }
            Some(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Looks `path` up, following every link. `None` if it, or a directory on its way, is not there.
    pub(crate) fn find(&self, path: &[u8]) -> io::Result<Option<Found>> {
        let mut todo: VecDeque<OsString> = components(path).collect();
        // Components that are known to be directories, not links.
        let mut done: Vec<OsString> = Vec::new();
        let mut here = self.root()?;
        let (mut links, mut steps) = (0, 0);
        while let Some(name) = todo.pop_front() {
            steps += 1;
            if steps > STEPS_MAX {
                return Err(too_many_links());
            }
            if name == ".." {
                done.pop();
                done.drain(..).rev().for_each(|name| todo.push_front(name));
                here = self.root()?;
                continue;
            }
            match child(&here, &name)? {
                None => return Ok(None),
                Some(Found::Directory(merged)) => {
                    here = merged;
                    done.push(name);
                }
                Some(Found::Other { dir, name, stat }) if stat.kind == Kind::Symlink => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(too_many_links());
                    }
                    let target = at::read_link(dir.as_fd(), name.as_bytes())?;
                    let absolute = target.first() == Some(&b'/');
                    components(&target)
                        .collect::<Vec<_>>()
                        .into_iter()
                        .rev()
                        .for_each(|name| todo.push_front(name));
                    if absolute {
                        done.clear();
                        here = self.root()?;
                    }
                }
                // A file with something behind it is no path.
                Some(Found::Other { .. }) if !todo.is_empty() => return Ok(None),
                other => return Ok(other),
            }
        }
        Ok(Some(Found::Directory(here)))
    }

    /// For many lookups in one tree.
    pub(crate) fn walker(&self) -> io::Result<Walker> {
        Ok(Walker { root: self.root()?, way: Vec::new() })
    }

    fn root(&self) -> io::Result<Merged> {
        let all = self.roots.iter().enumerate();
        all.map(|(index, fd)| Ok((index, fd.as_fd().try_clone_to_owned()?))).collect()
    }
}

/// Looks up directories without following any link. Remembers the way to the last one, so that neighbours are cheap.
#[derive(Debug)]
pub(crate) struct Walker {
    root: Merged,
    way: Vec<(OsString, Merged)>,
}

impl Walker {
    /// The merged directory at `path`; `None` if there is none, or one so deep or wide that the way there would
    /// take too many descriptors.
    pub(crate) fn directory(&mut self, path: &[u8]) -> io::Result<Option<&Merged>> {
        let wanted: Vec<OsString> = components(path).collect();
        let known = self.way.iter().zip(&wanted).take_while(|((name, _), wanted)| name == *wanted).count();
        self.way.truncate(known);
        let mut open: usize = self.way.iter().map(|(_, merged)| merged.len()).sum();
        for name in wanted.into_iter().skip(known) {
            let here = self.way.last().map_or(&self.root, |(_, merged)| merged);
            let Some(Found::Directory(merged)) = child(here, &name)? else { return Ok(None) };
            open += merged.len();
            if open > WALKER_OPEN_MAX {
                return Ok(None);
            }
            self.way.push((name, merged));
        }
        Ok(Some(self.way.last().map_or(&self.root, |(_, merged)| merged)))
    }
}

impl LowerLayers for View {
    fn open(&self, path: &[u8]) -> io::Result<Option<OwnedFd>> {
        match self.file(path) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
            other => other,
        }
    }
}

/// One name in a merged directory.
fn child(within: &Merged, name: &OsStr) -> io::Result<Option<Found>> {
    let mut merged = Merged::new();
    for (index, dir) in within {
        let stat = match at::stat_at(dir.as_fd(), name.as_bytes()) {
            Err(error) if matches!(error.errno, Errno::ENOENT | Errno::ENAMETOOLONG) => continue,
            other => other?,
        };
        match stat.kind {
            Kind::Directory => {
                let below = at::open_dir(dir.as_fd(), name.as_bytes())?;
                let opaque =
                    at::get_xattr(below.as_fd(), b"trusted.overlay.opaque")?.as_deref() == Some(b"y");
                merged.push((*index, below));
                if opaque {
                    break;
                }
            }
            _ if stat.is_whiteout() => break,
            // Hides all below it, or is itself hidden by a directory above.
            _ if merged.is_empty() => {
                let dir = dir.as_fd().try_clone_to_owned()?;
                return Ok(Some(Found::Other { dir, name: name.to_owned(), stat }));
            }
            _ => break,
        }
    }
    Ok(if merged.is_empty() { None } else { Some(Found::Directory(merged)) })
}

fn components(path: &[u8]) -> impl Iterator<Item = OsString> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."))
        .map(|part| OsString::from_vec(part.to_vec()))
}

fn too_many_links() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "too many symbolic links")
}

#[cfg(test)]
mod tests;
