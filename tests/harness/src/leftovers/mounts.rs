//! Mounts in this mount namespace that lie in, or come from, a directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::processes::names;
use crate::{Doing, Result};

pub(super) fn list(dir: &Path) -> Result<Vec<String>> {
    let dir = dir.to_string_lossy();
    let lines = table()?.into_iter().filter(|line| names(line.text.as_bytes(), &dir));
    Ok(lines.map(|line| format!("mount {} ({})", line.point.display(), line.kind)).collect())
}

/// Mount points in or from a directory, newest first: the order in which they can be taken away.
pub(super) fn points(dir: &Path) -> Result<Vec<PathBuf>> {
    let dir = dir.to_string_lossy();
    let mut points: Vec<_> = table()?
        .into_iter()
        .filter(|line| names(line.text.as_bytes(), &dir))
        .map(|line| line.point)
        .collect();
    points.reverse();
    Ok(points)
}

struct Line {
    point: PathBuf,
    kind: String,
    text: String,
}

/// "36 35 98:0 /root /point options - kind source super-options", see proc_pid_mountinfo(5).
fn table() -> Result<Vec<Line>> {
    let text = fs::read_to_string("/proc/self/mountinfo").doing(|| "read the mount table".to_owned())?;
    let lines = text.lines().filter_map(|line| {
        let point = line.split(' ').nth(4)?.replace("\\040", " ");
        let kind = line.split_once(" - ")?.1.split(' ').next()?;
        Some(Line { point: point.into(), kind: kind.to_owned(), text: line.to_owned() })
    });
    Ok(lines.collect())
}
