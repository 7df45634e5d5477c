//! Is a hostPort somebody else's on this node?
use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
};

use cni::{PortMapping, Protocol};

use crate::error::{Error, Kind, Result};

/// State of a socket that waits for connections, in the tables of proc_pid_net(5).
const LISTEN: &str = "0A";
/// State of a datagram socket that takes from anybody.
const UNCONNECTED: &str = "07";

/// Refuses a hostPort that a program of the node serves: our rule comes before its socket, so sshd or the node's resolver
/// would fall silent without a word to anybody.
///
/// The port is not kept: a rule needs no socket, and a daemon that is started anew could not be sure to get it back.
pub(super) fn refuse_if_served(mapping: &PortMapping) -> Result<()> {
    if is_free(mapping) || !is_served(mapping) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Exists,
        format!(
            "hostPort {mapping}: a program of this node listens there (`ss -tulpn` shows it); stop it or choose another hostPort"
        ),
    ))
}

/// Asks the kernel by taking the port for a moment: quick on any node, but a no can also come from a connection that this
/// node opened and that happens to have the number.
fn is_free(mapping: &PortMapping) -> bool {
    let host_ip = mapping.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let address = SocketAddr::new(host_ip, mapping.host_port);
    let taken = match mapping.protocol {
        Protocol::Tcp => TcpListener::bind(address).err(),
        Protocol::Udp => UdpSocket::bind(address).err(),
        Protocol::Sctp => None,
    };
    taken.is_none_or(|error| error.kind() != io::ErrorKind::AddrInUse)
}

/// Looks through the kernel's sockets.
fn is_served(mapping: &PortMapping) -> bool {
    let (tables, state) = match mapping.protocol {
        Protocol::Tcp => (["tcp", "tcp6"], LISTEN),
        Protocol::Udp => (["udp", "udp6"], UNCONNECTED),
        Protocol::Sctp => return false,
    };
    let port = format!(":{:04X}", mapping.host_port);
    tables.into_iter().any(|table| {
        let text = fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        text.lines().any(|line| serves(line, &port, state))
    })
}

/// Line of such a table: number, local address and port, remote address and port, state. Which of the node's addresses it
/// is does not matter: the kernel has said already that one of ours overlaps.
fn serves(line: &str, port: &str, state: &str) -> bool {
    let mut fields = line.split_whitespace().skip(1);
    let (local, _remote, own) = (fields.next(), fields.next(), fields.next());
    local.is_some_and(|local| local.ends_with(port)) && own == Some(state)
}

#[cfg(test)]
mod tests;
