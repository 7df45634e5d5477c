//! Unit tests of the lock.
use std::{fs::File, io::ErrorKind, sync::mpsc, thread};

use super::exclusive;

#[test]
fn a_lock_that_stays_held_is_refused_and_one_let_go_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let held = exclusive(&path).unwrap();
    assert_eq!(exclusive(&path).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(held);
    exclusive(&path).unwrap();
}

#[test]
fn a_copy_of_the_descriptor_that_goes_away_soon_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let held = File::from(exclusive(&path).unwrap());
    // What a child between fork and exec has.
    let copy = held.try_clone().unwrap();
    drop(held);
    let (asked, wait) = mpsc::channel();
    let child = thread::Builder::new()
        .name("child".to_owned())
        .spawn(move || {
            wait.recv().unwrap();
            drop(copy);
        })
        .unwrap();
    asked.send(()).unwrap();
    exclusive(&path).unwrap();
    child.join().unwrap();
}
