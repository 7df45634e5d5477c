//! Tokens are used once, expire, are bounded, and are parsed strictly.

use super::*;

fn exec() -> Request {
    Request::Exec(ExecRequest { container_id: "c".into(), ..ExecRequest::default() })
}

#[test]
fn a_token_works_once() {
    let tokens = Tokens::default();
    let now = Instant::now();
    let token = tokens.insert(exec(), now).unwrap();
    assert_eq!(token.len(), 32);
    assert_eq!(tokens.take("exec", &token, now), Some(exec()));
    assert_eq!(tokens.take("exec", &token, now), None);
}

#[test]
fn a_token_is_for_one_verb_and_a_wrong_use_spends_it() {
    let tokens = Tokens::default();
    let now = Instant::now();
    let token = tokens.insert(exec(), now).unwrap();
    assert_eq!(tokens.take("attach", &token, now), None);
    assert_eq!(tokens.take("exec", &token, now), None);
}

#[test]
fn a_token_expires() {
    let tokens = Tokens::default();
    let now = Instant::now();
    let token = tokens.insert(exec(), now).unwrap();
    assert_eq!(tokens.take("exec", &token, now + LIFETIME), None);
}

#[test]
fn only_so_many_wait_and_old_ones_make_room() {
    let tokens = Tokens::default();
    let now = Instant::now();
    for _ in 0..MAX_IN_FLIGHT {
        tokens.insert(exec(), now).unwrap();
    }
    assert!(matches!(tokens.insert(exec(), now), Err(TokenError::TooMany)));
    tokens.insert(exec(), now + LIFETIME).unwrap();
}

#[test]
fn other_spellings_of_a_token_are_refused() {
    for bad in ["", "+0000000000000000000000000000001", "0000000000000000000000000000000A", "1", "é"] {
        assert_eq!(parse(bad), None, "{bad}");
    }
    assert_eq!(parse("0000000000000000000000000000000a"), Some(10));
}
