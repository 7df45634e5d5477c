//! The choice of one entry of an index for this node.

use crate::error::{Error, Result};
use crate::manifest::{DOCKER_LIST, DOCKER_MANIFEST, Descriptor, Entry, OCI_INDEX, OCI_MANIFEST};
use crate::platform::Platform;

/// The entry that fits `node` best; of equals the first. Entries without a platform are the last resort.
pub(crate) fn choose<'a>(image: &str, entries: &'a [Entry], node: &Platform) -> Result<&'a Descriptor> {
    let mut best: Option<(u32, &Descriptor)> = None;
    for entry in entries.iter().filter(|entry| is_document(&entry.target.media_type)) {
        let fit = match &entry.platform {
            Some(platform) => platform.fit(node),
            // A nested index, or an old tool: its config will tell.
            None => Some(0),
        };
        if let Some(fit) = fit
            && best.is_none_or(|(so_far, _)| fit > so_far)
        {
            best = Some((fit, &entry.target));
        }
    }
    best.map(|(_, target)| target).ok_or_else(|| Error::Platform {
        image: image.to_owned(),
        wanted: node.to_string(),
        offered: offered(entries),
    })
}

fn is_document(media_type: &str) -> bool {
    matches!(media_type, "" | OCI_INDEX | OCI_MANIFEST | DOCKER_LIST | DOCKER_MANIFEST)
}

/// The platforms there are, as an operator wants to read them.
fn offered(entries: &[Entry]) -> String {
    let mut names: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.platform.as_ref())
        .filter(|platform| platform.os != "unknown")
        .map(|platform| platform.to_string().chars().filter(|c| !c.is_control()).take(40).collect())
        .collect();
    names.sort();
    names.dedup();
    names.truncate(20);
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
