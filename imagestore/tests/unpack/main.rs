//! The layer unpacker against archives that are wrong, hostile or just odd: a test for each row of the catalogue.
#![expect(clippy::unwrap_used, reason = "a test")]

mod archive;
mod differential;
mod headers;
mod kinds;
mod limits;
mod links;
mod lower;
mod mutations;
mod names;
mod scene;
mod sparse;
mod whiteouts;
mod xattrs;
