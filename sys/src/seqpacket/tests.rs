use std::{
    io::Read,
    os::fd::{AsFd, OwnedFd},
};

use super::{Incoming, MAX_FDS, accept, connect_at, listen_at, pair, peer_uid, recv, send};
use crate::{Errno, fd, io};

#[test]
fn messages_keep_their_borders_and_carry_descriptors() {
    let (left, right) = pair().unwrap();
    let (reader, writer) = io::pipe().unwrap();
    assert!(send(&left, b"one", &[writer.as_fd()]).unwrap());
    assert!(send(&left, b"two", &[]).unwrap());
    drop(writer);
    let mut buffer = [0; 16];
    let Incoming::Message(one) = recv(&right, &mut buffer).unwrap() else { panic!("a message") };
    assert_eq!((&buffer[..one.length], one.fds.len()), (&b"one"[..], 1));
    io::write(&one.fds[0], b"through").unwrap();
    drop(one);
    let Incoming::Message(two) = recv(&right, &mut buffer).unwrap() else { panic!("a message") };
    assert_eq!((&buffer[..two.length], two.fds.len()), (&b"two"[..], 0));
    let mut text = String::new();
    std::fs::File::from(reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "through");
    drop(left);
    assert!(matches!(recv(&right, &mut buffer).unwrap(), Incoming::Closed));
}

#[test]
fn too_long_and_too_many_are_refused() {
    let (left, right) = pair().unwrap();
    send(&left, b"longer than four", &[]).unwrap();
    assert_eq!(recv(&right, &mut [0; 4]).unwrap_err().errno, Errno::EMSGSIZE);
    let many = vec![left.as_fd(); MAX_FDS + 1];
    assert_eq!(send(&left, b"x", &many).unwrap_err().errno, Errno::EMSGSIZE);
}

#[test]
fn a_peer_that_does_not_read_never_blocks_us() {
    let (left, _right) = pair().unwrap();
    fd::set_nonblocking(&left, true).unwrap();
    let message = vec![0; 32 * 1024];
    assert!((0..1000).any(|_| !send(&left, &message, &[]).unwrap()));
}

#[test]
fn sockets_below_a_deep_directory_connect() {
    let temp = std::env::temp_dir().join(format!("berth-sys-seqpacket-{}", std::process::id()));
    let deep = temp.join("d".repeat(100)).join("e".repeat(100));
    std::fs::create_dir_all(&deep).unwrap();
    let dir = OwnedFd::from(std::fs::File::open(&deep).unwrap());
    let listener = listen_at(dir.as_fd(), "m.sock").unwrap();
    let client = connect_at(dir.as_fd(), "m.sock").unwrap();
    let server = accept(&listener).unwrap().unwrap();
    assert_eq!(peer_uid(&server).unwrap(), crate::cred::effective_uid());
    assert!(matches!(recv(&server, &mut [0; 4]).unwrap(), Incoming::WouldBlock));
    drop(client);
    std::fs::remove_dir_all(&temp).unwrap();
}
