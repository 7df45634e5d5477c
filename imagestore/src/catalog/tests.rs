//! The catalogue: names that move, ids by their beginning.

use super::*;
use crate::digest::DiffId;

fn image(seed: &str, tags: &[&str], digests: &[&str]) -> Image {
    Image {
        id: Digest::of(seed.as_bytes()),
        manifest: Digest::of(format!("manifest of {seed}").as_bytes()),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        digests: digests.iter().map(|digest| (*digest).to_owned()).collect(),
        size_bytes: 1,
        config: Arc::default(),
        layers: vec![DiffId(Digest::of(seed.as_bytes()))],
        pinned: None,
        documents: vec![Digest::of(seed.as_bytes())],
    }
}

#[test]
fn a_name_belongs_to_one_image() {
    let mut catalog = Catalog::default();
    catalog.put(image("a", &["docker.io/library/x:1", "docker.io/library/x:2"], &[]));
    catalog.put(image("b", &["docker.io/library/x:1"], &[]));
    let tags = |any: &str| catalog.find(any).unwrap().unwrap().tags.clone();
    assert_eq!(tags("x:1"), ["docker.io/library/x:1"]);
    assert_eq!(tags("x:2"), ["docker.io/library/x:2"]);
    assert_eq!(catalog.images().count(), 2);
}

#[test]
fn putting_again_replaces_and_taking_forgets_every_name() {
    let mut catalog = Catalog::default();
    let digest = format!("docker.io/library/x@{}", Digest::of(b"m"));
    catalog.put(image("a", &["docker.io/library/x:1"], &[&digest]));
    catalog.put(image("a", &["docker.io/library/x:2"], &[&digest]));
    assert!(catalog.find("x:1").unwrap().is_none());
    assert!(catalog.find(&digest).unwrap().is_some());
    let id = Digest::of(b"a");
    assert!(catalog.take(&id).is_some() && catalog.take(&id).is_none());
    for any in ["x:2", &digest, &id.to_string()] {
        assert!(catalog.find(any).unwrap().is_none(), "{any}");
    }
}

#[test]
fn ids_are_found_by_their_beginning() {
    let mut catalog = Catalog::default();
    // Enough images for two to share six digits would be many: make the clash by hand.
    let mut twin = image("a", &[], &[]);
    let mut hex = twin.id.hex();
    hex.replace_range(60..64, if hex.ends_with("0000") { "1111" } else { "0000" });
    twin.id = Digest::from_hex(&hex).unwrap();
    catalog.put(image("a", &[], &[]));
    catalog.put(image("b", &[], &[]));
    let b = Digest::of(b"b").hex();
    for any in [&b[..6], &b[..63], &b, &format!("sha256:{}", &b[..10])] {
        assert_eq!(catalog.find(any).unwrap().unwrap().id.hex(), b, "{any}");
    }
    assert!(catalog.find(&b[..5]).unwrap().is_none(), "too short to be an id");
    assert!(catalog.find(&b[..10].to_uppercase()).is_err(), "neither a name nor an id");
    catalog.put(twin);
    let a = Digest::of(b"a").hex();
    assert!(matches!(catalog.find(&a[..12]), Err(Error::Ambiguous { .. })));
    assert_eq!(catalog.find(&a[..62]).unwrap().unwrap().id.hex(), a);
}

#[test]
fn a_name_that_looks_like_an_id_is_a_name_first() {
    let mut catalog = Catalog::default();
    let b = Digest::of(b"b").hex();
    let name = format!("docker.io/library/{}:latest", &b[..8]);
    catalog.put(image("a", &[&name], &[]));
    catalog.put(image("b", &[], &[]));
    assert_eq!(catalog.find(&b[..8]).unwrap().unwrap().id, Digest::of(b"a"));
}
