//! One pod under test: its directories, its cgroups, its monitor, and the proof that nothing stays.
use std::{
    fs,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use proto::{
    monitor::{Hello, SandboxPlan},
    prost::Message,
};
use sys::{
    memfd,
    pidfd::{self, Exit},
    process::{self, Executable, SpawnArgs},
    seqpacket::{self, Incoming},
};

use crate::client::Client;

const APPLETS: &[&str] = &[
    "sh",
    "cat",
    "echo",
    "sleep",
    "ls",
    "id",
    "mount",
    "umount",
    "mkdir",
    "rm",
    "dd",
    "yes",
    "head",
    "tail",
    "grep",
    "readlink",
    "stat",
    "tty",
    "stty",
    "kill",
    "ps",
    "hostname",
    "ln",
    "mknod",
    "chroot",
    "seq",
    "tr",
    "wc",
    "true",
    "false",
    "touch",
    "pwd",
    "cp",
    "env",
    "awk",
    "setsid",
    "nohup",
    "usleep",
    "printf",
    "od",
    "df",
    "cut",
    "sort",
    "ip",
    "nsenter",
    "unshare",
    "pivot_root",
];

/// What a pod is made of when a test does not say otherwise.
pub(crate) fn sandbox_plan() -> SandboxPlan {
    SandboxPlan {
        pod_id: "ab".repeat(32),
        new_network: true,
        new_ipc: true,
        new_uts: true,
        hostname: "pod-under-test".into(),
        shm_size_bytes: 1 << 20,
        ..SandboxPlan::default()
    }
}

pub(crate) struct Pod {
    pub(crate) dir: PathBuf,
    pub(crate) pid: i32,
    pidfd: OwnedFd,
    pub(crate) hello: Hello,
    pub(crate) hello_fds: Vec<OwnedFd>,
    cgroup: PathBuf,
    cgroup_dirs: Vec<PathBuf>,
    reaped: bool,
}

/// The static busybox the end-to-end tests use too.
fn busybox() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| harness::debian::busybox().unwrap())
}

/// A pod whose monitor has greeted.
pub(crate) fn pod(name: &str, plan: &SandboxPlan) -> Pod {
    let pod = try_pod(name, plan);
    let failed = pod.hello.failed.clone();
    assert_eq!(failed, None, "{}", pod.log());
    pod
}

/// The same for a monitor that may refuse.
pub(crate) fn try_pod(name: &str, plan: &SandboxPlan) -> Pod {
    assert_eq!(
        sys::cred::effective_uid(),
        0,
        "the monitor's tests make namespaces and mounts: run them as root"
    );
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique =
        format!("berth-monitor-{}-{}-{name}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let dir = std::env::temp_dir().join(&unique);
    fs::create_dir_all(dir.join("state")).unwrap();
    let state = sys::path::open_trusted(dir.join("state"), sys::path::Open::DIRECTORY, 0).unwrap();
    let listener = seqpacket::listen_at(state.as_fd(), "m.sock").unwrap();
    let (ours, theirs) = seqpacket::pair().unwrap();
    let plan = memfd::sealed("plan", &plan.encode_to_vec()).unwrap();
    let null = fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    let log = fs::File::create(dir.join("monitor.log")).unwrap();
    let fds: [(BorrowedFd<'_>, i32); 7] = [
        (null.as_fd(), 0),
        (null.as_fd(), 1),
        (log.as_fd(), 2),
        (plan.as_fd(), 3),
        (listener.as_fd(), 4),
        (theirs.as_fd(), 5),
        (state.as_fd(), 6),
    ];
    let child = process::spawn(&SpawnArgs {
        executable: Executable::Fd(binary()),
        argv: &[c"berth-monitor", c"pod"],
        env: &[],
        fds: &fds,
        setsid: true,
    })
    .unwrap();
    drop(theirs);
    let mut buffer = [0; 4096];
    let Incoming::Message(message) = seqpacket::recv(&ours, &mut buffer).unwrap() else {
        panic!("no Hello: {}", fs::read_to_string(dir.join("monitor.log")).unwrap())
    };
    let hello = Hello::decode(&buffer[..message.length]).unwrap();
    Pod {
        dir,
        pid: child.pid,
        pidfd: child.pidfd,
        hello,
        hello_fds: message.fds,
        cgroup: PathBuf::from(unique),
        cgroup_dirs: Vec::new(),
        reaped: false,
    }
}

/// A sealed copy, as berthd uses. `BERTH_MONITOR` names another build to test, such as the release.
fn binary() -> BorrowedFd<'static> {
    static COPY: OnceLock<OwnedFd> = OnceLock::new();
    let path =
        std::env::var_os("BERTH_MONITOR").unwrap_or_else(|| env!("CARGO_BIN_EXE_berth-monitor").into());
    let copy = || memfd::sealed_executable("monitor", &fs::read(&path).unwrap()).unwrap();
    COPY.get_or_init(copy).as_fd()
}

impl Pod {
    pub(crate) fn client(&self) -> Client {
        let state = sys::path::open_dir(self.dir.join("state")).unwrap();
        Client::new(seqpacket::connect_at(state.as_fd(), "m.sock").unwrap())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.join("monitor.log")).unwrap_or_default()
    }

    /// A new directory below the pod's own, with a name to recognise.
    pub(crate) fn make_dir(&self, name: &str) -> String {
        let path = self.dir.join(name);
        fs::create_dir_all(&path).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// An image: one layer with busybox and its usual directories.
    pub(crate) fn layer(&self) -> String {
        let root = self.dir.join("layer");
        if !root.exists() {
            for dir in ["bin", "tmp", "etc", "root", "proc", "sys", "dev"] {
                fs::create_dir_all(root.join(dir)).unwrap();
            }
            // By another process: a monitor that is being started beside this would hold what we write open for a
            // moment, and the kernel executes no file that is.
            let copied =
                sys::process::command("/bin/cp").arg(busybox()).arg(root.join("bin/busybox")).status();
            assert!(copied.unwrap().success());
            for applet in APPLETS {
                std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
            }
        }
        root.to_str().unwrap().to_owned()
    }

    /// A cgroup of the pod, in the hierarchies that the tests look at: [memory, pids, devices] on v1.
    pub(crate) fn cgroup(&mut self, name: &str) -> Vec<String> {
        let below = self.cgroup.join(name);
        let mut dirs = Vec::new();
        for base in cgroup_bases() {
            let dir = base.join(&below);
            if is_cgroup_v2() {
                fs::create_dir_all(base.join(&self.cgroup)).unwrap();
                fs::write(base.join(&self.cgroup).join("cgroup.subtree_control"), "+memory +pids").unwrap();
            }
            fs::create_dir_all(&dir).unwrap();
            dirs.push(dir.to_str().unwrap().to_owned());
            self.cgroup_dirs.push(dir);
        }
        dirs
    }

    /// Pids in the pod's cgroups.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mut pids = Vec::new();
        for dir in &self.cgroup_dirs {
            let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
            pids.extend(text.lines().map(str::to_owned));
        }
        pids
    }

    /// Command lines of the processes in the pod's cgroups.
    pub(crate) fn commands(&self) -> Vec<String> {
        let mut pids = self.processes();
        pids.sort();
        pids.dedup();
        let line = |pid: String| fs::read(format!("/proc/{pid}/cmdline")).ok();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ");
        pids.into_iter().filter_map(line).map(text).collect()
    }

    pub(crate) fn kill_monitor(&mut self) {
        pidfd::send_signal(&self.pidfd, 9).unwrap();
        assert_eq!(pidfd::wait(&self.pidfd).unwrap(), Exit::Signal(9));
        self.reaped = true;
    }

    /// For a monitor that ends by itself.
    pub(crate) fn wait(&mut self) -> Exit {
        self.reaped = true;
        pidfd::wait(&self.pidfd).unwrap()
    }

    /// Shuts the pod down and proves that nothing is left of it.
    pub(crate) fn finish(mut self) {
        self.client().shutdown();
        assert_eq!(self.wait(), Exit::Code(0), "{}", self.log());
        self.prove_empty();
    }

    pub(crate) fn prove_empty(&self) {
        eventually("processes", || self.processes().is_empty());
        let name = self.cgroup.to_str().unwrap();
        for mounts in ["/proc/self/mountinfo", "/proc/1/mountinfo"] {
            let text = fs::read_to_string(mounts).unwrap();
            assert!(!text.contains(name), "a mount is left: {text}");
        }
        for dir in self.cgroup_dirs.iter().rev() {
            fs::remove_dir(dir).unwrap();
        }
        for base in cgroup_bases() {
            fs::remove_dir(base.join(&self.cgroup)).ok();
            assert!(!base.join(&self.cgroup).exists());
        }
        fs::remove_dir_all(&self.dir).unwrap();
    }
}

impl Drop for Pod {
    /// After a failed test: nothing of the machine stays behind either.
    fn drop(&mut self) {
        if !self.reaped {
            pidfd::send_signal(&self.pidfd, 9).ok();
            pidfd::wait(&self.pidfd).ok();
        }
        if self.dir.exists() {
            println!("monitor.log: {}", self.log());
            for pid in self.processes() {
                sys::signal::kill(pid.parse().unwrap(), 9).ok();
            }
            for dir in self.cgroup_dirs.iter().rev() {
                eventually_quietly(|| fs::remove_dir(dir).is_ok());
            }
            for base in cgroup_bases() {
                fs::remove_dir(base.join(&self.cgroup)).ok();
            }
            fs::remove_dir_all(&self.dir).ok();
        }
    }
}

/// Our own cgroup in each hierarchy of interest.
fn cgroup_bases() -> Vec<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let mut bases = Vec::new();
    for line in own.lines() {
        let [_, controllers, path] = line.splitn(3, ':').collect::<Vec<_>>()[..] else { continue };
        let path = path.trim_start_matches('/');
        match controllers {
            "memory" | "pids" | "devices" => {
                bases.push(Path::new("/sys/fs/cgroup").join(controllers).join(path))
            }
            // The unified hierarchy counts where it is the only one.
            "" if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() => {
                bases.push("/sys/fs/cgroup".into())
            }
            _ => {}
        }
    }
    bases
}

pub(crate) fn is_cgroup_v2() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// Waits for a level, not an edge; half a minute is for a loaded machine.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    assert!(eventually_quietly(condition), "never happened: {what}");
}

fn eventually_quietly(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}
