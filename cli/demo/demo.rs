//! The one program in the image of `berth quickstart`: a tiny web server, and three words about itself.
//!
//! Compiled by build.rs as a static program of its own, with nothing but the standard library.

use std::{
    env, fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process::{self, ExitCode},
    thread,
    time::Duration,
};

const PORT: u16 = 8080;
/// A browser's request line and headers fit; who sends more, or nothing, is not waited for.
const MAX_REQUEST: usize = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let done = match env::args().nth(1).as_deref() {
        Some("serve") => serve(),
        Some("hello") => say("hello from berth"),
        Some("id") => say(&id()),
        Some("sleep") => loop {
            thread::sleep(Duration::from_secs(3600));
        },
        _ => Err(io::Error::other("use: demo serve | hello | id | sleep")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without standard error the exit code must do.
            let _ = writeln!(io::stderr(), "demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

/// Answers every request with who it is, one after the other; prints the request line of each.
fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    say(&format!("listening on port {PORT}"))?;
    let mut hits = 0u64;
    loop {
        let (connection, _) = listener.accept()?;
        hits += 1;
        // A client that goes away in the middle is no reason to end.
        let _ = answer(connection, hits);
    }
}

fn answer(mut connection: TcpStream, hits: u64) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while request.len() < MAX_REQUEST && !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match connection.read(&mut chunk)? {
            0 => break,
            n => request.extend_from_slice(&chunk[..n]),
        }
    }
    let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
    say(&String::from_utf8_lossy(line))?;
    let body = format!("hit {hits}: {}\n", id());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    connection.write_all(head.as_bytes())?;
    connection.write_all(body.as_bytes())
}

/// Who and where this process is.
fn id() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let hostname = read("/proc/sys/kernel/hostname");
    let status = read("/proc/self/status");
    let ids = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().unwrap_or("?").to_owned()
    };
    let (uid, caps) = (ids("Uid:"), ids("CapEff:"));
    format!("host {} pid {} uid {uid} capabilities {caps}", hostname.trim(), process::id())
}
