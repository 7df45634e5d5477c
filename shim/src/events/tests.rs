use super::*;

#[test]
fn times_grow_even_if_the_clock_does_not() {
    let events = Events::new(CancellationToken::new());
    let mut listener = events.subscribe();
    *events.last_ns.lock().unwrap() = i64::MAX - 10;
    for _ in 0..3 {
        events.send(|| Some(cri::ContainerEventResponse::default()));
    }
    let times: Vec<_> =
        std::iter::from_fn(|| listener.try_recv().ok()).map(|event| event.created_at).collect();
    assert_eq!(times, [i64::MAX - 9, i64::MAX - 8, i64::MAX - 7]);
}

#[test]
fn nothing_is_made_for_nobody() {
    Events::new(CancellationToken::new()).send(|| panic!("nobody listens"));
}
