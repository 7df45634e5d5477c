use std::{fs::File, io::Write};

use super::{read, sealed};
use crate::Errno;

#[test]
fn content_comes_back_and_cannot_be_changed() {
    let memfd = sealed("plan", b"hello").unwrap();
    assert_eq!(read(&memfd, 5).unwrap(), b"hello");
    assert_eq!(read(&memfd, 5).unwrap(), b"hello", "reading leaves nothing behind");
    assert_eq!(read(&memfd, 4).unwrap_err().errno, Errno::EFBIG);
    assert!(File::from(memfd).write_all(b"x").is_err());
}
