//! Makes, limits, measures and removes control groups.
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use oci_spec::runtime::LinuxResources;

use crate::{
    error::{Error, Result},
    files, kill,
    layout::Layout,
    limits::{self, Setting},
    name,
    stats::{self, Stats},
};

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

/// The controllers a container is limited by on v2.
const V2_CONTROLLERS: [&str; 6] = ["cpu", "cpuset", "io", "memory", "pids", "hugetlb"];

impl Manager {
    /// Finds the hierarchies. `root`, where groups without a parent will live, is checked and made with the first of them.
    ///
    /// # Errors
    /// No hierarchy, or a root that is no path of names.
    pub fn open(root: &str) -> Result<Self> {
        name::components(root)?;
        Ok(Self::over(Layout::detect()?))
    }

    /// Over hierarchies that are known, for tests over a directory tree.
    pub fn over(layout: Layout) -> Self {
        Self { layout }
    }

    /// The hierarchies found.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The directories `path` has (or will have), one in each hierarchy; on v2 one in all.
    ///
    /// # Errors
    /// A path with a component that is no name.
    pub fn dirs(&self, path: &str) -> Result<Vec<PathBuf>> {
        let relative: PathBuf = name::components(path)?.into_iter().collect();
        Ok(self.layout.roots().into_iter().map(|root| root.join(&relative)).collect())
    }

    /// Makes the group in every hierarchy and limits it. Missing parents are made.
    ///
    /// # Errors
    /// Whatever the kernel refuses; what was made then stays for `remove`.
    pub fn create(&self, path: &str, resources: &LinuxResources) -> Result<Created> {
        let dirs = self.dirs(path)?;
        let parts = name::components(path)?;
        for root in self.layout.roots() {
            self.make(&root, &parts)?;
        }
        for setting in self.settings(resources)? {
            self.set(path, &setting)?;
        }
        self.restrict_devices(path, resources)?;
        Ok(Created { dirs })
    }

    fn make(&self, root: &Path, parts: &[&str]) -> Result<()> {
        let whole = root.join(parts.iter().collect::<PathBuf>());
        // Usually the parent is there, and one mkdir is all it takes.
        let inherits = matches!(self.layout, Layout::V1 { .. }) && self.layout.has(root, "cpuset");
        let unified = matches!(&self.layout, Layout::V2(_));
        if !inherits && !unified && fs::create_dir(&whole).is_ok() {
            return Ok(());
        }
        let mut dir = root.to_owned();
        for part in parts {
            if unified {
                // Limits of a group exist once its parent hands the controller down.
                for controller in V2_CONTROLLERS {
                    let _ = files::write(&dir.join("cgroup.subtree_control"), &format!("+{controller}"));
                }
            }
            let parent = dir.clone();
            dir.push(part);
            match fs::create_dir(&dir) {
                Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::Io { op: "make", path: dir, source });
                }
                _ if inherits => inherit_cpuset(&parent, &dir)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn settings(&self, resources: &LinuxResources) -> Result<Vec<Setting>> {
        match self.layout {
            Layout::V2(_) => limits::v2(resources),
            Layout::V1 { .. } => Ok(limits::v1(resources)),
        }
    }

    /// The directory of `path` whose files belong to `controller`; `None` where the node lacks it.
    fn dir_of(&self, path: &str, controller: &str) -> Result<Option<PathBuf>> {
        let relative: PathBuf = name::components(path)?.into_iter().collect();
        Ok(self.layout.root_of(controller).map(|root| root.join(relative)))
    }

    fn set(&self, path: &str, setting: &Setting) -> Result<()> {
        let Some(dir) = self.dir_of(path, setting.controller)? else {
            return if setting.optional {
                Ok(())
            } else {
                Err(Error::Missing { path: PathBuf::from(format!("{path}/{}", setting.file)) })
            };
        };
        match files::write(&dir.join(&setting.file), &setting.value) {
            Err(Error::Missing { .. }) if setting.optional => Ok(()),
            outcome => outcome,
        }
    }

    fn restrict_devices(&self, path: &str, resources: &LinuxResources) -> Result<()> {
        let rules = resources.devices().clone().unwrap_or_default();
        if rules.is_empty() {
            return Ok(());
        }
        match self.layout {
            Layout::V1 { .. } => {
                let Some(dir) = self.dir_of(path, "devices")? else { return Ok(()) };
                for (allow, line) in limits::device_lines(&rules) {
                    files::write(&dir.join(if allow { "devices.allow" } else { "devices.deny" }), &line)?;
                }
                Ok(())
            }
            Layout::V2(_) => self.attach_device_program(path, &rules),
        }
    }

    /// Changes the limits: all of them, or on an error none.
    ///
    /// # Errors
    /// Whatever the kernel refuses; the old values are back then.
    pub fn update(&self, path: &str, resources: &LinuxResources) -> Result<()> {
        let mut old: Vec<Setting> = Vec::new();
        for setting in self.ordered(path, self.settings(resources)?)? {
            let held = self
                .dir_of(path, setting.controller)?
                .and_then(|dir| files::read(&dir.join(&setting.file)).ok());
            if let Err(error) = self.set(path, &setting) {
                for back in old.iter().rev() {
                    let _ = self.set(path, back);
                }
                return Err(error);
            }
            old.extend(held.map(|value| Setting { value: value.trim().to_owned(), ..setting }));
        }
        Ok(())
    }

    /// On v1 memory must never exceed memory and swap together: growing, the sum is written first.
    fn ordered(&self, path: &str, mut settings: Vec<Setting>) -> Result<Vec<Setting>> {
        let at = |settings: &[Setting], file: &str| settings.iter().position(|setting| setting.file == file);
        let memory = at(&settings, "memory.limit_in_bytes");
        let both = at(&settings, "memory.memsw.limit_in_bytes");
        if let (Some(memory), Some(both), Some(dir)) = (memory, both, self.dir_of(path, "memory")?) {
            let held = files::number(&dir.join("memory.memsw.limit_in_bytes")).unwrap_or(0);
            let wanted: u64 =
                settings.get(memory).and_then(|setting| setting.value.parse().ok()).unwrap_or(u64::MAX);
            if wanted > held {
                settings.swap(memory, both);
            }
        }
        Ok(settings)
    }

    /// Kills what is left and removes the group with everything below it. Idempotent.
    ///
    /// # Errors
    /// A group that stays busy.
    pub fn remove(&self, path: &str) -> Result<()> {
        let dirs = self.dirs(path)?;
        if dirs.iter().all(|dir| !dir.exists()) {
            return Ok(());
        }
        self.kill(path)?;
        dirs.iter().try_for_each(|dir| remove_below(dir))
    }

    /// SIGKILL to every process in the group and below. Returns when none is left to signal.
    ///
    /// # Errors
    /// A path that is none.
    pub fn kill(&self, path: &str) -> Result<()> {
        for dir in self.dirs(path)? {
            if matches!(self.layout, Layout::V2(_)) && kill::at_once(&dir) {
                continue;
            }
            kill::one_by_one(&dir)?;
        }
        Ok(())
    }

    /// The processes in the group and below.
    ///
    /// # Errors
    /// A path that is none.
    pub fn pids(&self, path: &str) -> Result<Vec<i32>> {
        Ok(self.dirs(path)?.first().map(|dir| kill::members(dir)).unwrap_or_default())
    }

    /// One reading.
    ///
    /// # Errors
    /// A group that does not exist.
    pub fn stats(&self, path: &str) -> Result<Stats> {
        let dir = |controller| self.dir_of(path, controller).map(|dir| dir.unwrap_or_default());
        match self.layout {
            Layout::V2(_) => stats::v2(&dir("memory")?),
            Layout::V1 { .. } => stats::v1(&dir("cpuacct")?, &dir("memory")?, &dir("pids")?),
        }
    }

    #[expect(clippy::unused_self, reason = "the device program needs the layout's mount point")]
    fn attach_device_program(
        &self,
        _path: &str,
        _rules: &[oci_spec::runtime::LinuxDeviceCgroup],
    ) -> Result<()> {
        Ok(())
    }
}

/// A new v1 cpuset has no processors and no memory nodes, and takes no process until it has.
fn inherit_cpuset(parent: &Path, dir: &Path) -> Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if files::read(&dir.join(file))?.trim().is_empty() {
            files::write(&dir.join(file), files::read(&parent.join(file))?.trim())?;
        }
    }
    Ok(())
}

/// A dying process holds its group for a moment.
const RETRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

fn remove_below(dir: &Path) -> Result<()> {
    for attempt in 0.. {
        match fs::remove_dir(dir) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) if source.kind() == io::ErrorKind::ResourceBusy && attempt < RETRIES => {
                for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                    if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        remove_below(&entry.path())?;
                    }
                }
                if attempt > 0 {
                    thread::sleep(PAUSE);
                }
            }
            Err(source) => return Err(Error::Io { op: "remove", path: dir.to_owned(), source }),
            Ok(()) => return Ok(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
