use std::io;

use super::{Errno, Error};

#[test]
fn an_error_names_call_arguments_and_errno() {
    let error = Error::new("openat2", format_args!("{}, {:?}", 7, "etc/passwd"), Errno::ENOENT);
    assert_eq!(error.to_string(), "openat2(7, \"etc/passwd\"): No such file or directory (os error 2)");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}
