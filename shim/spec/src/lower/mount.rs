//! One mount of the OCI spec as the monitor makes it: fstab words become flags of mount_setattr(2).

use std::path::Path;

use oci_spec::runtime::Mount as OciMount;
use proto::monitor::{Mount, mount::Kind};

use super::{text, unsupported};
use crate::{error::Result, input::Paths, mounts::LOWER_DIR};

/// MOUNT_ATTR_* of `<linux/mount.h>`.
const RDONLY: u64 = 0x1;
const NOSUID: u64 = 0x2;
const NODEV: u64 = 0x4;
const NOEXEC: u64 = 0x8;
const ATIME: u64 = 0x70;
const NOATIME: u64 = 0x10;
const STRICTATIME: u64 = 0x20;
const NODIRATIME: u64 = 0x80;
const NOSYMFOLLOW: u64 = 0x20_0000;

/// MS_* of `<linux/mount.h>`.
const MS_REC: u64 = 1 << 14;
const MS_PRIVATE: u64 = 1 << 18;
const MS_SLAVE: u64 = 1 << 19;
const MS_SHARED: u64 = 1 << 20;

/// A word: bits to set, bits to clear.
const FLAGS: [(&str, u64, u64); 18] = [
    ("defaults", 0, 0),
    ("rw", 0, RDONLY),
    ("ro", RDONLY, 0),
    ("suid", 0, NOSUID),
    ("nosuid", NOSUID, 0),
    ("dev", 0, NODEV),
    ("nodev", NODEV, 0),
    ("exec", 0, NOEXEC),
    ("noexec", NOEXEC, 0),
    ("atime", 0, NOATIME),
    ("noatime", NOATIME, ATIME),
    ("relatime", 0, ATIME),
    ("norelatime", 0, 0),
    ("strictatime", STRICTATIME, ATIME),
    ("diratime", 0, NODIRATIME),
    ("nodiratime", NODIRATIME, 0),
    ("symfollow", 0, NOSYMFOLLOW),
    ("nosymfollow", NOSYMFOLLOW, 0),
];

pub(super) fn lower(mount: &OciMount, paths: &Paths) -> Result<Mount> {
    if mount.uid_mappings().is_some() || mount.gid_mappings().is_some() {
        return Err(unsupported("an id-mapped mount"));
    }
    let destination = text(mount.destination())?;
    let source = mount.source().clone().unwrap_or_default();
    let mut words = Words::default();
    let mut lower_dirs = Vec::new();
    for option in mount.options().iter().flatten() {
        match option.strip_prefix(LOWER_DIR) {
            Some(dirs) if mount.typ().as_deref() == Some("overlay") => lower_dirs = directories(dirs),
            _ => words.take(option)?,
        }
    }
    // A mask cannot say "this one on top, that one everywhere".
    if words.everywhere != 0 && words.everywhere != words.attributes {
        return Err(unsupported("a mount with both recursive and plain attributes"));
    }
    let bind = words.bind || mount.typ().as_deref() == Some("bind");
    let kind = match mount.typ().as_deref().unwrap_or_default() {
        _ if bind && source == paths.shm && mount.destination() == Path::new("/dev/shm") => Kind::Shm,
        _ if bind => Kind::Bind,
        "proc" => Kind::Proc,
        "sysfs" => Kind::Sysfs,
        "tmpfs" => Kind::Tmpfs,
        "devpts" => Kind::Devpts,
        "mqueue" => Kind::Mqueue,
        "cgroup" | "cgroup2" => Kind::Cgroup,
        // Only to look at: a directory to write to would have to be somebody's to remove.
        "overlay" if lower_dirs.len() > 1 && words.data.is_empty() => Kind::Overlay,
        other => return Err(unsupported(&format!("a mount of type {other:?}"))),
    };
    Ok(Mount {
        kind: kind.into(),
        source: if kind == Kind::Bind { text(&source)? } else { String::new() },
        destination,
        attributes: words.attributes,
        propagation: words.propagation,
        recursive: words.recursive,
        recursive_attributes: words.everywhere != 0,
        data: words.data,
        lower_dirs,
    })
}

/// The directories of `lowerdir=`, in which a backslash takes the meaning of what follows.
fn directories(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, all.last_mut()) {
            (':', _) => all.push(String::new()),
            ('\\', Some(last)) => last.extend(letters.next()),
            (letter, Some(last)) => last.push(letter),
            (_, None) => {}
        }
    }
    all
}

/// "rprivate" and its like.
pub(super) fn propagation(word: &str) -> Option<u64> {
    let (kind, recursive) = match word.strip_prefix('r') {
        Some(rest) => (rest, MS_REC),
        None => (word, 0),
    };
    let kind = match kind {
        "private" => MS_PRIVATE,
        "slave" => MS_SLAVE,
        "shared" => MS_SHARED,
        _ => return None,
    };
    Some(kind | recursive)
}

/// What the options say together.
#[derive(Default)]
struct Words {
    attributes: u64,
    /// Those of them that hold for everything mounted below as well.
    everywhere: u64,
    propagation: u64,
    bind: bool,
    recursive: bool,
    data: Vec<String>,
}

// === impl Words ===

impl Words {
    fn take(&mut self, word: &str) -> Result<()> {
        if let Some((_, set, clear)) = FLAGS.iter().find(|(known, ..)| *known == word) {
            self.attributes = self.attributes & !clear | set;
            return Ok(());
        }
        if let Some(propagation) = propagation(word) {
            self.propagation = propagation;
            return Ok(());
        }
        match word {
            "bind" => self.bind = true,
            "rbind" => (self.bind, self.recursive) = (true, true),
            _ => match FLAGS.iter().find(|(known, ..)| word.strip_prefix('r') == Some(known)) {
                Some((_, set, 0)) if *set != 0 => {
                    self.attributes |= set;
                    self.everywhere |= set;
                }
                Some(_) => return Err(unsupported(&format!("mount option {word:?}"))),
                None if word.contains(',') || word.contains('\0') => {
                    return Err(unsupported(&format!("mount option {word:?}")));
                }
                None => self.data.push(word.to_owned()),
            },
        }
        Ok(())
    }
}
