//! Runs one plugin: found in the configured directories only, started with nothing but what is meant for it, ended in time.

use std::{
    io::{self, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::MetadataExt, process::CommandExt},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sys::{
    epoll::{Epoll, Interest},
    io::Transfer,
    pidfd::Exit,
};

use crate::failure::Failure;

/// Largest output; a result has a few KiB.
const STDOUT_MAX: usize = 1 << 20;
/// How much of the end of standard error is kept.
const STDERR_KEPT: usize = 4 << 10;
/// How long the kernel may take to end a process after SIGKILL. More means state D.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
/// Where plugins find programs such as iptables.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a plugin is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Add,
    Del,
    Check,
    Status,
    Gc,
}

impl Command {
    /// As `CNI_COMMAND` and people say it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Del => "DEL",
            Self::Check => "CHECK",
            Self::Status => "STATUS",
            Self::Gc => "GC",
        }
    }
}

/// One call of a plugin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// Its type: a file name without a directory.
    pub(crate) kind: &'a str,
    pub(crate) command: Command,
    /// The `CNI_*` variables besides CNI_COMMAND and CNI_PATH.
    pub(crate) variables: &'a [(&'static str, String)],
    /// What it reads from standard input.
    pub(crate) config: &'a [u8],
    pub(crate) dirs: &'a [PathBuf],
    pub(crate) timeout: Duration,
}

/// Runs the plugin to its end and returns what it printed.
pub(crate) fn run(call: &Call<'_>) -> Result<Vec<u8>, Failure> {
    let path = find(call.kind, call.dirs)?;
    let ended = Running::start(&path, call)?.watch(call.timeout)?;
    match ended.exit {
        Exit::Code(0) => Ok(ended.stdout),
        failed => Err(Failure::read(failed.shell_code(), &ended.stdout, &ended.stderr)),
    }
}

/// The plugin's file. Whoever may write to it may act as us, so it must be root's (or ours) alone.
pub(crate) fn find(kind: &str, dirs: &[PathBuf]) -> Result<PathBuf, Failure> {
    for dir in dirs {
        let path = dir.join(kind);
        let meta = match std::fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta.map_err(Failure::Start)?,
        };
        let why = if !meta.is_file() {
            "it is no regular file"
        } else if meta.uid() != 0 {
            "it does not belong to root"
        } else if meta.mode() & 0o022 != 0 {
            "others than its owner may write to it"
        } else if meta.mode() & 0o111 == 0 {
            "it is not executable"
        } else if !is_program(&path).map_err(Failure::Start)? {
            "it is neither an ELF program nor a script"
        } else {
            return Ok(path);
        };
        return Err(Failure::Untrusted { path, why });
    }
    Err(Failure::Missing(dirs.to_vec()))
}

/// The C library gives what the kernel cannot run to a shell. A plugin that a power cut left empty would then succeed at
/// everything, and its DEL would leak what it should free.
fn is_program(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    std::fs::File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(start.starts_with(b"\x7fELF") || start.starts_with(b"#!"))
}

/// A started plugin, the leader of a process group.
struct Running {
    pid: i32,
    pidfd: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

struct Ended {
    exit: Exit,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Running {
    fn start(path: &Path, call: &Call<'_>) -> Result<Self, Failure> {
        // A memory file, not a pipe: nobody has to write while the plugin is slow to read.
        let config = sys::memfd::sealed("cni-config", call.config).map_err(broken)?;
        let (stdout, stdout_end) = sys::io::pipe().map_err(broken)?;
        let (stderr, stderr_end) = sys::io::pipe().map_err(broken)?;
        for pipe in [&stdout, &stderr] {
            sys::fd::set_nonblocking(pipe, true).map_err(broken)?;
        }
        let cni_path =
            std::env::join_paths(call.dirs).map_err(|error| Failure::Start(io::Error::other(error)))?;
        let mut command = sys::process::command(path);
        command.env("PATH", PATH).env("CNI_PATH", cni_path).env("CNI_COMMAND", call.command.name());
        command.envs(call.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(config).stdout(stdout_end).stderr(stderr_end).process_group(0);
        let child = start_patiently(&mut command)?;
        // The command holds the other ends of the pipes.
        drop(command);
        let pid = child.id().cast_signed();
        match sys::pidfd::open(pid) {
            Ok(pidfd) => Ok(Self { pid, pidfd, stdout, stderr }),
            Err(error) => {
                sys::group::kill(pid).ok();
                let mut child = child;
                child.wait().ok();
                Err(broken(error))
            }
        }
    }

    /// Reads and waits until the plugin itself has ended; what it started and left is killed.
    fn watch(self, timeout: Duration) -> Result<Ended, Failure> {
        let mut output = Output::default();
        let followed = self.follow(&mut output, timeout);
        // Before it is reaped: until then its number names this group and no other.
        sys::group::kill(self.pid).map_err(broken)?;
        let exit = self.reap()?;
        followed?;
        Ok(Ended { exit, stdout: output.stdout, stderr: output.stderr })
    }

    fn follow(&self, output: &mut Output, timeout: Duration) -> Result<(), Failure> {
        const STDOUT: u64 = 0;
        const STDERR: u64 = 1;
        const EXIT: u64 = 2;
        let deadline = Instant::now() + timeout;
        let epoll = Epoll::new().map_err(broken)?;
        for (source, token) in [(&self.stdout, STDOUT), (&self.stderr, STDERR), (&self.pidfd, EXIT)] {
            epoll.add(source, token, Interest::Read).map_err(broken)?;
        }
        let mut ready = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::TimedOut(timeout));
            }
            epoll.wait(&mut ready, Some(left)).map_err(broken)?;
            let ended = ready.iter().any(|one| one.token == EXIT);
            for one in &ready {
                let open = match one.token {
                    STDOUT => output.read_stdout(&self.stdout)?,
                    STDERR => output.read_stderr(&self.stderr)?,
                    _ => true,
                };
                if !open {
                    epoll
                        .remove(if one.token == STDOUT { &self.stdout } else { &self.stderr })
                        .map_err(broken)?;
                }
            }
            if ended {
                // Whatever it wrote is in the pipes by now. Not to the end of file: something it started may hold them open.
                output.read_stdout(&self.stdout)?;
                output.read_stderr(&self.stderr)?;
                return Ok(());
            }
        }
    }

    fn reap(&self) -> Result<Exit, Failure> {
        let epoll = Epoll::new().map_err(broken)?;
        epoll.add(&self.pidfd, 0, Interest::Read).map_err(broken)?;
        let deadline = Instant::now() + KILL_PATIENCE;
        let mut ready = Vec::new();
        loop {
            if let Some(exit) = sys::pidfd::try_wait(&self.pidfd).map_err(broken)? {
                return Ok(exit);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::Stuck { pid: self.pid });
            }
            epoll.wait(&mut ready, Some(left)).map_err(broken)?;
        }
    }
}

/// Starts the program. "Text file busy" passes: somebody is writing it, or a process that was just forked still has it open.
fn start_patiently(command: &mut std::process::Command) -> Result<std::process::Child, Failure> {
    const TRIES: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(10);
    for _ in 0..TRIES {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => std::thread::sleep(PAUSE),
            started => return started.map_err(Failure::Start),
        }
    }
    command.spawn().map_err(Failure::Start)
}

/// What the plugin printed, within limits.
#[derive(Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Output {
    /// False when there is nothing more to come.
    fn read_stdout(&mut self, pipe: &OwnedFd) -> Result<bool, Failure> {
        let stdout = &mut self.stdout;
        drain(pipe, |bytes| {
            stdout.extend(bytes);
            if stdout.len() > STDOUT_MAX { Err(Failure::TooMuchOutput(STDOUT_MAX)) } else { Ok(()) }
        })
    }

    fn read_stderr(&mut self, pipe: &OwnedFd) -> Result<bool, Failure> {
        let stderr = &mut self.stderr;
        drain(pipe, |bytes| {
            stderr.extend(bytes);
            // The end says why.
            let excess = stderr.len().saturating_sub(STDERR_KEPT);
            stderr.drain(..excess);
            Ok(())
        })
    }
}

/// Reads what is there, at most as much as a pipe holds: somebody may write faster than we read.
fn drain(pipe: &OwnedFd, mut take: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<bool, Failure> {
    let mut buffer = [0; 16 << 10];
    for _ in 0..16 {
        match sys::io::read(pipe.as_fd(), &mut buffer).map_err(broken)? {
            Transfer::Bytes(count) => take(&buffer[..count])?,
            Transfer::WouldBlock => return Ok(true),
            Transfer::Closed => return Ok(false),
        }
    }
    Ok(true)
}

fn broken(error: sys::Error) -> Failure {
    Failure::Start(error.into())
}
