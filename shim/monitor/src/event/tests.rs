use super::{Source, Stream};

#[test]
fn tokens_come_back_as_they_went() {
    for source in [
        Source::Signals,
        Source::Listener,
        Source::Connection(u32::MAX),
        Source::Handshake(7),
        Source::Output(1, Stream::Stdout),
        Source::Output(1, Stream::Stderr),
        Source::Stdin(9),
        Source::Feed(u32::MAX, 0x00ff_ffff),
        Source::Tap(3, 4),
    ] {
        assert_eq!(Source::of(source.token()), Some(source));
    }
    assert_eq!(Source::of(u64::MAX), None);
}
