//! What is shown, step by step, and how it is taken away again.

mod calls;

use std::{fs, io, net::Ipv4Addr, path::Path};

use calls::Calls;
use tokio::io::AsyncReadExt;

use super::{
    daemon::Daemon,
    fetch::{self, fetch},
    image, leftovers,
    place::Place,
    registry::Registry,
    report::Report,
};
use crate::{
    client::Client,
    failure::{Doing, Failure, Result},
    stdio,
};

/// A quickstart under way: what there is of it so far.
#[derive(Debug)]
pub(super) struct Tour<'a> {
    place: &'a Place,
    daemon: Option<Daemon>,
    client: Option<Client>,
    hold: bool,
    /// Host ends of the pod's interfaces, to be missed at the end.
    links: Vec<String>,
}

/// A pod that serves.
#[derive(Debug)]
struct Serving {
    image: String,
    pod: String,
    container: String,
    ip: Ipv4Addr,
    log: String,
}

/// For steps with nothing to show.
fn nothing<T>(_: &T) -> Option<String> {
    None
}

impl<'a> Tour<'a> {
    pub(super) fn new(place: &'a Place, hold: bool) -> Self {
        Self { place, daemon: None, client: None, hold, links: Vec::new() }
    }

    /// The whole tour; stops at the first step that fails.
    pub(super) async fn take(&mut self, report: &mut Report) -> Result {
        let start = self.start_daemon();
        report.step("start berthd", "start berthd", start, nothing).await?;
        let serving = self.run_pod(report).await?;
        self.look_at(&serving, report).await?;
        self.survive(&serving, report).await?;
        if self.hold {
            report.say(&format!("\nBERTH_SOCKET={} berth ps\nEnter goes on.", self.place.socket.display()));
            // The end of standard input goes on, too.
            let _ = stdio::input()?.read_u8().await;
        }
        self.take_apart(&serving, report).await?;
        let links = self.links.clone();
        let place = self.place;
        report.step("stop berthd", "stop berthd (SIGTERM)", self.stop_daemon(), nothing).await?;
        let proof = async { nothing_left(place, &links) };
        let what = "nothing is left";
        let shows = |()| Some("no process, mount, cgroup, veth, bridge, nftables table or file".to_owned());
        report.step("look for leftovers", what, proof, |&done| shows(done)).await
    }

    async fn start_daemon(&mut self) -> Result {
        // Kept from its first moment, for the tour may be broken off in any.
        let daemon = self.daemon.insert(Daemon::start(self.place)?);
        self.client = Some(daemon.ready(self.place).await?);
        Ok(())
    }

    async fn stop_daemon(&mut self) -> Result {
        self.client = None;
        let Some(daemon) = &self.daemon else { return Ok(()) };
        let stopped = daemon.stop(self.place).await;
        self.daemon = None;
        stopped
    }

    /// With SIGKILL; gives nothing back but the fact.
    async fn kill_daemon(&mut self) -> Result {
        self.client = None;
        let Some(daemon) = &self.daemon else { return Err(Failure::new("berthd does not run")) };
        daemon.kill().await?;
        self.daemon = None;
        Ok(())
    }

    fn calls(&self) -> Result<Calls> {
        self.client.clone().map(Calls::new).ok_or_else(|| Failure::new("berthd does not run"))
    }

    async fn run_pod(&mut self, report: &mut Report) -> Result<Serving> {
        let mut calls = self.calls()?;
        let registry = Registry::start(image::pack()?).await?;
        let image = registry.reference();
        let what = "PullImage: the image berth carries, by way of localhost";
        report.step("PullImage", what, calls.pull(&image), |id| Some(id.clone())).await?;
        let what = "RunPodSandbox: namespaces, cgroup, network";
        let run = calls.run_pod(self.place);
        let pod = report.step("RunPodSandbox", what, run, |id| Some(format!("pod {id}"))).await?;
        self.links = leftovers::links_of(self.place);
        let create = calls.create(&pod, &image, self.place);
        let what = "CreateContainer: root from layers, OCI spec";
        let container =
            report.step("CreateContainer", what, create, |id| Some(format!("container {id}"))).await?;
        let start = calls.start(&container);
        report.step("StartContainer", "StartContainer", start, nothing).await?;
        let ip = calls.address(&pod).await?;
        let log = calls.log_path(&container).await?;
        Ok(Serving { image, pod, container, ip, log })
    }

    async fn look_at(&self, serving: &Serving, report: &mut Report) -> Result {
        let mut calls = self.calls()?;
        let what = format!("GET http://{}:{}/ over the pod network", serving.ip, fetch::PORT);
        report.step("GET", &what, fetch(serving.ip), |body| Some(body.clone())).await?;
        let exec = calls.exec(&serving.container, ["/demo", "id"]);
        report.step("ExecSync", "ExecSync: /demo id", exec, |out| Some(out.clone())).await?;
        let log = async { read_log(&serving.log) };
        report.step("read log", "the container's log", log, |text| Some(text.clone())).await?;
        Ok(())
    }

    async fn survive(&mut self, serving: &Serving, report: &mut Report) -> Result {
        let what = format!("kill -9 {} (berthd)", self.daemon.as_ref().map_or(0, Daemon::pid));
        report.step("kill -9 berthd", &what, self.kill_daemon(), nothing).await?;
        let what = "GET again: no daemon, the pod serves on";
        report.step("GET without daemon", what, fetch(serving.ip), |body| Some(body.clone())).await?;
        let what = "start berthd again";
        report.step("restart berthd", what, self.start_daemon(), nothing).await?;
        let mut calls = self.calls()?;
        let adopted = calls.adopted(&serving.pod, &serving.container);
        let what = "it knows the pod (READY) and the container (RUNNING)";
        report.step("list after restart", what, adopted, nothing).await?;
        let exec = calls.exec(&serving.container, ["/demo", "hello"]);
        let what = "ExecSync: /demo hello";
        report.step("ExecSync after restart", what, exec, |out| Some(out.clone())).await?;
        Ok(())
    }

    async fn take_apart(&self, serving: &Serving, report: &mut Report) -> Result {
        let mut calls = self.calls()?;
        let (pod, container) = (&serving.pod, &serving.container);
        report.step("StopContainer", "StopContainer", calls.stop(container), nothing).await?;
        report.step("RemoveContainer", "RemoveContainer", calls.remove(container), nothing).await?;
        report.step("StopPodSandbox", "StopPodSandbox", calls.stop_pod(pod), nothing).await?;
        report.step("RemovePodSandbox", "RemovePodSandbox", calls.remove_pod(pod), nothing).await?;
        report.step("RemoveImage", "RemoveImage", calls.remove_image(&serving.image), nothing).await?;
        remove_all(&self.place.log_dir)
    }

    /// Takes away whatever there still is, however far the tour came. Does nothing after a whole one.
    pub(super) async fn clean_up(&mut self) -> Result {
        let mut problems = Vec::new();
        if let Some(dead) = self.daemon.take_if(|daemon| daemon.has_ended()) {
            drop(dead);
            self.client = None;
        }
        let pods_left =
            fs::read_dir(self.place.root.join("pods")).is_ok_and(|mut pods| pods.next().is_some());
        if self.daemon.is_none() && pods_left {
            problems.extend(self.start_daemon().await.err());
        }
        if self.daemon.is_some() {
            // It may have been about to get ready.
            if let (None, Some(daemon)) = (&self.client, &self.daemon) {
                self.client = daemon.ready(self.place).await.ok();
            }
            if let Ok(mut calls) = self.calls() {
                problems.extend(calls.remove_everything().await.err());
            }
            problems.extend(self.stop_daemon().await.err());
        }
        let left = leftovers::find(self.place, &self.links)?;
        if let Some(problem) = problems.into_iter().next().filter(|_| !left.is_empty()) {
            return Err(problem).doing(format_args!("clean up {}", self.place.dir.display()));
        }
        if !left.is_empty() {
            return Err(complaint(&left));
        }
        remove_all(&self.place.dir)
    }
}

/// The proof, files included; then the private directory itself goes.
fn nothing_left(place: &Place, links: &[String]) -> Result {
    let mut left = leftovers::find(place, links)?;
    left.extend(leftovers::files(place));
    if !left.is_empty() {
        return Err(complaint(&left));
    }
    remove_all(&place.dir)
}

fn complaint(left: &[String]) -> Failure {
    Failure::new(format!("something is left:\n    {}", left.join("\n    ")))
        .or_try("what is said beside each; and please tell us, for this should not happen")
}

fn remove_all(dir: &Path) -> Result {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).doing(format_args!("remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

fn read_log(path: &str) -> Result<String> {
    let log = fs::read_to_string(path).doing(format_args!("read {path}"))?;
    if log.contains(" stdout F GET / HTTP/1.1") {
        Ok(log.trim_end().to_owned())
    } else {
        Err(Failure::new(format!("the request is not in {path}: {log:?}")))
    }
}
