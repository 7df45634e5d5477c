//! A real registry: Debian's docker-registry on a port of its own, its store in memory.

use std::{
    env,
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Doing, Failure, Result, debian, image, program};

/// A login a registry asks for: user "tester", password "secret", as htpasswd wants it.
const HTPASSWD: &str = "tester:$2b$05$GHQbKL/xQ9yc4DQILbw05O4pzQnQwwckcb4slZCktcclIhpH7MIWK\n";
/// The same as an HTTP header.
const LOGIN: &str = "Basic dGVzdGVyOnNlY3JldA==";

/// A registry that runs until this process ends, or, with a login, until dropped.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    login: bool,
    child: Child,
    /// The file of users, which the registry looks at again at every login.
    users: Option<PathBuf>,
}

impl Registry {
    /// The registry all tests of this process share, with `library/busybox:latest` in it.
    ///
    /// # Errors
    /// When it cannot be had or does not come up.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Registry, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| start_shared().map_err(|failure| failure.text().to_owned()));
        shared.as_ref().map_err(|text| Failure::new(text.clone()))
    }

    /// One that wants user `tester` and password `secret`.
    ///
    /// # Errors
    /// When it cannot be had or does not come up.
    pub fn with_login() -> Result<Self> {
        start(true)
    }

    /// Writes a tree of hosts.toml files below `certs` that sends pulls from `hosts` here.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn mirror(&self, certs: &Path, hosts: &[&str]) -> Result {
        let url = format!("http://{}", self.address);
        let text =
            format!("server = \"{url}\"\n\n[host.\"{url}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
        for host in hosts {
            let dir = certs.join(host);
            fs::create_dir_all(&dir).doing(|| format!("make {}", dir.display()))?;
            let file = dir.join("hosts.toml");
            fs::write(&file, &text).doing(|| format!("write {}", file.display()))?;
        }
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `host:port/name`, for a name with tag or digest.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Adds the login, if it wants one, to a request's headers.
    pub(crate) fn with_login_header<'a>(&self, headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let login = self.login.then_some(("Authorization", LOGIN));
        headers.iter().copied().chain(login).collect()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // These fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(users) = &self.users {
            let _ = fs::remove_file(users);
        }
    }
}

/// The shared registry belongs to a thread that lives as long as the process: the kernel kills it when that thread ends,
/// however the process ends.
fn start_shared() -> Result<Registry> {
    let (send, receive) = mpsc::channel();
    thread::Builder::new().name("registry".to_owned()).spawn(move || {
        let started = start(false).map_err(|failure| failure.text().to_owned());
        if send.send(started).is_ok() {
            loop {
                thread::park();
            }
        }
    })?;
    let registry = receive.recv()?.map_err(Failure::new)?;
    registry.push("library/busybox", "latest", &image::busybox()?)?;
    Ok(registry)
}

fn start(login: bool) -> Result<Registry> {
    let binary = debian::registry()?;
    // Between asking for a free port and using it somebody else may take it: try again with another.
    let mut last = Failure::new("the registry was never started");
    for _ in 0..5 {
        let address = free_port()?;
        match try_start(&binary, address, login) {
            Ok(registry) => return Ok(registry),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

fn try_start(binary: &Path, address: SocketAddr, login: bool) -> Result<Registry> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let base = env::temp_dir().join(format!("berth-test-registry-{}-{number}", std::process::id()));
    let [config, users] = [base.with_extension("yml"), base.with_extension("htpasswd")];
    let mut text = format!(
        "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\n\
         storage:\n  inmemory: {{}}\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n"
    );
    if login {
        writeln!(text, "auth:\n  htpasswd:\n    realm: test\n    path: {}", users.display())?;
        fs::write(&users, HTPASSWD)?;
    }
    fs::write(&config, text)?;
    // setpriv makes the kernel kill the registry with the thread that started it.
    let mut command = program("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(binary).arg("serve").arg(&config);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.env("PATH", env::var_os("PATH").unwrap_or_default());
    let mut child = command.spawn().doing(|| "start the registry".to_owned())?;
    let up = wait_until_up(&mut child, address);
    // It has read that by now, or never will.
    let _ = fs::remove_file(config);
    let registry = Registry { address, login, child, users: login.then_some(users) };
    up.map(|()| registry)
}

fn wait_until_up(child: &mut Child, address: SocketAddr) -> Result {
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        if let Some(status) = child.try_wait()? {
            return Err(Failure::new(format!("the registry ended with {status} on {address}")));
        }
        if Instant::now() > end {
            return Err(Failure::new(format!("the registry does not answer on {address}")));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// A port of a loopback address that only this process uses: on 127.0.0.1 a neighbour may take the port before the
/// registry does, and would then be asked for our images.
fn free_port() -> Result<SocketAddr> {
    // A process number has 22 bits at most, proc_sys_kernel(5); .0.0.1 stays everybody's.
    let [_, a, b, c] = ((std::process::id() << 1 | 1) + 2).to_be_bytes();
    Ok(TcpListener::bind((Ipv4Addr::new(127, a, b, c), 0))?.local_addr()?)
}
