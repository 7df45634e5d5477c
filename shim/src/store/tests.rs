use proto::{cri, record};

use super::*;

fn pod(id: &str, name: &str) -> Arc<Pod> {
    let metadata = cri::PodSandboxMetadata { name: name.into(), ..Default::default() };
    let config = cri::PodSandboxConfig { metadata: Some(metadata), ..Default::default() };
    let record = record::Pod { id: id.into(), config: Some(config), ..Default::default() };
    Arc::new(Pod::new(PodId::parse(id).unwrap(), record))
}

#[test]
fn a_name_is_held_by_one_pod_until_it_is_forgotten() {
    let store = Store::default();
    let (first, second) = (pod(&"a".repeat(64), "web"), pod(&"b".repeat(64), "web"));
    assert!(matches!(store.claim_pod(&first), Claim::New));
    assert!(matches!(store.claim_pod(&second), Claim::Held(held) if held.id() == first.id()));
    store.forget_pod(&second);
    assert!(
        matches!(store.claim_pod(&second), Claim::Held(_)),
        "forgetting a pod without the name frees nothing"
    );
    store.forget_pod(&first);
    assert!(matches!(store.claim_pod(&second), Claim::New));
}

#[test]
fn ids_are_found_by_an_unambiguous_beginning() {
    let store = Store::default();
    let (one, two) =
        (format!("{}{}", "a".repeat(12), "0".repeat(52)), format!("{}{}", "a".repeat(12), "1".repeat(52)));
    store.claim_pod(&pod(&one, "one"));
    store.claim_pod(&pod(&two, "two"));
    assert_eq!(store.pod(&one).unwrap().id().as_str(), one);
    assert_eq!(store.pod("aaaaaaaaaaaa1").unwrap().id().as_str(), two);
    assert_eq!(store.pod("aaaa").unwrap_err().kind(), Kind::Invalid);
    assert_eq!(store.pod("ffff").unwrap_err().kind(), Kind::NotFound);
    assert_eq!(store.pod("").unwrap_err().kind(), Kind::Invalid);
}

#[tokio::test]
async fn a_waiter_sees_the_change_and_a_failed_save_changes_nothing() {
    let snapshot = Snapshot::new(1);
    let refused = snapshot.update(|value| *value = 2, |_| Err(Error::internal("disk full")));
    assert!(refused.is_err());
    assert_eq!(*snapshot.get(), 1);
    let waiting = snapshot.wait_for(|value| *value == 3);
    snapshot.update(|value| *value = 3, |_| Ok(())).unwrap();
    assert_eq!(*waiting.await, 3);
}
