//! CDI (container device interface): what a vendor's file says a device takes, found by the device's name.
//!
//! ```text
//!   /etc/cdi/acme.yaml ─► document.rs: parsed, checked ─► Registry ─► the edits of the devices asked for ─► apply.rs
//! ```
//! The files are the node's administrator's, but programs write them; nothing in them is taken on trust, and what
//! Berth cannot do is refused rather than left out: a device half there fails later and less clearly.

mod apply;
mod document;

use std::path::PathBuf;

use proto::cri;

pub use document::{Document, Edits, Format, parse};

pub(crate) use apply::{devices, env, groups, mounts, refuse_the_rest};

use crate::error::{Result, SpecError, quoted};

/// How annotations that ask for devices begin, as in the time before CRI had a field for it.
const ANNOTATION: &str = "cdi.k8s.io/";
/// More devices than this no node has.
const ASKED_MAX: usize = 1024;

/// The edits one device brings, and its name for errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// "vendor/class=name".
    pub name: String,
    /// Those of its kind first, when it is the first of its file.
    pub edits: Vec<Edits>,
}

/// The names of the devices a container asks for, in its field and in its annotations, each once.
///
/// # Errors
/// What can be no device's name, or too many of them.
pub fn asked(container: &cri::ContainerConfig) -> Result<Vec<String>> {
    let mut annotations: Vec<_> =
        container.annotations.iter().filter(|(key, _)| key.starts_with(ANNOTATION)).collect();
    annotations.sort();
    let annotated = annotations.into_iter().flat_map(|(_, value)| value.split(',')).map(str::trim);
    let mut names: Vec<String> = Vec::new();
    for name in container.cdi_devices.iter().map(|device| device.name.as_str()).chain(annotated) {
        if split(name).is_none() {
            return Err(SpecError::invalid(
                format!("CDI device {}", quoted(name)),
                "it is no device's name",
                "write vendor/class=name, for instance \"acme.com/gpu=0\"",
            ));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if names.len() > ASKED_MAX {
        return Err(SpecError::invalid(
            format!("{} CDI devices", names.len()),
            format!("{ASKED_MAX} are the limit"),
            "ask for fewer",
        ));
    }
    Ok(names)
}

/// "vendor/class" and "name".
fn split(name: &str) -> Option<(&str, &str)> {
    let (kind, device) = name.split_once('=')?;
    (is_kind(kind) && is_device(device)).then_some((kind, device))
}

fn is_kind(kind: &str) -> bool {
    let starts = |text: &str| text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    kind.split_once('/').is_some_and(|(vendor, class)| {
        starts(vendor) && starts(class) && is_word(vendor, "_-.") && is_word(class, "_-.")
    })
}

fn is_device(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphanumeric()) && is_word(name, "_-.:")
}

/// Letters, digits and `others`, the last one a letter or digit.
fn is_word(text: &str, others: &str) -> bool {
    text.len() <= 255
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
        && text.ends_with(|letter: char| letter.is_ascii_alphanumeric())
}

/// All documents of a node.
#[derive(Debug, Default)]
pub struct Registry {
    documents: Vec<Listed>,
    unreadable: Vec<String>,
}

#[derive(Debug)]
struct Listed {
    path: PathBuf,
    /// Of its directory: the later one is listed, the more it counts.
    rank: usize,
    document: Document,
}

impl Registry {
    /// Adds what a file held; `rank` is its directory's place in the list of directories.
    pub fn add(&mut self, path: PathBuf, rank: usize, document: Document) {
        self.documents.push(Listed { path, rank, document });
    }

    /// Remembers a file that could not be used, for the errors of devices that are then missing.
    pub fn unreadable(&mut self, path: &std::path::Path, why: &str) {
        self.unreadable.push(format!("{}: {why}", path.display()));
    }

    /// The edits of the devices with these `names` (as [`asked`] gives them).
    ///
    /// # Errors
    /// A device that no file has, or two files of one directory.
    pub fn resolve(&self, names: &[String]) -> Result<Vec<Device>> {
        let mut used: Vec<usize> = Vec::new();
        names
            .iter()
            .map(|name| {
                let (at, own) = self.find(name)?;
                let mut edits = Vec::new();
                if !used.contains(&at) {
                    used.push(at);
                    edits.push(self.documents[at].document.edits.clone());
                }
                edits.push(own.clone());
                Ok(Device { name: name.clone(), edits })
            })
            .collect()
    }

    fn find(&self, name: &str) -> Result<(usize, &Edits)> {
        let thing = || format!("CDI device {}", quoted(name));
        let (kind, device) =
            split(name).ok_or_else(|| SpecError::internal(thing(), "it was not checked before"))?;
        let mut found: Vec<(usize, &Edits)> = self
            .documents
            .iter()
            .enumerate()
            .filter(|(_, listed)| listed.document.kind == kind)
            .filter_map(|(at, listed)| Some((at, listed.document.devices.get(device)?)))
            .collect();
        let rank = |at: usize| self.documents[at].rank;
        let best = found.iter().map(|(at, _)| rank(*at)).max();
        found.retain(|(at, _)| Some(rank(*at)) == best);
        match found[..] {
            [only] => Ok(only),
            [] => Err(SpecError::not_found(
                thing(),
                self.absence(kind),
                "check the name, and that the device's driver or plugin has written its CDI file",
            )),
            [(one, _), (other, _), ..] => Err(SpecError::invalid(
                thing(),
                format!(
                    "both {} and {} have it",
                    self.documents[one].path.display(),
                    self.documents[other].path.display()
                ),
                "remove one of the files",
            )),
        }
    }

    /// Why a device of this kind may be missing.
    fn absence(&self, kind: &str) -> String {
        let known: Vec<&str> = self
            .documents
            .iter()
            .filter(|listed| listed.document.kind == kind)
            .flat_map(|listed| listed.document.devices.keys())
            .take(16)
            .map(String::as_str)
            .collect();
        let mut text = match known[..] {
            [] => format!("no CDI file of this node is for {kind}"),
            _ => format!("of {kind} this node has {}", known.join(", ")),
        };
        if let Some(first) = self.unreadable.first() {
            let more = self.unreadable.len() - 1;
            text += &format!(" ({first}");
            text +=
                &if more > 0 { format!(", and {more} more files cannot be used)") } else { ")".to_owned() };
        }
        text
    }
}

#[cfg(test)]
mod tests;
