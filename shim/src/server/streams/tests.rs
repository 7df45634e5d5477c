use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

fn image(annotation: usize) -> cri::Image {
    cri::Image { id: "x".repeat(annotation), ..cri::Image::default() }
}

#[test]
fn messages_are_bounded_and_hold_every_item_once() {
    let mut items = vec![
        image(100),
        image(CHUNK_BYTES),
        image(1),
        image(CHUNK_BYTES / 2),
        image(CHUNK_BYTES / 2),
        image(3),
    ]
    .into_iter();
    let counts: Vec<usize> = std::iter::from_fn(|| {
        let chunk = chunk(&mut items);
        (!chunk.is_empty()).then_some(chunk.len())
    })
    .collect();
    assert_eq!(counts, [2, 3, 1]);
}

#[tokio::test]
async fn a_listener_that_does_not_read_is_counted_and_let_go() {
    let (sender, receiver) = broadcast::channel(4);
    let lost = Arc::new(AtomicU64::new(0));
    let counter = lost.clone();
    let mut stream = Box::pin(until_lagged(receiver, move |lost| {
        counter.fetch_add(lost, Ordering::Relaxed);
    }));
    sender.send(1).unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), 1);
    for number in 0..10 {
        sender.send(number).unwrap();
    }
    let end = stream.next().await.unwrap().unwrap_err();
    assert!(end.code() == tonic::Code::DataLoss && end.message().contains("6 events"), "{end:?}");
    assert!(stream.next().await.is_none());
    assert_eq!(lost.load(Ordering::Relaxed), 6);
}
