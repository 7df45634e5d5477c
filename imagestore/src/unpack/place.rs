//! Place: makes the file of each entry, where it belongs in the tree of its layer.

use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
    rc::Rc,
};

use sys::{
    Errno,
    at::{self, Kind as Is, Node},
};

use super::{
    Applied, Limits, LowerLayers, Name, UnpackError,
    archive::Archive,
    dirs::{Dirs, OPAQUE},
    entry::{Entry, Kind, Meta},
    header::Problem,
    name::{self, Meaning},
    owner::{self, Failure},
};

pub(super) struct Placer<'a, R> {
    archive: Archive<'a, R>,
    dirs: Dirs,
    limits: &'a Limits,
    lower: &'a dyn LowerLayers,
    done: Applied,
}

/// Where an entry goes: its clean path, and the last component below its open parent.
struct Spot<'p> {
    path: &'p [u8],
    parent: Rc<OwnedFd>,
    base: &'p [u8],
}

impl<'a, R: Read> Placer<'a, R> {
    pub(super) fn new(
        archive: Archive<'a, R>,
        dirs: Dirs,
        limits: &'a Limits,
        lower: &'a dyn LowerLayers,
    ) -> Self {
        Self { archive, dirs, limits, lower, done: Applied::default() }
    }

    pub(super) fn run(mut self) -> Result<Applied, UnpackError> {
        while let Some(entry) = self.archive.next()? {
            self.entry(entry)?;
        }
        let (implied, made) = self.dirs.finish().map_err(|error| system(b"", error))?;
        Ok(Applied { implied, inodes: self.done.inodes + made, ..self.done })
    }

    fn entry(&mut self, entry: Entry) -> Result<(), UnpackError> {
        let path = name::clean(&entry.name).map_err(|problem| refused(&entry.name, problem))?;
        if path.is_empty() {
            return self.root(&entry);
        }
        let meaning = name::meaning(&path).map_err(|problem| refused(&path, problem))?;
        if meaning == Meaning::Ignored {
            return Ok(());
        }
        let spot = Spot { parent: self.dirs.get(name::parent(&path))?, base: name::base(&path), path: &path };
        match meaning {
            Meaning::Whiteout(hidden) => self.whiteout(&Spot { base: hidden, ..spot }),
            Meaning::Opaque => self.opaque(&spot),
            _ => self.plain(spot, entry),
        }
    }

    fn plain(&mut self, mut spot: Spot<'_>, entry: Entry) -> Result<(), UnpackError> {
        let meta = &entry.meta;
        match &entry.kind {
            Kind::Directory => return self.directory(&mut spot, meta),
            Kind::File { size } => self.file(&mut spot, meta, *size)?,
            Kind::Sparse { size, pieces } => {
                let file = self.create(&mut spot, *size)?;
                file.set_len(*size).map_err(|source| write_failed(spot.path, source))?;
                for piece in pieces {
                    self.copy(piece.len, spot.path, |data, at| file.write_all_at(data, piece.offset + at))?;
                }
                finish(&file, meta, spot.path)?;
            }
            Kind::Symlink { target } => {
                self.make(&mut spot, |parent, base| at::make_symlink(target, parent.as_fd(), base))?;
                owner::set_link(spot.parent.as_fd(), spot.base, meta)
                    .map_err(|error| system(spot.path, error))?;
            }
            Kind::HardLink { target } => return self.hard_link(&mut spot, target),
            Kind::Node(node) => {
                if *node == at::WHITEOUT {
                    return Err(refused(spot.path, "a device 0:0, which overlayfs takes for a deletion"));
                }
                self.node(&mut spot, *node, meta)?;
            }
        }
        self.done.inodes += 1;
        Ok(())
    }

    /// An entry for the root itself: a directory sets owner, mode, xattrs and time; nothing can replace the root.
    fn root(&mut self, entry: &Entry) -> Result<(), UnpackError> {
        if let Kind::Directory = entry.kind {
            owner::set(self.dirs.root().as_fd(), &entry.meta).map_err(|failure| failed(b"", failure))?;
            self.dirs.set_root_time(entry.meta.mtime);
            self.dirs.described(b"");
        }
        Ok(())
    }

    fn file(&mut self, spot: &mut Spot<'_>, meta: &Meta, size: u64) -> Result<(), UnpackError> {
        let mut file = self.create(spot, size)?;
        self.copy(size, spot.path, |data, _| file.write_all(data))?;
        finish(&file, meta, spot.path)
    }

    /// Opens a new file and books its size.
    fn create(&mut self, spot: &mut Spot<'_>, size: u64) -> Result<File, UnpackError> {
        self.done.bytes = self.done.bytes.saturating_add(size);
        if self.done.bytes > self.limits.content_bytes {
            return Err(UnpackError::Limit { what: "bytes of content", limit: self.limits.content_bytes });
        }
        self.make(spot, |parent, base| at::create_file(parent.as_fd(), base, 0o644))
            .map(|(fd, _)| File::from(fd))
    }

    /// Hands the next `size` bytes of the entry to `write`, with their offset, straight from the input's buffer.
    fn copy(
        &mut self,
        size: u64,
        path: &[u8],
        mut write: impl FnMut(&[u8], u64) -> std::io::Result<()>,
    ) -> Result<(), UnpackError> {
        let mut at = 0;
        while at < size {
            let data = self.archive.data(size - at)?;
            write(data, at).map_err(|source| write_failed(path, source))?;
            let n = data.len();
            self.archive.consume(n);
            at += n as u64;
        }
        Ok(())
    }

    fn directory(&mut self, spot: &mut Spot<'_>, meta: &Meta) -> Result<(), UnpackError> {
        let path = spot.path;
        let made = match at::make_dir(spot.parent.as_fd(), spot.base, 0o755) {
            Err(error) if error.errno == Errno::EEXIST => self.directory_over(spot)?,
            other => other.map(|()| true).map_err(|error| system(path, error))?,
        };
        let fd = at::open_dir(spot.parent.as_fd(), spot.base).map_err(|error| system(path, error))?;
        owner::set(fd.as_fd(), meta).map_err(|failure| failed(path, failure))?;
        self.dirs.keep(path, fd, Some(meta.mtime)).map_err(|error| system(path, error))?;
        self.dirs.described(path);
        self.done.inodes += u64::from(made);
        Ok(())
    }

    /// A directory where something is already: a directory stays, with what is in it; anything else goes, and the
    /// directory hides what lower layers have there, as that did. True if one was made.
    fn directory_over(&mut self, spot: &mut Spot<'_>) -> Result<bool, UnpackError> {
        let fail = |error| system(spot.path, error);
        let there = at::stat_at(spot.parent.as_fd(), spot.base).map_err(fail)?;
        if there.kind == Is::Directory {
            return Ok(false);
        }
        let path = spot.path;
        self.clear(spot, there.kind)?;
        at::make_dir(spot.parent.as_fd(), spot.base, 0o755).map_err(|error| system(path, error))?;
        let fd = at::open_dir(spot.parent.as_fd(), spot.base).map_err(|error| system(path, error))?;
        at::set_xattr(fd.as_fd(), OPAQUE, b"y").map_err(|error| system(path, error))?;
        Ok(true)
    }

    fn node(&mut self, spot: &mut Spot<'_>, node: Node, meta: &Meta) -> Result<(), UnpackError> {
        self.make(spot, |parent, base| at::make_node(parent.as_fd(), base, node, 0o600))?;
        owner::set_node(spot.parent.as_fd(), spot.base, meta).map_err(|error| system(spot.path, error))
    }

    /// Deletes a name of the layers below. What this layer itself has under that name stays, whichever came first.
    fn whiteout(&mut self, spot: &Spot<'_>) -> Result<(), UnpackError> {
        let fail = |error| system(spot.path, error);
        match at::make_node(spot.parent.as_fd(), spot.base, at::WHITEOUT, 0) {
            Ok(()) => {
                let meta = Meta { mode: 0, ..Meta::IMPLIED };
                at::set_owner_at(spot.parent.as_fd(), spot.base, meta.uid, meta.gid).map_err(fail)?;
                at::set_times_at(spot.parent.as_fd(), spot.base, meta.mtime).map_err(fail)?;
                self.done.inodes += 1;
                Ok(())
            }
            Err(error) if error.errno == Errno::EEXIST => {
                let there = at::stat_at(spot.parent.as_fd(), spot.base).map_err(fail)?;
                if there.kind == Is::Directory {
                    let fd = at::open_dir(spot.parent.as_fd(), spot.base).map_err(fail)?;
                    at::set_xattr(fd.as_fd(), OPAQUE, b"y").map_err(fail)?;
                }
                Ok(())
            }
            Err(error) => Err(fail(error)),
        }
    }

    /// Deletes what the layers below have in the directory.
    fn opaque(&mut self, spot: &Spot<'_>) -> Result<(), UnpackError> {
        let root = at::stat(self.dirs.root().as_fd()).map_err(|error| system(spot.path, error))?;
        let dir = at::stat(spot.parent.as_fd()).map_err(|error| system(spot.path, error))?;
        if (dir.dev, dir.ino) == (root.dev, root.ino) {
            self.done.opaque_root = true;
        }
        at::set_xattr(spot.parent.as_fd(), OPAQUE, b"y").map_err(|error| system(spot.path, error))
    }

    fn hard_link(&mut self, spot: &mut Spot<'_>, target: &[u8]) -> Result<(), UnpackError> {
        let to = name::clean(target).map_err(|problem| refused(spot.path, problem))?;
        if to.is_empty() {
            return Err(refused(spot.path, "a hard link to the root"));
        }
        let base = name::base(&to);
        let mut dir = self.dirs.find_existing(name::parent(&to))?;
        let there = match &dir {
            None => None,
            Some(dir) => match at::stat_at(dir.as_fd(), base) {
                Ok(stat) => Some(stat),
                Err(error) if matches!(error.errno, Errno::ENOENT | Errno::ENAMETOOLONG) => None,
                Err(error) => return Err(system(spot.path, error)),
            },
        };
        match there {
            Some(stat) if stat.kind == Is::Directory => {
                return Err(refused(spot.path, "a hard link to a directory"));
            }
            // The layer deletes it, so a lower layer's is not meant.
            Some(stat) if stat.is_whiteout() => return Err(missing(spot.path, &to)),
            Some(_) => {}
            None => {
                self.copy_up(spot.path, &to)?;
                dir = self.dirs.find_existing(name::parent(&to))?;
                // Copying may have made directories and so closed others.
                spot.parent = self.dirs.get(name::parent(spot.path))?;
            }
        }
        let Some(dir) = dir else { return Err(missing(spot.path, &to)) };
        if base == spot.base && same_dir(&dir, &spot.parent).map_err(|error| system(spot.path, error))? {
            return Err(refused(spot.path, "a hard link to itself"));
        }
        let made = self.make(spot, |parent, name| at::make_link(dir.as_fd(), base, parent.as_fd(), name));
        match made {
            // It lay in the directory that had to make way for the link.
            Err(UnpackError::System { source, .. }) if source.errno == Errno::ENOENT => {
                Err(missing(spot.path, &to))
            }
            other => other.map(|_| ()),
        }
    }

    /// Copies a lower layer's file into this one, so that a link can be made to it. That is what overlayfs does.
    fn copy_up(&mut self, path: &[u8], target: &[u8]) -> Result<(), UnpackError> {
        let lower_failed =
            |source| UnpackError::Lower { entry: Name::of(path), target: Name::of(target), source };
        if self.hides(target)? {
            return Err(missing(path, target));
        }
        let Some(from) = self.lower.open(target).map_err(lower_failed)? else {
            return Err(missing(path, target));
        };
        let stat = at::stat(from.as_fd()).map_err(|error| system(path, error))?;
        if stat.kind != Is::File {
            return Err(missing(path, target));
        }
        let mut meta =
            Meta { uid: stat.uid, gid: stat.gid, mode: stat.mode, mtime: stat.mtime, xattrs: Vec::new() };
        for name in at::list_xattrs(from.as_fd()).map_err(|error| system(path, error))? {
            if !name.starts_with(b"trusted.") {
                let value = at::get_xattr(from.as_fd(), &name).map_err(|error| system(path, error))?;
                meta.xattrs.extend(value.map(|value| (name, value)));
            }
        }
        let parent = self.dirs.get(name::parent(target))?;
        let mut spot = Spot { path: target, parent, base: name::base(target) };
        let mut file = self.create(&mut spot, stat.size)?;
        // Bounded by the size just booked, even if the file should grow.
        let mut from = File::from(from).take(stat.size);
        std::io::copy(&mut from, &mut file).map_err(lower_failed)?;
        finish(&file, &meta, target)?;
        self.done.inodes += 1;
        self.done.bound_to_lower = true;
        Ok(())
    }

    /// Whether this layer hides what lower layers have at `path`: by an opaque directory on the way there, or by
    /// something that is no directory.
    fn hides(&mut self, path: &[u8]) -> Result<bool, UnpackError> {
        let mut dir = self.dirs.root();
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in slashes.chain([path.len()]) {
            if at::get_xattr(dir.as_fd(), OPAQUE).map_err(|error| system(path, error))?.is_some() {
                return Ok(true);
            }
            let step = &path[..end];
            dir = match self.dirs.find_existing(step)? {
                Some(dir) => dir,
                None => {
                    return match at::stat_at(dir.as_fd(), name::base(step)) {
                        Ok(stat) => Ok(stat.kind != Is::Symlink),
                        Err(error) if error.errno == Errno::ENOENT => Ok(false),
                        Err(error) => Err(system(path, error)),
                    };
                }
            };
        }
        Ok(false)
    }

    /// Makes something that is no directory. What has the name already makes way: the last entry counts.
    fn make<T>(
        &mut self,
        spot: &mut Spot<'_>,
        make: impl Fn(&OwnedFd, &[u8]) -> sys::Result<T>,
    ) -> Result<(T, bool), UnpackError> {
        match make(&spot.parent, spot.base) {
            Err(error) if error.errno == Errno::EEXIST => {
                let there =
                    at::stat_at(spot.parent.as_fd(), spot.base).map_err(|error| system(spot.path, error))?;
                self.clear(spot, there.kind)?;
                make(&spot.parent, spot.base).map(|made| (made, true))
            }
            other => other.map(|made| (made, false)),
        }
        .map_err(|error| system(spot.path, error))
    }

    fn clear(&mut self, spot: &mut Spot<'_>, kind: Is) -> Result<(), UnpackError> {
        // Open directories may lie below it, or have been reached through it.
        if matches!(kind, Is::Directory | Is::Symlink) {
            self.dirs.forget().map_err(|error| system(spot.path, error))?;
            spot.parent = self.dirs.get(name::parent(spot.path))?;
        }
        at::remove_all(spot.parent.as_fd(), spot.base).map_err(|error| system(spot.path, error))
    }
}

fn finish(file: &File, meta: &Meta, path: &[u8]) -> Result<(), UnpackError> {
    owner::set(file.as_fd(), meta).map_err(|failure| failed(path, failure))?;
    owner::set_time(file.as_fd(), meta.mtime).map_err(|error| system(path, error))
}

fn same_dir(one: &OwnedFd, other: &OwnedFd) -> sys::Result<bool> {
    let (one, other) = (at::stat(one.as_fd())?, at::stat(other.as_fd())?);
    Ok((one.dev, one.ino) == (other.dev, other.ino))
}

fn system(path: &[u8], source: sys::Error) -> UnpackError {
    UnpackError::System { entry: Name::of(path), source }
}

fn refused(path: &[u8], problem: Problem) -> UnpackError {
    UnpackError::Refused { entry: Name::of(path), problem }
}

fn failed(path: &[u8], failure: Failure) -> UnpackError {
    match failure {
        Failure::System(error) => system(path, error),
        Failure::Refused(problem) => refused(path, problem),
    }
}

fn missing(path: &[u8], target: &[u8]) -> UnpackError {
    UnpackError::LinkTarget { entry: Name::of(path), target: Name::of(target) }
}

fn write_failed(path: &[u8], source: std::io::Error) -> UnpackError {
    UnpackError::Write { entry: Name::of(path), source }
}
