//! Containers as transient scopes of systemd: names of slices and scopes, a scope's start, change and end.
//!
//! cgroups-rs speaks to systemd over D-Bus. It opens a connection for each call and blocks, so all of this belongs to
//! the blocking lane. Three things of it are done here instead: it does not wait for the job it queues; its list of
//! processors comes out with the bytes in the wrong order from the ninth on; and it has no properties for the rarer
//! limits.
use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use cgroups_rs::systemd::{
    self as units, Property, SystemdClient,
    dbus::error::Error as ClientError,
    props::PropertiesBuilder,
    utils::{expand_slice, is_scope_unit, is_slice_unit},
};

use crate::{
    error::{Error, Result},
    limits::Setting,
};

pub(crate) mod properties;

/// A queued job takes milliseconds; systemd gives up on its own ones after a minute and a half.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Below this systemd has booted (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// Whether systemd manages this machine.
pub(crate) fn is_running() -> bool {
    fs::symlink_metadata(BOOTED).is_ok_and(|found| found.is_dir())
}

/// Whether it can be spoken to: the root of all slices is always there.
pub(crate) fn answers() -> bool {
    client("-.slice", Vec::new()).is_ok_and(|root| root.exists())
}

/// The unit that a group's last component names, if it is one of systemd's.
pub(crate) fn unit(path: &str) -> Option<&str> {
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    (is_scope_unit(last) || is_slice_unit(last)).then_some(last)
}

/// The path of a slice: "a-b.slice" is /a.slice/a-b.slice. A path's last component decides, as kubelet names it.
pub(crate) fn slice(asked: &str) -> Result<String> {
    let refuse = || Error::Path {
        path: asked.chars().take(255).collect(),
        why: "it is no slice such as kubepods-pod1.slice, which the systemd driver needs; give kubelet and Berth the same cgroup driver",
    };
    let last = asked.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let path = expand_slice(last).map_err(|_| refuse())?;
    if path.is_empty() { Err(refuse()) } else { Ok(format!("/{path}")) }
}

/// The slice that stands for a plain path, named as kubelet does it: `-` nests, so a name's own become `_`.
pub(crate) fn slice_of_path(path: &str) -> Result<String> {
    let parts: Vec<String> =
        path.split('/').filter(|part| !part.is_empty()).map(|part| part.replace('-', "_")).collect();
    slice(&format!("{}.slice", parts.join("-")))
}

/// The scope of a container.
pub(crate) fn scope(id: &str) -> String {
    format!("cri-berth-{id}.scope")
}

/// Starts the scope `path` with process `pid` in it, and waits until the process is there.
pub(crate) fn start(path: &str, settings: &[Setting], pid: i32) -> Result<()> {
    let unit = unit(path).unwrap_or(path);
    let parent = path.rsplit('/').nth(1).unwrap_or(units::DEFAULT_SLICE);
    let number = u32::try_from(pid).unwrap_or_default();
    let mut wanted = PropertiesBuilder::default_cgroup(parent, unit)
        .description(format!("Berth container {unit}"))
        .pids(vec![number])
        .build();
    wanted.extend(properties::of_new(settings));
    // One that an interrupted start left behind is empty or about to be.
    stop(path, Instant::now() + PATIENCE)?;
    client(unit, wanted)?.start().map_err(failed("start", unit))?;
    let groups = format!("/proc/{pid}/cgroup");
    wait("start", unit, Instant::now() + PATIENCE, || {
        let text = fs::read_to_string(&groups).map_err(|source| Error::Io {
            op: "read",
            path: groups.clone().into(),
            source,
        })?;
        Ok(text.lines().any(|line| line.ends_with(path)))
    })
}

/// Tells systemd the limits that were set, or it would bring the old ones back when it is reloaded.
pub(crate) fn change(unit: &str, settings: &[Setting]) -> Result<()> {
    let changed = properties::of(settings);
    if changed.is_empty() {
        return Ok(());
    }
    client(unit, Vec::new())?.set_properties(&changed).map_err(failed("change", unit))
}

/// Stops a unit and waits until systemd knows it no more. One that is not there is success.
pub(crate) fn stop(path: &str, until: Instant) -> Result<()> {
    let unit = unit(path).unwrap_or(path);
    let client = client(unit, Vec::new())?;
    if !client.exists() {
        return Ok(());
    }
    client.stop().map_err(failed("stop", unit))?;
    wait("stop", unit, until, || Ok(!client.exists()))
}

fn client<'a>(unit: &str, properties: Vec<Property<'a>>) -> Result<SystemdClient<'a>> {
    SystemdClient::new(unit, properties).map_err(failed("name", unit))
}

fn failed<'a>(op: &'static str, unit: &'a str) -> impl Fn(ClientError) -> Error + 'a {
    move |source| Error::Unit { op, unit: unit.to_owned(), source: Box::new(source) }
}

fn wait(op: &'static str, unit: &str, until: Instant, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let mut pause = PAUSE_MIN;
    while !done()? {
        if Instant::now() > until {
            let late = io::Error::new(io::ErrorKind::TimedOut, "systemd has not done it in time");
            return Err(Error::Unit { op, unit: unit.to_owned(), source: Box::new(late) });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
    Ok(())
}

/// Moves what holds a scope open into a group of its own below it, so that whoever is root in the container may hand
/// controllers down: that takes a group without processes.
pub(crate) fn set_aside(dir: &Path, pid: i32) -> Result<()> {
    let aside = dir.join(HOLD);
    fs::create_dir(&aside).map_err(|source| Error::Io { op: "make", path: aside.clone(), source })?;
    crate::files::write(&aside.join("cgroup.procs"), &pid.to_string())
}

/// Where the process is that holds a scope open.
const HOLD: &str = "berth-hold";

#[cfg(test)]
mod tests;
