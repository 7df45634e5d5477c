//! Name: turns a name of the archive into a clean path below the root, and reads whiteouts off it.

use super::header::Problem;

/// NAME_MAX of Linux' file systems.
const COMPONENT_MAX: usize = 255;

/// A path without `.`, `..`, empty components or slashes at its ends; empty for the root itself. `..` goes up by
/// the name, not by what a link points to, and stays at the root, like Go's `filepath.Clean("/" + name)`.
pub(super) fn clean(name: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut path = Vec::with_capacity(name.len());
    for component in name.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => path.truncate(parent(&path).len()),
            _ if component.len() > COMPONENT_MAX => return Err("a name longer than 255 bytes"),
            _ => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(component);
            }
        }
    }
    Ok(path)
}

/// The directory part of a clean path; empty for the root.
pub(super) fn parent(path: &[u8]) -> &[u8] {
    &path[..path.iter().rposition(|byte| *byte == b'/').unwrap_or(0)]
}

/// The last component of a clean path.
pub(super) fn base(path: &[u8]) -> &[u8] {
    &path[path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)..]
}

/// What a name means to the layers below.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    /// Nothing but itself.
    Plain,
    /// `.wh.<name>`: the name is deleted.
    Whiteout(&'a [u8]),
    /// `.wh..wh..opq`: the directory hides what it held.
    Opaque,
    /// Bookkeeping of aufs (`.wh..wh.plnk`, `.wh..wh.aufs`), which old layers carry and nobody needs.
    Ignored,
}

/// Reads a clean path (OCI image-spec, layer.md, "Whiteouts").
pub(super) fn meaning(path: &[u8]) -> Result<Meaning<'_>, Problem> {
    let name = base(path);
    if name == b".wh..wh..opq" {
        return Ok(Meaning::Opaque);
    }
    if path.split(|byte| *byte == b'/').any(|component| component.starts_with(b".wh..wh.")) {
        return Ok(Meaning::Ignored);
    }
    match name.strip_prefix(b".wh.") {
        None => Ok(Meaning::Plain),
        Some(b"" | b"." | b"..") => Err("a whiteout of no name"),
        Some(hidden) => Ok(Meaning::Whiteout(hidden)),
    }
}

#[cfg(test)]
mod tests;
