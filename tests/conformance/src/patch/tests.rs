use super::patch;

const OLD: &str = "9700f9a2f5bf2c45f2f605a0bd3bce7cf37420ec9d3ed50ac2758413308766bf";

fn binary(times: usize) -> Vec<u8> {
    let name = format!("\0gcr.io/k8s-staging-cri-tools/test-image-digest@sha256:{OLD}next string");
    let windows = format!("gcr.io/k8s-staging-cri-tools/win-test-image-digest@sha256:{OLD}");
    let other = "gcr.io/k8s-staging-cri-tools/test-image-digest@sha256:%s";
    format!("\x7fELF{windows}{other}{}", name.repeat(times)).into_bytes()
}

#[test]
fn changes_the_one_digest_and_nothing_else() {
    let new = "ab".repeat(32);
    let mut program = binary(1);
    patch(&mut program, &format!("sha256:{new}")).unwrap();
    let expected = String::from_utf8(binary(1)).unwrap();
    let place = expected.rfind(OLD).unwrap();
    let expected = format!("{}{new}{}", &expected[..place], &expected[place + 64..]);
    assert_eq!(String::from_utf8(program).unwrap(), expected);
}

#[test]
fn refuses_what_it_does_not_understand() {
    let digest = format!("sha256:{OLD}");
    for times in [0, 2] {
        let refused = patch(&mut binary(times), &digest).unwrap_err();
        assert!(refused.text().contains(&format!("{times} times")), "{}", refused.text());
    }
    assert!(patch(&mut binary(1), "sha256:1234").is_err());
}
