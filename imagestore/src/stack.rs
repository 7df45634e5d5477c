//! The order of trees: which directories to stack for an image's diff_ids; pure.

use std::collections::HashSet;

use crate::digest::{DiffId, Digest};

/// The id of `layer` unpacked above `below` (lowest first), if it has hard links into the layers below: its tree
/// then holds their content, and above other layers it would be another one.
pub(crate) fn bound(below: &[DiffId], layer: &DiffId) -> DiffId {
    let mut text = "layer bound to those below, 1\n".to_owned();
    for id in below.iter().chain([layer]) {
        text.push_str(&id.to_string());
        text.push('\n');
    }
    DiffId(Digest::of(text.as_bytes()))
}

/// The trees of `diff_ids`, lowest first: each layer's own, or the one bound to those below; `None` if neither is here.
pub(crate) fn keys(diff_ids: &[DiffId], present: impl Fn(&DiffId) -> bool) -> Option<Vec<DiffId>> {
    let mut keys = Vec::with_capacity(diff_ids.len());
    for id in diff_ids {
        let key = if present(id) { *id } else { bound(&keys, id) };
        keys.push(Some(key).filter(|key| present(key))?);
    }
    Some(keys)
}

/// What of `keys` (lowest first) can be seen: nothing below an opaque root, and each tree once, at its highest
/// place. overlayfs refuses a directory twice, and what the upper one shows or hides covers the lower one whole.
pub(crate) fn visible(keys: &[DiffId], opaque_root: impl Fn(&DiffId) -> bool) -> Vec<DiffId> {
    let lowest = keys.iter().rposition(opaque_root).unwrap_or(0);
    let mut seen = HashSet::new();
    let mut visible: Vec<DiffId> =
        keys[lowest..].iter().rev().filter(|id| seen.insert(**id)).copied().collect();
    visible.reverse();
    visible
}

#[cfg(test)]
mod tests;
