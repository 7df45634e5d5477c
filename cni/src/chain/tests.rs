use super::*;

fn context(network: &NetworkConfig) -> Context<'_> {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let runtime = [("portMappings".to_owned(), raw("[1]")), ("dns".to_owned(), raw("{}"))].into();
    Context { network, variables: Vec::new(), runtime }
}

#[test]
fn plugins_are_told_what_the_specification_says() {
    let text = r#"{"cniVersion":"1.0.0","name":"kit","plugins":[
        {"type":"a","capabilities":{"portMappings":true,"dns":false,"other":true},"x":{"y":1.50}},
        {"type":"b"}]}"#;
    let network = NetworkConfig::parse(text.to_owned()).unwrap();
    let told = |index: usize, result, valid| {
        String::from_utf8(context(&network).config(&network.plugins[index], result, valid)).unwrap()
    };
    assert_eq!(
        told(0, Some(r#"{"ips": []}"#), None),
        r#"{"cniVersion":"1.0.0","name":"kit","prevResult":{"ips": []},"runtimeConfig":{"portMappings":[1]},"type":"a","x":{"y":1.50}}"#
    );
    assert_eq!(told(1, None, None), r#"{"cniVersion":"1.0.0","name":"kit","type":"b"}"#);
    let valid = RawValue::from_string("[]".to_owned()).ok();
    assert!(told(1, None, valid).contains(r#""cni.dev/valid-attachments":[]"#));
}

#[test]
fn arguments_cannot_be_forged() {
    let args = |value: &str| args_text(&[("K8S_POD_NAME".to_owned(), value.to_owned())]);
    assert_eq!(args("web-0").unwrap(), "IgnoreUnknown=1;K8S_POD_NAME=web-0");
    for bad in ["a;K8S_POD_UID=1", "a=b", "a\nb", "a\0"] {
        assert!(args(bad).is_err(), "{bad}");
    }
}
