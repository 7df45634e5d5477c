//! Frames survive the way out and in; random bytes are refused, never a panic.

use proptest::prelude::*;

use super::*;

fn control_of(bytes: &[u8]) -> Result<Control<'_>, Error> {
    let (head, payload) = bytes.split_first_chunk::<HEAD>().unwrap();
    let Head::Control { kind, flags, length } = Head::parse(*head)? else { panic!("not a control frame") };
    assert_eq!(length, payload.len());
    Control::parse(kind, flags, payload)
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

#[test]
fn bytes_are_those_of_the_specification() {
    assert_eq!(written(|out| ping(out, 1)), [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]);
    assert_eq!(
        written(|out| rst_stream(out, 5, Reset::Cancel)),
        [0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 0, 5]
    );
    assert_eq!(written(|out| data(out, 3, true, b"hi")), [0, 0, 0, 3, 1, 0, 0, 2, b'h', b'i']);
    assert_eq!(
        written(|out| initial_window(out, 65536)),
        [0x80, 3, 0, 4, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 7, 0, 1, 0, 0]
    );
    assert_eq!(written(|out| go_away(out, 9)), [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 0]);
}

#[test]
fn what_is_written_can_be_read() {
    let block = b"block".as_slice();
    let syn = written(|out| syn_stream(out, 7, block));
    assert_eq!(
        control_of(&syn).unwrap(),
        Control::SynStream { id: 7, fin: false, unidirectional: false, block }
    );
    let reply = written(|out| syn_reply(out, 7, block));
    assert_eq!(control_of(&reply).unwrap(), Control::SynReply { id: 7, fin: false, block });
    let update = written(|out| window_update(out, 0, 9));
    assert_eq!(control_of(&update).unwrap(), Control::WindowUpdate { id: 0, delta: 9 });
    let settings = written(|out| initial_window(out, 5));
    assert_eq!(control_of(&settings).unwrap(), Control::Settings { initial_window: Some(5) });
    assert_eq!(control_of(&written(|out| go_away(out, 1))).unwrap(), Control::GoAway);
    assert_eq!(control_of(&written(|out| ping(out, 8))).unwrap(), Control::Ping { id: 8 });
}

#[test]
fn broken_frames_are_refused() {
    let head = |bytes| Head::parse(bytes).is_err();
    assert!(head([0x80, 2, 0, 1, 0, 0, 0, 0]), "SPDY/2");
    assert!(head([0, 0, 0, 0, 0, 0, 0, 1]), "data on stream 0");
    assert!(head([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]), "16 MiB of headers");
    let parse = |kind, payload: &[u8]| Control::parse(kind, 0, payload).is_err();
    assert!(parse(1, &[0, 0, 0, 1, 0, 0, 0, 0]), "SYN_STREAM cut short");
    assert!(parse(1, &[0; 10]), "SYN_STREAM of stream 0");
    assert!(parse(4, &[0xff, 0xff, 0xff, 0xff]), "SETTINGS with four billion entries");
    assert!(parse(4, &[0, 0, 0, 1, 0, 0, 0, 7, 0x80, 0, 0, 0]), "window of 2 GiB");
    assert!(parse(9, &[0, 0, 0, 1, 0, 0, 0, 0]), "WINDOW_UPDATE by 0");
    assert_eq!(Control::parse(10, 0, &[]).unwrap(), Control::Unknown);
}

proptest! {
    #[test]
    fn any_head_is_read_or_refused(bytes: [u8; HEAD]) {
        if let Ok(Head::Control { length, .. }) = Head::parse(bytes) {
            prop_assert!(length <= MAX_CONTROL);
        }
    }

    #[test]
    fn any_control_frame_is_read_or_refused(
        kind in 0u16..12, flags: u8, payload in proptest::collection::vec(any::<u8>(), 0..64)
    ) {
        let _ = Control::parse(kind, flags, &payload);
    }
}
