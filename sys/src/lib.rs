//! The fence: every raw system call of Berth is made in this crate, one kernel feature a file, no policy.
//!
//! Wrappers are thin: typed arguments in, an owned descriptor or plain value out, and an [`Error`] that names
//! the call, its arguments and the errno. No other crate uses `libc`, `rustix` or `nix`.

pub mod at;
pub mod bpf;
pub mod bytes;
pub mod caps;
pub mod clone;
pub mod cred;
pub mod epoll;
pub mod error;
pub mod exec;
pub mod fd;
pub mod filter_probe;
pub mod group;
pub mod host_path;
pub mod io;
pub mod kmsg;
pub mod lock;
pub mod memfd;
pub mod mount;
pub mod netlink;
pub mod ns;
pub mod pages;
pub mod path;
pub mod pidfd;
pub mod prctl;
pub mod proc_table;
pub mod process;
pub mod raw_mode;
pub mod rlimit;
pub mod seccomp;
pub mod seqpacket;
pub mod signal;
pub mod socket;
pub mod statvfs;
pub mod time;
pub mod tree;
pub mod tty;

pub use error::{Errno, Error, Result};
