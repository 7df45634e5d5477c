use super::*;

fn of(text: &str) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-timeout", text.parse().unwrap());
    limit(&headers)
}

#[test]
fn units_are_those_of_grpc() {
    assert_eq!(of("2H"), Some(Duration::from_secs(7200)));
    assert_eq!(of("120S"), Some(Duration::from_secs(120)));
    assert_eq!(of("1999m"), Some(Duration::from_millis(1999)));
    assert_eq!(of("99999999u"), Some(Duration::from_micros(99_999_999)));
}

#[test]
fn nonsense_is_no_deadline() {
    for text in ["", "S", "5", "5s", "-5S", "999999999S", "5 S"] {
        assert_eq!(of(text), None, "{text:?}");
    }
}

#[tokio::test]
async fn a_late_answer_is_deadline_exceeded() {
    let never = tower::service_fn(|_: Request<()>| std::future::pending::<Result<Response<Body>, Status>>());
    let request = Request::builder().header("grpc-timeout", "20m").body(()).unwrap();
    let answer = DeadlineLayer.layer(never).call(request).await.unwrap();
    assert_eq!(answer.headers().get("grpc-status").unwrap(), "4");
}
