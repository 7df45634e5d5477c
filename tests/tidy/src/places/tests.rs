//! Proof on bad input: places.

use super::*;

#[test]
fn every_refused_place_is_found_wherever_it_stands() {
    for (head, tail, _) in REFUSED {
        for path in ["README.md", "shim/src/main.rs", "deploy/berthd.service"] {
            let line = format!("first\nsee {head}{tail}thing\n");
            let findings = places(&[File::new(path, &line)]);
            assert_eq!(findings.len(), 1, "{head}{tail} in {path}");
            assert!(findings[0].text.starts_with("line 2: "));
        }
    }
}

#[test]
fn paths_of_a_node_and_image_hosts_pass() {
    let text = "/var/lib/berth /run/berth /root /home/user c/upper c/work/work docker.io registry.k8s.io HOME=/root WORKDIR=/srv/work";
    assert_eq!(places(&[File::new("a.rs", text)]), []);
}
