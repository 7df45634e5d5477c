//! Statuses and Retry-After.

use super::*;

const LONGEST: Duration = Duration::from_secs(60);

fn failed(status: u16, retry_after: Option<&str>) -> Failure {
    let mut headers = HeaderMap::new();
    if let Some(text) = retry_after {
        headers.insert(RETRY_AFTER, text.parse().unwrap());
    }
    Failure::status(StatusCode::from_u16(status).unwrap(), &headers, String::new(), LONGEST)
}

#[test]
fn retry_after_is_obeyed_within_reason() {
    let past = "Wed, 21 Oct 2015 07:28:00 GMT";
    let future = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(86_400));
    let cases = [
        (Some("0"), Retry::After(Duration::ZERO)),
        (Some("7"), Retry::After(Duration::from_secs(7))),
        (Some(" 7 "), Retry::After(Duration::from_secs(7))),
        (Some("1000000000"), Retry::After(LONGEST)),
        (Some("99999999999999999999999"), Retry::Often),
        (Some("-1"), Retry::Often),
        (Some("soon"), Retry::Often),
        (Some(past), Retry::After(Duration::ZERO)),
        (Some(future.as_str()), Retry::After(LONGEST)),
        (None, Retry::Often),
    ];
    for (text, retry) in cases {
        assert_eq!(failed(429, text).retry, retry, "{text:?}");
        assert_eq!(failed(503, text).retry, retry, "{text:?}");
    }
}

#[test]
fn statuses_have_their_faults() {
    assert_eq!(failed(404, None).fault, Fault::NotFound);
    assert!(matches!(failed(401, None).fault, Fault::Unauthenticated(_)));
    assert!(matches!(failed(403, None).fault, Fault::Denied(_)));
    assert!(matches!(failed(429, None).fault, Fault::TooManyRequests(_)));
    assert!(matches!(failed(500, None).fault, Fault::Unavailable(_)));
    for status in [100, 204, 302, 400, 405, 416, 418] {
        let failure = failed(status, Some("5"));
        assert!(matches!(failure.fault, Fault::Protocol(_)), "{status}");
        assert_eq!(failure.retry, Retry::No);
    }
}
