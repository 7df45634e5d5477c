//! Files of an image, read without mounting it.

use std::io;

use crate::error::{Error, Result};
use crate::image::Image;
use crate::store::Store;
use crate::view::View;

impl Store {
    /// Reads a regular file of the image as a container would see it; links are followed inside the image.
    /// `None` if nothing is there. Blocks on the disk.
    ///
    /// # Errors
    /// What is no regular file is refused before it is opened, and so is a file of more than `limit` bytes.
    pub fn read_file(&self, image: &Image, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let trees = image.layers.iter().rev().map(|id| self.layer_dir(id));
        let view = View::open(trees).map_err(|e| Error::io("open the layers of", self.root())(e.into()))?;
        view.read(path.as_bytes(), limit).map_err(|error| {
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
}
