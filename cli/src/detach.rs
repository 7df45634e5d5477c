//! The keys that leave an attached program without ending it: Ctrl-P, then Ctrl-Q.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use streaming::BoxRead;
use tokio::sync::Notify;
use tokio_util::io::{ReaderStream, StreamReader};

const CTRL_P: u8 = 0x10;
const CTRL_Q: u8 = 0x11;

/// Passes on what is typed, and tells `left` when the two keys were.
pub(crate) fn watch(input: BoxRead, left: Arc<Notify>) -> BoxRead {
    let mut keys = Keys::default();
    let typed = ReaderStream::new(input).map(move |chunk| {
        let (passed, detached) = keys.scan(&chunk?);
        if detached {
            left.notify_one();
        }
        Ok::<_, std::io::Error>(Bytes::from(passed))
    });
    // An empty chunk would be an end of file.
    let typed =
        typed.filter(|chunk| std::future::ready(chunk.as_ref().map_or(true, |bytes| !bytes.is_empty())));
    Box::pin(StreamReader::new(Box::pin(typed)))
}

#[derive(Debug, Default)]
struct Keys {
    /// The last key was Ctrl-P, and is held back until the next one tells what it meant.
    held: bool,
}

impl Keys {
    /// What goes on to the program, and whether the person leaves.
    fn scan(&mut self, typed: &[u8]) -> (Vec<u8>, bool) {
        let mut passed = Vec::with_capacity(typed.len() + 1);
        for &key in typed {
            match (std::mem::take(&mut self.held), key) {
                (true, CTRL_Q) => return (passed, true),
                (held, key) => {
                    passed.extend(held.then_some(CTRL_P));
                    self.held = key == CTRL_P;
                    passed.extend((key != CTRL_P).then_some(key));
                }
            }
        }
        (passed, false)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn the_two_keys_leave_and_others_pass() {
        let mut keys = Keys::default();
        assert_eq!(keys.scan(b"ls\r"), (b"ls\r".to_vec(), false));
        assert_eq!(keys.scan(&[CTRL_Q, b'a', CTRL_P]), (vec![CTRL_Q, b'a'], false));
        assert_eq!(keys.scan(b"b"), (vec![CTRL_P, b'b'], false), "it was the program's after all");
        assert_eq!(keys.scan(&[CTRL_P, CTRL_P]), (vec![CTRL_P], false));
        assert_eq!(keys.scan(&[CTRL_Q, b'x']), (vec![], true));
    }

    #[tokio::test]
    async fn a_held_key_is_no_end_of_file() {
        let left = Arc::new(Notify::new());
        let (mut keyboard, input) = tokio::io::duplex(16);
        let mut watched = watch(Box::pin(input), Arc::clone(&left));
        for keys in [&[CTRL_P][..], b"x", &[CTRL_P], &[CTRL_Q]] {
            tokio::io::AsyncWriteExt::write_all(&mut keyboard, keys).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut typed = [0; 2];
        watched.read_exact(&mut typed).await.unwrap();
        assert_eq!(typed, [CTRL_P, b'x']);
        drop(keyboard);
        assert_eq!(watched.read(&mut typed).await.unwrap(), 0);
        left.notified().await;
    }
}
