//! Names of slices and scopes.
use super::*;

#[test]
fn a_slice_is_the_path_of_all_it_is_in() {
    let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podX.slice";
    assert_eq!(slice("kubepods-burstable-podX.slice").unwrap(), pod);
    assert_eq!(slice(pod).unwrap(), pod);
    for bad in ["/kubepods/pod1", ".slice", "-.slice", "a--b.slice", "", "/"] {
        assert!(slice(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_plain_path_becomes_a_slice_of_its_own() {
    assert_eq!(slice_of_path("/berth").unwrap(), "/berth.slice");
    assert_eq!(slice_of_path("/berth-1/pod").unwrap(), "/berth_1.slice/berth_1-pod.slice");
}

#[test]
fn units_are_known_by_their_names() {
    assert_eq!(unit("/a.slice/cri-berth-x.scope"), Some("cri-berth-x.scope"));
    assert_eq!(unit("/a.slice/"), Some("a.slice"));
    assert_eq!(unit("/kubepods/pod1/id"), None);
}
