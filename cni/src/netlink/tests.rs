use proptest::prelude::*;

use super::*;

fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let request =
        Request { what: String::new(), kind, flags, payload: payload.to_vec(), if_supported: false };
    let mut out = Vec::new();
    request.encode(0, sequence, &mut out);
    out
}

fn error(code: i32, text: Option<&str>) -> Vec<u8> {
    let mut payload = code.to_ne_bytes().to_vec();
    payload.extend([0; HEADER]);
    if let Some(text) = text {
        payload.extend((4 + text.len() as u16 + 1).to_ne_bytes());
        payload.extend(ERROR_TEXT.to_ne_bytes());
        payload.extend(text.as_bytes());
        payload.push(0);
    }
    message(NLMSG_ERROR, NLM_F_ACK_TLVS, 5, &payload)
}

#[test]
fn messages_of_a_datagram_are_told_apart() {
    let mut datagram = message(16, 2, 1, &[1, 2, 3]);
    datagram.extend(message(17, 0, 2, &[]));
    let found: Vec<_> = frames(&datagram).map(Result::unwrap).collect();
    assert_eq!(found[0], Frame { kind: 16, flags: 2 | NLM_F_REQUEST, sequence: 1, payload: &[1, 2, 3] });
    assert_eq!(found[1], Frame { kind: 17, flags: NLM_F_REQUEST, sequence: 2, payload: &[] });
    assert_eq!(found.len(), 2);
}

#[test]
fn short_and_lying_messages_are_errors() {
    let good = message(16, 0, 1, &[0; 8]);
    for cut in 1..good.len() {
        assert!(frames(&good[..cut]).next().unwrap().is_err(), "cut at {cut}");
    }
    let mut lying = good;
    lying[..4].copy_from_slice(&15_u32.to_ne_bytes());
    assert!(frames(&lying).next().unwrap().is_err());
    lying[..4].copy_from_slice(&u32::MAX.to_ne_bytes());
    assert!(frames(&lying).next().unwrap().is_err());
}

#[test]
fn the_kernels_words_are_heard() {
    let datagram = error(-17, Some("Device already exists"));
    let frame = frames(&datagram).next().unwrap().unwrap();
    let (errno, said) = frame.ack().unwrap().unwrap_err();
    assert_eq!((errno, said.as_deref()), (Errno::EEXIST, Some("Device already exists")));
    let datagram = error(0, None);
    assert_eq!(frames(&datagram).next().unwrap().unwrap().ack().unwrap(), Ok(()));
    let datagram = error(i32::MIN, None);
    assert!(frames(&datagram).next().unwrap().unwrap().ack().unwrap().is_err());
}

proptest! {
    /// Whatever arrives, the readers end without a panic.
    #[test]
    fn garbage_is_survived(datagram in prop::collection::vec(any::<u8>(), 0..400)) {
        for frame in frames(&datagram).flatten() {
            let _ = frame.ack();
        }
        let _ = link::Link::read(&datagram);
        let _ = text_of(&datagram);
    }
}
