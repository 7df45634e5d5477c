//! Files of a slot: everything the daemon wrote, down to but not into the trees of image layers.

use std::{fs, path::Path};

use crate::Slot;

/// What a daemon writes once and keeps: the index of its images (an empty one when there are none), the directory of CNI
/// results.
const STATE: [&str; 3] = ["root/images/index", "root/images/index.old", "root/cni"];

pub(super) fn list(slot: &Slot) -> Vec<String> {
    let mut found = Vec::new();
    for top in [slot.root(), slot.run_dir(), slot.temporary()] {
        walk(slot.dir(), &top, &mut found);
    }
    found
}

fn walk(base: &Path, dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let below = path.strip_prefix(base).unwrap_or(&path);
        if !STATE.iter().any(|state| below == Path::new(state)) {
            found.push(format!("file {}", below.display()));
        }
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_dir && !is_layer(below) {
            walk(base, &path, found);
        }
    }
}

/// `root/images/layers/<digest>`: its name says enough, its content is the image's.
fn is_layer(below: &Path) -> bool {
    below.parent().is_some_and(|parent| parent.ends_with("images/layers"))
}
