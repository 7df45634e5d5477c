//! A node to test on: network namespaces that the test makes, so that nothing of the machine's network is touched.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    thread,
    time::Duration,
};

use cni::{AttachmentId, BridgeConfig, Builtin, IfName, PortMapping, Protocol, Sandbox};
use sys::ns::Kinds;

/// How long a test waits for what should not come, and at most for what should.
pub(crate) const SHORT: Duration = Duration::from_millis(300);
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A network namespace.
#[derive(Debug)]
pub(crate) struct Netns {
    pub(crate) netns: OwnedFd,
    pub(crate) route: OwnedFd,
}

impl Netns {
    pub(crate) fn new() -> Self {
        in_thread(|| {
            sys::ns::unshare(Kinds::NETWORK).unwrap();
            Self { netns: sys::ns::open_own("net").unwrap(), route: sys::socket::netlink_route().unwrap() }
        })
    }

    /// Runs `work` on a thread inside; sockets made there stay inside.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        in_thread(|| {
            sys::ns::enter(&self.netns, Kinds::NETWORK).unwrap();
            work()
        })
    }

    pub(crate) fn sandbox(&self) -> Sandbox<'_> {
        Sandbox { netns: self.netns.as_fd(), route: self.route.as_fd() }
    }

    /// A TCP server that tells each caller which address it sees.
    pub(crate) fn serve(&self, address: Ipv4Addr, port: u16) {
        let listener = self.run(|| TcpListener::bind((address, port)).unwrap());
        let serve = move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let SocketAddr::V4(peer) = stream.peer_addr().unwrap() else { continue };
                stream.write_all(&peer.ip().octets()).ok();
            }
        };
        thread::Builder::new().name("server".into()).spawn(serve).unwrap();
    }

    /// Calls such a server; returns the address it saw.
    pub(crate) fn call(&self, address: Ipv4Addr, port: u16, patience: Duration) -> io::Result<Ipv4Addr> {
        self.run(|| {
            let to = SocketAddr::V4(SocketAddrV4::new(address, port));
            let mut stream = TcpStream::connect_timeout(&to, patience)?;
            stream.set_read_timeout(Some(patience))?;
            let mut seen = [0; 4];
            stream.read_exact(&mut seen)?;
            Ok(Ipv4Addr::from_octets(seen))
        })
    }

    pub(crate) fn udp(&self, address: Ipv4Addr, port: u16) -> UdpSocket {
        let socket = self.run(|| UdpSocket::bind((address, port)).unwrap());
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket
    }

    /// Runs a program inside; its output if it succeeds.
    pub(crate) fn program(&self, program: &str, args: &[&str]) -> String {
        self.try_program(program, args).unwrap()
    }

    pub(crate) fn try_program(&self, program: &str, args: &[&str]) -> Result<String, String> {
        let output = self.run(|| {
            let path = find(program)
                .ok_or_else(|| format!("this test needs {program}: install iproute2 and nftables"))?;
            sys::process::command(path).args(args).output().map_err(|error| error.to_string())
        })?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// Where a program is.
fn find(program: &str) -> Option<String> {
    let dirs = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    dirs.iter().map(|dir| format!("{dir}/{program}")).find(|path| std::path::Path::new(path).exists())
}

fn in_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("netns".into()).spawn_scoped(scope, work).unwrap();
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A node with its built-in network and, beyond its uplink, the world.
pub(crate) struct Node {
    pub(crate) host: Netns,
    pub(crate) world: Netns,
    pub(crate) builtin: Builtin,
}

pub(crate) const UPLINK: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const WORLD: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

pub(crate) fn config() -> BridgeConfig {
    BridgeConfig {
        bridge: IfName::parse("berth0").unwrap(),
        subnet: "10.77.0.0/24".parse().unwrap(),
        mtu: None,
        nft_table: "berth".to_owned(),
        hairpin: true,
    }
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::with(&config())
    }

    pub(crate) fn with(config: &BridgeConfig) -> Self {
        let (host, world) = (Netns::new(), Netns::new());
        let there = format!("/proc/{}/fd/{}", sys::process::id(), world.netns.as_raw_fd());
        host.program("ip", &["link", "set", "lo", "up"]);
        host.program("ip", &["link", "add", "up0", "type", "veth", "peer", "name", "w0", "netns", &there]);
        host.program("ip", &["addr", "add", "192.0.2.1/24", "dev", "up0"]);
        host.program("ip", &["link", "set", "up0", "up"]);
        world.program("ip", &["link", "set", "lo", "up"]);
        world.program("ip", &["addr", "add", "192.0.2.2/24", "dev", "w0"]);
        world.program("ip", &["link", "set", "w0", "up"]);
        let builtin = host.run(|| Builtin::open(config).unwrap());
        Self { host, world, builtin }
    }

    /// A pod with the address 10.77.0.`last`.
    pub(crate) fn pod(&self, last: u8, ports: &[PortMapping]) -> Netns {
        let pod = Netns::new();
        self.builtin.attach(&id(last), address(last), pod.sandbox(), ports).unwrap();
        pod
    }

    pub(crate) fn nft(&self, args: &[&str]) -> String {
        self.host.program("nft", args)
    }
}

pub(crate) fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

pub(crate) fn id(last: u8) -> AttachmentId {
    AttachmentId::parse(&format!("{last:02x}").repeat(32)).unwrap()
}

pub(crate) fn tcp(host_port: u16, container_port: u16) -> PortMapping {
    PortMapping { host_ip: None, host_port, container_port, protocol: Protocol::Tcp }
}
