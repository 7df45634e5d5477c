//! critest as a child: its flags, the ports it needs, and its end, also when the person who waits has had enough.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use harness::{Doing, Failure, Result, program, say};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{args::Args, subject::Subject};

/// Files of a run in the directory of results.
pub(crate) const FILES: [&str; 8] = [
    "berthd.log",
    "critest.patched",
    "empty.yaml",
    "output.log",
    "report.json",
    "results.tsv",
    "websocket-output.log",
    "websocket-report.json",
];

/// Ports of this machine that specs use as host ports.
const PORTS: [u16; 4] = [12000, 12001, 12002, 12003];

/// The whole suite takes three minutes; a runtime that hangs in every spec shall still come to an end.
const LIMIT: &str = "90m";

/// critest uses fixed ports of the node: better to say so than to fail in some spec.
pub(crate) fn check_ports() -> Result {
    for port in PORTS {
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
            .doing(|| format!("check that port {port} is free, which critest needs"))?;
    }
    Ok(())
}

/// Runs critest to its end; gives the path of its report.
pub(crate) async fn run(args: &Args, critest: &Path, subject: &Subject, out: &Path) -> Result<PathBuf> {
    let kind = if args.websocket { "websocket-" } else { "" };
    let (log, report) = (out.join(format!("{kind}output.log")), out.join(format!("{kind}report.json")));
    let output = File::create(&log).doing(|| format!("create {}", log.display()))?;
    let mut command = command(args, critest, subject, out, &report)?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    say(&format!("running critest, its output goes to {}", log.display()))?;
    let mut child = command.spawn().doing(|| format!("start {}", critest.display()))?;
    let status = wait(&mut child).await?;
    if fs::metadata(&report).is_ok_and(|file| file.len() > 0) {
        return Ok(report);
    }
    let text = fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(20)..].join("\n");
    Err(Failure::new(format!("critest wrote no report: {status}\n{end}")))
}

fn command(args: &Args, critest: &Path, subject: &Subject, out: &Path, report: &Path) -> Result<Command> {
    // Without a file of its own critest would read the node's /etc/crictl.yaml.
    let config = out.join("empty.yaml");
    fs::write(&config, "").doing(|| format!("write {}", config.display()))?;
    let scratch = subject.scratch()?;
    // setpriv makes the kernel end critest with us, however we end.
    let mut command = program("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(absolute(critest)?);
    command
        .arg(format!("-config={}", absolute(&config)?.display()))
        .arg(format!("-runtime-endpoint=unix://{}", subject.socket.display()))
        .arg(format!("--ginkgo.seed={}", args.seed))
        .arg(format!("--ginkgo.timeout={LIMIT}"))
        .arg(format!("--ginkgo.json-report={}", absolute(report)?.display()))
        .arg("--ginkgo.no-color");
    if let Some(focus) = &args.focus {
        command.arg(format!("--ginkgo.focus={focus}"));
    }
    if let Some(skip) = &args.skip {
        command.arg(format!("--ginkgo.skip={skip}"));
    }
    if let Some(handler) = &args.handler {
        command.arg(format!("--runtime-handler={handler}"));
    }
    if let Some(nri) = &args.nri {
        command.arg(format!("--nri-socket={}", nri.display()));
    }
    if args.websocket {
        command.args(["-websocket-exec", "-websocket-attach", "-websocket-portforward"]);
    }
    command.args(&args.more);
    // A terminal's Ctrl-C is for us. Times in the report are compared with those in the daemon's log.
    command.process_group(0).current_dir(&scratch).env("TMPDIR", &scratch).env("TZ", "UTC");
    Ok(command)
}

/// critest runs in a directory of its own.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).doing(|| format!("find the absolute path of {}", path.display()))
}

/// Waits for the end. Interrupted, kills critest: what it leaves is taken away as after any run.
async fn wait(child: &mut Child) -> Result<ExitStatus> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        tokio::select! {
            () = sleep(Duration::from_millis(100)) => {}
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    child.kill()?;
    child.wait()?;
    Err(Failure::new("interrupted"))
}
