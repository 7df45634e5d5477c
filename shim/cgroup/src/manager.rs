//! Manager: the verbs on control groups, over whichever layout the node has.
use std::{collections::VecDeque, path::PathBuf};

use oci_spec::runtime::LinuxResources;

use crate::{
    devices,
    driver::Driver,
    error::{Error, Result},
    files, freeze, kill,
    layout::Layout,
    limits::{self, Setting},
    make::{self, Care},
    name, rare, remove,
    stats::{self, Stats},
    systemd,
};

/// The daemon's way to the control groups of this node.
#[derive(Debug)]
pub struct Manager {
    layout: Layout,
    driver: Driver,
}

/// A control group that exists.
#[derive(Debug)]
pub struct Created {
    /// Its directory in each hierarchy: what a process joins by writing to their `cgroup.procs`.
    pub dirs: Vec<PathBuf>,
}

impl Manager {
    /// Finds the hierarchies, and checks that groups can be made there by `driver`.
    ///
    /// # Errors
    /// No hierarchy, or a driver that this node cannot have.
    pub fn open(driver: Driver) -> Result<Self> {
        let layout = Layout::detect()?;
        driver.check(&layout)?;
        Ok(Self { layout, driver })
    }

    /// Over hierarchies that are known, for tests over a directory tree.
    pub fn over(layout: Layout) -> Self {
        Self { layout, driver: Driver::Cgroupfs }
    }

    /// Who makes groups.
    pub fn driver(&self) -> Driver {
        self.driver
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
        Ok(self.group(path)?.dirs().collect())
    }

    /// Makes the group in every hierarchy and limits it. Missing parents are made; a group that is there is taken
    /// over.
    ///
    /// # Errors
    /// Whatever the kernel refuses; directories that were made for the group itself are gone then.
    pub fn create(&self, path: &str, resources: &LinuxResources) -> Result<Created> {
        let group = self.group(path)?;
        // What cannot be said in control files is refused before there are any.
        let settings = self.settings(resources)?;
        let rules = match resources.devices().as_deref() {
            None | Some([]) => None,
            Some(rules) => Some(devices::rules(rules)?),
        };
        let mut made = Vec::new();
        let outcome = self.make(&group, &mut made).and_then(|()| {
            self.apply(&group, settings, None)?;
            if let Some(rules) = &rules {
                group.restrict_devices(rules)?;
            }
            rare::set(resources, &group, self.layout.is_v2())
        });
        match outcome {
            Ok(()) => Ok(Created { dirs: group.dirs().collect() }),
            Err(error) => {
                for dir in made {
                    let _ = std::fs::remove_dir(dir);
                }
                Err(error)
            }
        }
    }

    /// Makes the scope of a container, which needs a process to exist: `hold`, which is in a group below it afterwards.
    /// It ends, and the scope with it, once nobody is in there.
    ///
    /// # Errors
    /// Whatever systemd or the kernel refuses; the scope goes when `hold` ends.
    pub fn create_scope(&self, path: &str, resources: &LinuxResources, hold: i32) -> Result<Created> {
        let group = self.group(path)?;
        systemd::start(path, &self.settings(resources)?, hold)?;
        let created = self.create(path, resources)?;
        group.unified().map_or(Ok(()), |dir| systemd::set_aside(&dir, hold))?;
        Ok(created)
    }

    /// Changes the limits that `resources` names: all of them, or on an error none. Device rules stay as they are.
    ///
    /// # Errors
    /// Whatever the kernel refuses; the old values are back then.
    pub fn update(&self, path: &str, resources: &LinuxResources) -> Result<()> {
        self.update_and(path, resources, || Ok(()))
    }

    /// Changes limits as [`Manager::update`], then commits: one transaction with whatever `commit` does.
    ///
    /// # Errors
    /// Whatever the kernel refuses, and the commit's error; the old values are back then.
    pub fn update_and<E: From<Error>>(
        &self,
        path: &str,
        resources: &LinuxResources,
        commit: impl FnOnce() -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let group = self.group(path)?;
        let settings = self.settings(resources)?;
        let unit = systemd::unit(path);
        let mut old = Vec::new();
        let outcome = self
            .apply(&group, settings.clone(), Some(&mut old))
            .and_then(|()| rare::set(resources, &group, self.layout.is_v2()))
            .and_then(|()| unit.map_or(Ok(()), |unit| systemd::change(unit, &settings)))
            .map_err(E::from)
            .and_then(|()| commit());
        if outcome.is_err() {
            for back in old.iter().rev() {
                let _ = group.set(back);
            }
            if let Some(unit) = unit {
                let _ = systemd::change(unit, &old);
            }
        }
        outcome
    }

    /// Kills what is left and removes the group with everything below it. One that is not there is success.
    ///
    /// # Errors
    /// [`Error::Busy`] when something still lives in it after five seconds.
    pub fn remove(&self, path: &str) -> Result<()> {
        let group = self.group(path)?;
        let until = remove::deadline();
        if systemd::unit(path).is_some() && systemd::is_running() {
            // Killed first: systemd would ask politely and wait.
            group.kill();
            systemd::stop(path, until)?;
        }
        let removed: Vec<Result<()>> =
            group.dirs().map(|dir| remove::tree(&dir, until, || group.kill())).collect();
        removed.into_iter().collect()
    }

    /// SIGKILL to every process in the group and below, frozen ones too; they may take a moment to end.
    ///
    /// # Errors
    /// A path with a component that is no name.
    pub fn kill(&self, path: &str) -> Result<()> {
        self.group(path)?.kill();
        Ok(())
    }

    /// The processes in the group and below.
    ///
    /// # Errors
    /// A path with a component that is no name.
    pub fn pids(&self, path: &str) -> Result<Vec<i32>> {
        let group = self.group(path)?;
        Ok(group.dirs().next().map(|dir| kill::members(&dir)).unwrap_or_default())
    }

    /// How many processes here or below the kernel has killed for want of memory.
    ///
    /// # Errors
    /// A group that does not exist, a node without the memory controller.
    pub fn oom_kill_count(&self, path: &str) -> Result<u64> {
        let dir = self.group(path)?.needed("memory")?;
        if self.layout.is_v2() {
            let text = files::read(&dir.join("memory.events"))?;
            return Ok(stats::oom_kills(&text));
        }
        // This hierarchy counts each group for itself.
        let own = stats::oom_kills(&files::read(&dir.join("memory.oom_control"))?);
        let below = kill::below(&dir).into_iter();
        Ok(own
            + below
                .map(|dir| stats::oom_kills(&files::read_or_empty(&dir.join("memory.oom_control"))))
                .sum::<u64>())
    }

    /// What CRI's container statistics want, in as few reads as that takes.
    ///
    /// # Errors
    /// A group that does not exist.
    pub fn stats(&self, path: &str) -> Result<Stats> {
        let group = self.group(path)?;
        match &self.layout {
            Layout::V2(root) => stats::v2(&root.join(&group.relative)),
            Layout::V1 { .. } => stats::V1 {
                cpuacct: group.dir("cpuacct"),
                memory: group.dir("memory"),
                pids: group.dir("pids"),
            }
            .read(),
        }
    }

    /// Stops every task of the group and below, and waits until all have stopped.
    ///
    /// # Errors
    /// [`Error::Busy`] when some have not after two seconds; all run again then.
    pub fn freeze(&self, path: &str) -> Result<()> {
        let group = self.group(path)?;
        match group.freezer()? {
            Freezer::V1(dir) => freeze::v1(&dir),
            Freezer::V2(dir) => freeze::v2(&dir),
        }
    }

    /// Lets them run again.
    ///
    /// # Errors
    /// A group that does not exist.
    pub fn thaw(&self, path: &str) -> Result<()> {
        let group = self.group(path)?;
        match group.freezer()? {
            Freezer::V1(dir) => freeze::thaw_v1(&dir),
            Freezer::V2(dir) => freeze::thaw_v2(&dir),
        }
    }

    fn group(&self, path: &str) -> Result<Group<'_>> {
        Ok(Group { layout: &self.layout, relative: name::relative(path)? })
    }

    fn settings(&self, resources: &LinuxResources) -> Result<Vec<Setting>> {
        if self.layout.is_v2() { limits::v2(resources) } else { limits::v1(resources) }
    }

    fn make(&self, group: &Group<'_>, made: &mut Vec<PathBuf>) -> Result<()> {
        let cpuset = if self.layout.is_v2() { None } else { self.layout.root_of("cpuset") };
        for root in self.layout.roots() {
            let care = if cpuset == Some(root) { Care::Cpuset } else { Care::None };
            if make::directory(root, &group.relative, care)? {
                made.push(root.join(&group.relative));
            }
        }
        if let Layout::V2(root) = &self.layout {
            make::hand_down_controllers(root, &group.relative);
        }
        Ok(())
    }

    /// Writes settings in an order the kernel takes; what held before goes to `old`.
    fn apply(
        &self,
        group: &Group<'_>,
        settings: Vec<Setting>,
        mut old: Option<&mut Vec<Setting>>,
    ) -> Result<()> {
        let mut queue = VecDeque::from(group.ordered(settings));
        let mut period_waited = false;
        while let Some(setting) = queue.pop_front() {
            let held = old.is_some().then(|| group.held(&setting)).flatten();
            match group.set(&setting) {
                // A period may be too short for the old quota, and a quota too large for the old period.
                Err(error)
                    if error.is_invalid_input() && setting.file == "cpu.cfs_period_us" && !period_waited =>
                {
                    period_waited = true;
                    queue.push_back(setting);
                    continue;
                }
                outcome => outcome?,
            }
            if let (Some(old), Some(held)) = (&mut old, held) {
                old.push(Setting { value: held, ..setting });
            }
        }
        Ok(())
    }
}

// === one group in all hierarchies ===

struct Group<'m> {
    layout: &'m Layout,
    relative: PathBuf,
}

enum Freezer {
    V1(PathBuf),
    V2(PathBuf),
}

impl Group<'_> {
    fn dirs(&self) -> impl Iterator<Item = PathBuf> {
        self.layout.roots().map(|root| root.join(&self.relative))
    }

    /// The directory whose files belong to `controller`; `None` where the node lacks it.
    fn dir(&self, controller: &str) -> Option<PathBuf> {
        self.layout.root_of(controller).map(|root| root.join(&self.relative))
    }

    fn needed(&self, controller: &str) -> Result<PathBuf> {
        self.dir(controller).ok_or_else(|| Error::Missing { path: PathBuf::from(controller) })
    }

    fn unified(&self) -> Option<PathBuf> {
        self.layout.unified().map(|root| root.join(&self.relative))
    }

    fn set(&self, setting: &Setting) -> Result<()> {
        let Some(dir) = self.dir(setting.controller) else {
            let path = self.relative.join(&setting.file);
            return if setting.optional { Ok(()) } else { Err(Error::Missing { path }) };
        };
        match files::write(&dir.join(&setting.file), &setting.value) {
            Err(Error::Missing { .. }) if setting.optional => Ok(()),
            outcome => outcome,
        }
    }

    fn held(&self, setting: &Setting) -> Option<String> {
        let text = files::read(&self.dir(setting.controller)?.join(&setting.file)).ok()?;
        Some(text.trim().to_owned())
    }

    /// On v1 memory may never exceed memory and swap together: growing, the sum is written first.
    fn ordered(&self, mut settings: Vec<Setting>) -> Vec<Setting> {
        let at = |file: &str| settings.iter().position(|setting| setting.file == file);
        let (memory, both) = (at("memory.limit_in_bytes"), at("memory.memsw.limit_in_bytes"));
        if let (Some(memory), Some(both), Some(dir)) = (memory, both, self.dir("memory")) {
            let held = files::number(&dir.join("memory.memsw.limit_in_bytes")).unwrap_or(u64::MAX);
            let wanted =
                settings.get(memory).and_then(|setting| setting.value.parse().ok()).unwrap_or(u64::MAX);
            if wanted > held {
                settings.swap(memory, both);
            }
        }
        settings
    }

    fn restrict_devices(&self, rules: &[devices::Rule]) -> Result<()> {
        match (self.layout, self.dir("devices"), self.unified()) {
            (Layout::V1 { .. }, Some(dir), _) => devices::write_lines(&dir, rules),
            (_, _, Some(dir)) => devices::attach(&dir, rules),
            _ => Err(Error::Missing { path: PathBuf::from("devices.allow") }),
        }
    }

    fn kill(&self) {
        let at_once = self.unified().is_some_and(|dir| kill::at_once(&dir));
        if self.layout.is_v2() && at_once {
            return;
        }
        self.dirs().for_each(|dir| kill::one_by_one(&dir));
        // A frozen task of v1 takes no signal before it runs again.
        if let Layout::V1 { .. } = self.layout
            && let Some(dir) = self.dir("freezer")
            && files::read_or_empty(&dir.join("freezer.state")).trim() != "THAWED"
        {
            let _ = freeze::thaw_v1(&dir);
        }
    }

    fn freezer(&self) -> Result<Freezer> {
        match (self.layout, self.dir("freezer"), self.unified()) {
            (Layout::V1 { .. }, Some(dir), _) => Ok(Freezer::V1(dir)),
            (_, _, Some(dir)) => Ok(Freezer::V2(dir)),
            _ => Err(Error::Missing { path: PathBuf::from("freezer.state") }),
        }
    }
}

impl rare::Directories for Group<'_> {
    fn of(&self, controller: &'static str) -> Option<PathBuf> {
        self.dir(controller)
    }
}

#[cfg(test)]
mod tests;
