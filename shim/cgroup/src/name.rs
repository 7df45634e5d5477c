//! Paths of control groups: checked once, so that no component ever climbs.
use crate::error::{Error, Result};

/// NAME_MAX.
const COMPONENT: usize = 255;

/// The components of a path below the hierarchies' roots.
pub(crate) fn components(path: &str) -> Result<Vec<&str>> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let refuse = |why| Err(Error::Path { path: path.to_owned(), why });
    if parts.is_empty() {
        return refuse("names the root of the hierarchy");
    }
    for part in &parts {
        if *part == "." || *part == ".." {
            return refuse("climbs");
        }
        if part.len() > COMPONENT || part.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return refuse("a component is too long or holds control characters");
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests;
