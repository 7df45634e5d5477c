//! Files and directories of an image, found and read without mounting it.

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use sys::at::Kind;

use crate::error::{Error, Result};
use crate::image::Image;
use crate::store::Store;
use crate::view::{Found, View, copy};

/// Files of a copy may claim this much more than four times what the image takes on disk: the rest would be holes.
const HOLES_MAX: u64 = 64 << 20;

/// Where a path of an image is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// What the trees have of a directory, uppermost first: stacked by overlayfs it is what a container would see.
    Directory(Vec<PathBuf>),
    /// A regular file.
    File(PathBuf),
}

impl Store {
    /// Reads a regular file of the image as a container would see it; links are followed inside the image.
    /// `None` if nothing is there. Blocks on the disk.
    ///
    /// # Errors
    /// What is no regular file is refused before it is opened, and so is a file of more than `limit` bytes.
    pub fn read_file(&self, image: &Image, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        self.view(image)?.read(path.as_bytes(), limit).map_err(|error| {
            let refused =
                |why: String| Error::Document { what: format!("{path:?} of image {}", image.id), why };
            match error.kind() {
                io::ErrorKind::InvalidInput => {
                    refused("it is no regular file, or a loop of links".to_owned())
                }
                io::ErrorKind::FileTooLarge => refused(format!("it is larger than {limit} bytes")),
                _ => Error::io("read a file of the image in", self.root())(error),
            }
        })
    }

    /// Finds a file or directory of the image as a container would; links are followed inside the image, and `..`
    /// ends at its root. `None` if nothing is there. Blocks on the disk.
    ///
    /// # Errors
    /// What is neither file nor directory, or a loop of links.
    pub fn locate(&self, image: &Image, path: &str) -> Result<Option<Place>> {
        let odd = |why: &str| Error::Document {
            what: format!("{:?} of image {}", shortened(path), image.id),
            why: why.to_owned(),
        };
        let failed = |error| Error::io("find a path of the image in", self.root())(error);
        let found = self.view(image)?.find(path.as_bytes()).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => odd("a loop of links"),
            _ => failed(error),
        })?;
        match found {
            None => Ok(None),
            Some(Found::Directory(merged)) => {
                let names = merged.iter().map(|(_, dir)| sys::host_path::name_of(dir.as_fd()));
                Ok(Some(Place::Directory(names.collect::<sys::Result<_>>().map_err(|e| failed(e.into()))?)))
            }
            Some(Found::Other { dir, name, stat }) if stat.kind == Kind::File => {
                let dir = sys::host_path::name_of(dir.as_fd()).map_err(|e| failed(e.into()))?;
                Ok(Some(Place::File(dir.join(name))))
            }
            Some(Found::Other { .. }) => Err(odd("it is neither a file nor a directory")),
        }
    }

    /// Copies what a directory of the image holds into `into`, an empty directory that nobody else sees yet; it takes
    /// over owner and mode too. Nothing happens if the image has no such path. Blocks on the disk.
    ///
    /// # Errors
    /// A path that is no directory, a tree that is too deep, or files of little but holes.
    pub fn copy_directory(&self, image: &Image, path: &str, into: &Path) -> Result<()> {
        let refused = |why: &str| Error::Document {
            what: format!("VOLUME {:?} of image {}", shortened(path), image.id),
            why: why.to_owned(),
        };
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidInput => refused("it is too deep, or has a loop of links on its way"),
            io::ErrorKind::FileTooLarge => refused("its files claim far more than the image takes on disk"),
            _ => Error::io("copy a VOLUME of the image into", into)(error),
        };
        let directory = match self.view(image)?.find(path.as_bytes()).map_err(failed)? {
            None => return Ok(()),
            Some(Found::Other { .. }) => return Err(refused("it is no directory in the image")),
            Some(Found::Directory(merged)) => merged,
        };
        let into = std::fs::File::open(into).map_err(failed)?;
        let most = image.size_bytes.saturating_mul(4).saturating_add(HOLES_MAX);
        copy::copy(&directory, into.as_fd(), most).map_err(failed)
    }

    fn view(&self, image: &Image) -> Result<View> {
        let trees = image.layers.iter().rev().map(|id| self.layer_dir(id));
        View::open(trees).map_err(|e| Error::io("open the layers of", self.root())(e.into()))
    }
}

/// For an error: a path may be as long as a message.
fn shortened(path: &str) -> String {
    path.chars().take(200).collect()
}
