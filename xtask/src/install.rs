//! Copies what a node needs below a directory: what a package's build calls, and a person with DESTDIR `/`.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::command::{build_product, root, say};

/// Programs, in `<prefix>/bin`. The monitor stands beside the daemon, which looks for it there.
const PROGRAMS: [&str; 3] = ["berthd", "berth-monitor", "berth"];

/// Configuration, where each goes unless there is one already.
const CONFIGURATION: [(&str, &str); 2] =
    [("deploy/berth.toml", "/etc/berth/berth.toml"), ("deploy/crictl.yaml", "/etc/crictl.yaml")];

/// The prefix deploy/berthd.service is written for.
const UNIT_PREFIX: &str = "/usr/local";

pub(crate) fn install(destdir: &Path, prefix: &Path) -> Result<()> {
    let binaries = build_product(true, &[])?;
    for name in PROGRAMS {
        place(&binaries.join(name), &below(destdir, &prefix.join("bin").join(name)), 0o755)?;
    }
    let unit = root().join("deploy/berthd.service");
    let text = fs::read_to_string(&unit).with_context(|| format!("read {}", unit.display()))?;
    let text = text.replace(UNIT_PREFIX, &prefix.to_string_lossy());
    write(&below(destdir, &prefix.join("lib/systemd/system/berthd.service")), 0o644, |to| {
        fs::write(to, text)
    })?;
    for (from, to) in CONFIGURATION {
        let to = below(destdir, Path::new(to));
        if to.exists() {
            say(&format!("kept {}: configuration is the operator's", to.display()));
        } else {
            place(&root().join(from), &to, 0o644)?;
        }
    }
    Ok(())
}

/// `path`, absolute, as seen from `destdir`.
fn below(destdir: &Path, path: &Path) -> PathBuf {
    destdir.join(path.strip_prefix("/").unwrap_or(path))
}

fn place(from: &Path, to: &Path, mode: u32) -> Result<()> {
    write(to, mode, |new| fs::copy(from, new).map(drop)).with_context(|| format!("copy {}", from.display()))
}

/// Replaces `to` in one step by what `fill` writes, so that a running daemon keeps the file it was started from.
fn write(to: &Path, mode: u32, fill: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
    let dir = to.parent().context("a file has a directory")?;
    fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    let new = to.with_extension("berth-new");
    fill(&new).with_context(|| format!("write {}", new.display()))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(mode))
        .with_context(|| format!("set the mode of {}", new.display()))?;
    fs::rename(&new, to).with_context(|| format!("rename {} to {}", new.display(), to.display()))?;
    say(&format!("installed {}", to.display()));
    Ok(())
}
