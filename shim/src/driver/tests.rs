use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test]
async fn equal_requests_join_and_different_ones_queue() {
    let driver = Arc::new(Driver::default());
    let (count, order) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (release, gate) = tokio::sync::oneshot::channel::<()>();
    let first = {
        let (count, order) = (count.clone(), order.clone());
        driver.ticket("stop", async move {
            gate.await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            order.lock().unwrap().push("stop");
            Ok(())
        })
    };
    let joined = driver.ticket("stop", async { panic!("must not run") });
    let behind = {
        let order = order.clone();
        driver.ticket("remove", async move {
            order.lock().unwrap().push("remove");
            Ok(())
        })
    };
    release.send(()).unwrap();
    first.await.unwrap();
    joined.await.unwrap();
    behind.await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(*order.lock().unwrap(), ["stop", "remove"]);
}

#[tokio::test]
async fn an_abandoned_request_still_finishes() {
    let driver = Driver::default();
    let (done, finished) = tokio::sync::oneshot::channel();
    let (release, gate) = tokio::sync::oneshot::channel::<()>();
    drop(driver.ticket("run", async move {
        gate.await.unwrap();
        done.send(()).unwrap();
        Ok(())
    }));
    release.send(()).unwrap();
    finished.await.unwrap();
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_next_request_starts_afresh() {
    let driver = Driver::default();
    let panicked = driver.run("start", async { panic!("on purpose") }).await;
    assert_eq!(panicked.unwrap_err().kind(), Kind::Internal);
    driver.run("start", async { Ok(()) }).await.unwrap();
}
