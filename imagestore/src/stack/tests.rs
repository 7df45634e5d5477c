//! Stacks of made-up layers.

use super::*;

fn id(name: &str) -> DiffId {
    DiffId(Digest::of(name.as_bytes()))
}

#[test]
fn layers_keep_their_order() {
    let all = [id("a"), id("b"), id("c")];
    assert_eq!(keys(&all, |_| true).unwrap(), all);
    assert_eq!(visible(&all, |_| false), all);
    assert_eq!(keys(&[], |_| false), Some(vec![]));
    assert_eq!(visible(&[], |_| true), vec![]);
}

#[test]
fn a_layer_twice_counts_at_its_highest_place() {
    let stack = visible(&[id("a"), id("b"), id("a"), id("c"), id("c")], |_| false);
    assert_eq!(stack, [id("b"), id("a"), id("c")]);
}

#[test]
fn an_opaque_root_hides_all_below() {
    let stack = [id("a"), id("b"), id("c"), id("d")];
    assert_eq!(visible(&stack, |layer| *layer == id("b") || *layer == id("c")), [id("c"), id("d")]);
}

#[test]
fn a_bound_layer_belongs_to_what_is_below() {
    let tree = bound(&[id("a")], &id("b"));
    let here = [id("a"), id("x"), tree];
    let present = |layer: &DiffId| here.contains(layer);
    assert_eq!(keys(&[id("a"), id("b")], present), Some(vec![id("a"), tree]));
    assert_eq!(keys(&[id("x"), id("b")], present), None);
    assert_eq!(keys(&[id("b")], present), None);
}
