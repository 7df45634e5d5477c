//! critest pins one image by digest. Nobody can make other bytes with that digest and no flag overrides it, so a copy of
//! the program is run in which those 64 digits are the stand-in's. Nothing else of the suite changes.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use harness::{Doing, Failure, Result};

/// The Windows twin is `…/win-test-image-digest@…`, which this does not match.
const PINNED: &[u8] = b"k8s-staging-cri-tools/test-image-digest@sha256:";
const DIGITS: usize = 64;

/// Writes the patched copy. `digest` is `sha256:` and 64 digits.
pub(crate) fn copy(critest: &Path, to: &Path, digest: &str) -> Result {
    let mut program = fs::read(critest).doing(|| format!("read {}", critest.display()))?;
    patch(&mut program, digest).map_err(|failure| {
        Failure::new(format!("{}: {}; --unpatched runs it as it is", critest.display(), failure.text()))
    })?;
    fs::write(to, program).doing(|| format!("write {}", to.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn patch(program: &mut [u8], digest: &str) -> Result {
    let digits = digest.strip_prefix("sha256:").filter(|digits| digits.len() == DIGITS);
    let digits = digits.doing(|| format!("take {digest} for a digest"))?;
    let places: Vec<usize> = program
        .windows(PINNED.len() + DIGITS)
        .enumerate()
        .filter(|(_, window)| {
            window.starts_with(PINNED) && window[PINNED.len()..].iter().all(u8::is_ascii_hexdigit)
        })
        .map(|(place, _)| place + PINNED.len())
        .collect();
    let [place] = places[..] else {
        return Err(Failure::new(format!("names its pinned image {} times, not once", places.len())));
    };
    program[place..place + DIGITS].copy_from_slice(digits.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests;
