use super::*;

fn of(variables: &[(&str, &str)]) -> ProxySettings {
    settings(|name| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn nothing_set_is_no_proxy() {
    let none = of(&[("HTTP_PROXY", ""), ("https_proxy", "  ")]);
    assert_eq!((none.http, none.https), (None, None));
}

#[test]
fn large_letters_go_before_small_ones_and_an_empty_one_says_nothing() {
    let both = of(&[
        ("HTTPS_PROXY", "http://a:1"),
        ("https_proxy", "http://b:2"),
        ("HTTP_PROXY", ""),
        ("http_proxy", "http://c:3"),
    ]);
    assert_eq!(both.https.as_deref(), Some("http://a:1"));
    assert_eq!(both.http.as_deref(), Some("http://c:3"));
}

#[test]
fn this_machine_is_always_reached_directly() {
    assert_eq!(of(&[]).no_proxy.as_deref(), Some(ALWAYS_DIRECT));
    let named = of(&[("no_proxy", ".cluster.local,10.0.0.0/8")]).no_proxy;
    assert_eq!(named.as_deref(), Some("localhost,127.0.0.0/8,::1,.cluster.local,10.0.0.0/8"));
}
