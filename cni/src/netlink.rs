//! Netlink conversations: several requests in one send, every acknowledgement collected, replies checked before use.

pub(crate) mod addr;
pub(crate) mod link;
pub(crate) mod route;

use std::{
    os::fd::{AsFd, OwnedFd},
    time::SystemTime,
};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
    NLMSG_NOOP, NetlinkSerializable, NlasIterator,
};
use sys::{Errno, netlink::Family};

use crate::error::{Error, Result};

/// `struct nlmsghdr`: length, type, flags, sequence, port.
const HEADER: usize = 16;
/// The kernel fills at most this much for one read of a dump.
const REPLY_MAX: usize = 32 << 10;
/// Most objects one dump may give; a node with more interfaces or hostPorts than that is not ours to run.
const DUMP_MAX: usize = 1 << 16;
/// How often an interrupted dump is begun again: each time something was changed meanwhile.
const DUMP_TRIES: usize = 16;
const EAFNOSUPPORT: Errno = Errno(97);
/// Text of the kernel in an error (`NLMSGERR_ATTR_MSG`).
const ERROR_TEXT: u16 = 1;

/// One request, encoded but for its sequence number.
#[derive(Debug)]
pub(crate) struct Request {
    /// What it does to which object, for errors: `create bridge berth0`.
    what: String,
    kind: u16,
    flags: u16,
    payload: Vec<u8>,
    /// Whether it is as good if the kernel does not know of such a thing.
    if_supported: bool,
}

impl Request {
    /// A request with `flags` besides NLM_F_REQUEST.
    pub(crate) fn new(what: impl Into<String>, message: &impl NetlinkSerializable, flags: u16) -> Self {
        let mut payload = vec![0; message.buffer_len()];
        message.serialize(&mut payload);
        Self { what: what.into(), kind: message.message_type(), flags, payload, if_supported: false }
    }

    /// The same, but done if the kernel lacks what it is about.
    pub(crate) fn if_supported(self) -> Self {
        Self { if_supported: true, ..self }
    }

    fn encode(&self, flags: u16, sequence: u32, out: &mut Vec<u8>) {
        let length = (HEADER + self.payload.len()) as u32;
        out.extend(length.to_ne_bytes());
        out.extend(self.kind.to_ne_bytes());
        out.extend((self.flags | flags | NLM_F_REQUEST).to_ne_bytes());
        out.extend(sequence.to_ne_bytes());
        out.extend(0_u32.to_ne_bytes());
        out.extend(&self.payload);
        out.resize(out.len().next_multiple_of(4), 0);
    }

    pub(crate) fn refused(&self, errno: Errno, said: Option<String>) -> Error {
        let source = sys::Error::new("netlink", format_args!("message type {:#x}", self.kind), errno);
        Error::Refused { what: self.what.clone(), said, source }
    }

    fn malformed(&self, why: impl Into<String>) -> Error {
        Error::Malformed { what: self.what.clone(), why: why.into() }
    }
}

/// A socket and what belongs to a conversation on it.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    socket: S,
    sequence: u32,
    buffer: Box<[u8]>,
}

impl Connection<OwnedFd> {
    /// To this thread's network namespace.
    pub(crate) fn open(family: Family) -> Result<Self> {
        let socket =
            sys::netlink::open(family).map_err(|source| Error::system("open a netlink socket", source))?;
        Ok(Self::with(socket))
    }
}

impl<S: AsFd> Connection<S> {
    /// Over a socket that may live in another network namespace.
    pub(crate) fn over(socket: S) -> Result<Self> {
        sys::netlink::prepare(socket.as_fd())
            .map_err(|source| Error::system("prepare the pod's netlink socket", source))?;
        Ok(Self::with(socket))
    }

    fn with(socket: S) -> Self {
        // Whoever used the socket before may have left answers in it; theirs have other numbers.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { socket, sequence: now.as_nanos() as u32, buffer: vec![0; REPLY_MAX].into_boxed_slice() }
    }

    /// Sends all requests in one datagram and waits for every acknowledgement. The kernel works them off in order and does
    /// not stop at a failure (rtnetlink), so that the result has one entry for each.
    pub(crate) fn each(&mut self, requests: &[Request]) -> Result<Vec<Result<()>>> {
        let first = self.send(requests.iter().map(|request| (request, NLM_F_ACK)))?;
        self.acknowledgements(requests, first)
    }

    /// Sends all requests between `begin` and `end`, which are not acknowledged: either all of them happen or none (nfnetlink).
    /// Returns the first failure, if there is one.
    pub(crate) fn transaction(&mut self, begin: &Request, requests: &[Request], end: &Request) -> Result<()> {
        let acknowledged = requests.iter().map(|request| (request, NLM_F_ACK));
        let first = self.send(std::iter::once((begin, 0)).chain(acknowledged).chain([(end, 0)]))?;
        self.acknowledgements(requests, first.wrapping_add(1))?.into_iter().collect()
    }

    /// Waits for the answers to `requests`, the first of which has the sequence number `first`.
    fn acknowledgements(&mut self, requests: &[Request], first: u32) -> Result<Vec<Result<()>>> {
        let mut results: Vec<Option<Result<()>>> = requests.iter().map(|_| None).collect();
        let mut missing = requests.len();
        while missing > 0 {
            let length = self.receive(&requests[0])?;
            for frame in frames(&self.buffer[..length]) {
                let frame = frame.map_err(|why| requests[0].malformed(why))?;
                if frame.kind != NLMSG_ERROR {
                    continue;
                }
                // The kernel blames the message before the first (the begin of a transaction) when it cannot say which one.
                let index = frame.sequence.wrapping_sub(first);
                let whole = index == u32::MAX;
                let Some(request) = requests.get(if whole { 0 } else { index as usize }) else { continue };
                let ack = frame.ack().map_err(|why| request.malformed(why))?;
                let result = match ack {
                    Err((Errno::ENOTSUP | EAFNOSUPPORT, _)) if request.if_supported => Ok(()),
                    Err((errno, said)) => Err(request.refused(errno, said)),
                    Ok(()) => Ok(()),
                };
                if whole {
                    result?;
                } else if results[index as usize].replace(result).is_none() {
                    missing -= 1;
                }
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// As [`Self::each`], but one failure fails the call: the first one is returned.
    pub(crate) fn all(&mut self, requests: &[Request]) -> Result<()> {
        self.each(requests)?.into_iter().collect()
    }

    /// Asks for one object and reads the answer's payload with `read`; `None` if the kernel says there is no such thing.
    pub(crate) fn get<T>(
        &mut self,
        request: &Request,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>> {
        let first = self.send([(request, 0)])?;
        loop {
            let length = self.receive(request)?;
            for frame in frames(&self.buffer[..length]) {
                let frame = frame.map_err(|why| request.malformed(why))?;
                if frame.sequence != first {
                    continue;
                }
                if frame.kind != NLMSG_ERROR {
                    return read(frame.payload).map(Some).map_err(|why| request.malformed(why));
                }
                return match frame.ack().map_err(|why| request.malformed(why))? {
                    Err((errno, _)) if is_absent(errno) => Ok(None),
                    Err((errno, said)) => Err(request.refused(errno, said)),
                    Ok(()) => Ok(None),
                };
            }
        }
    }

    /// Lists objects; `read` picks what is wanted from the payload of each.
    pub(crate) fn dump<T>(
        &mut self,
        request: &Request,
        read: impl Fn(&[u8]) -> Result<Option<T>, String>,
    ) -> Result<Vec<T>> {
        for _ in 0..DUMP_TRIES {
            if let Some(found) = self.dump_once(request, &read)? {
                return Ok(found);
            }
        }
        Err(request
            .refused(Errno::EBUSY, Some("the list changed during every attempt to read it".to_owned())))
    }

    /// `None` if the kernel says that the list changed under it.
    fn dump_once<T>(
        &mut self,
        request: &Request,
        read: &impl Fn(&[u8]) -> Result<Option<T>, String>,
    ) -> Result<Option<Vec<T>>> {
        let first = self.send([(request, NLM_F_DUMP)])?;
        let (mut found, mut seen, mut interrupted) = (Vec::new(), 0, false);
        loop {
            let length = self.receive(request)?;
            for frame in frames(&self.buffer[..length]) {
                let frame = frame.map_err(|why| request.malformed(why))?;
                if frame.sequence != first {
                    continue;
                }
                interrupted |= frame.flags & NLM_F_DUMP_INTR != 0;
                match frame.kind {
                    NLMSG_NOOP => {}
                    // A dump's last message carries an errno like an acknowledgement does.
                    NLMSG_DONE | NLMSG_ERROR => {
                        return match frame.ack().map_err(|why| request.malformed(why))? {
                            Ok(()) => Ok((!interrupted).then_some(found)),
                            Err((Errno::EINTR, _)) => Ok(None),
                            Err((errno, said)) => Err(request.refused(errno, said)),
                        };
                    }
                    _ => {
                        found.extend(read(frame.payload).map_err(|why| request.malformed(why))?);
                        seen += 1;
                        if seen > DUMP_MAX {
                            return Err(request.malformed(format!("more than {DUMP_MAX} objects")));
                        }
                    }
                }
            }
        }
    }

    /// Sends requests with their flags in one datagram; returns the sequence number of the first, the others follow.
    fn send<'r>(&mut self, requests: impl IntoIterator<Item = (&'r Request, u16)>) -> Result<u32> {
        let first = self.sequence.wrapping_add(1);
        let (mut datagram, mut what) = (Vec::new(), None);
        for (request, flags) in requests {
            self.sequence = self.sequence.wrapping_add(1);
            request.encode(flags, self.sequence, &mut datagram);
            what.get_or_insert(&request.what);
        }
        sys::netlink::send(self.socket.as_fd(), &datagram)
            .map_err(|source| Error::system(what.map_or("send nothing", String::as_str), source))?;
        Ok(first)
    }

    fn receive(&mut self, request: &Request) -> Result<usize> {
        sys::netlink::receive(self.socket.as_fd(), &mut self.buffer)
            .map_err(|source| Error::system(request.what.clone(), source))
    }
}

/// Whether the errno means that the object is not there.
pub(crate) fn is_absent(errno: Errno) -> bool {
    matches!(errno, Errno::ENODEV | Errno::ENOENT | Errno::ESRCH | Errno::ENXIO)
}

/// One message of a datagram.
#[derive(Debug, PartialEq, Eq)]
struct Frame<'b> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'b [u8],
}

impl Frame<'_> {
    /// Errno and text of an NLMSG_ERROR or NLMSG_DONE; `Ok` if it acknowledges.
    fn ack(&self) -> Result<Result<(), (Errno, Option<String>)>, String> {
        let Some((code, rest)) = self.payload.split_first_chunk::<4>() else {
            // The kernel may leave the code of NLMSG_DONE out.
            return if self.kind == NLMSG_DONE {
                Ok(Ok(()))
            } else {
                Err("an error without errno".to_owned())
            };
        };
        let code = i32::from_ne_bytes(*code);
        if code >= 0 {
            return Ok(Ok(()));
        }
        // After an error's code comes the request's header (NETLINK_CAP_ACK), after DONE's nothing.
        let attributes = if self.kind == NLMSG_ERROR { rest.get(HEADER..).unwrap_or_default() } else { rest };
        let told = self.flags & NLM_F_ACK_TLVS != 0;
        let said = told.then(|| text_of(attributes)).flatten();
        Ok(Err((Errno(code.saturating_neg()), said)))
    }
}

/// The kernel's words among the attributes of an error.
fn text_of(attributes: &[u8]) -> Option<String> {
    let text = NlasIterator::new(attributes).flatten().find(|one| one.kind() == ERROR_TEXT)?;
    Some(String::from_utf8_lossy(text.value()).trim_end_matches('\0').to_owned())
}

/// Cuts a datagram into its messages; anything odd ends it with an error.
fn frames(datagram: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, String>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        match split_frame(rest) {
            Ok((frame, after)) => {
                rest = after;
                Some(Ok(frame))
            }
            Err(why) => {
                rest = &[];
                Some(Err(why))
            }
        }
    })
}

fn split_frame(bytes: &[u8]) -> Result<(Frame<'_>, &[u8]), String> {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(format!("{} bytes where a header should be", bytes.len()));
    };
    let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, ..] = *header;
    let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
    if length < HEADER || length > bytes.len() {
        return Err(format!("a message of {length} bytes in {}", bytes.len()));
    }
    let frame = Frame {
        kind: u16::from_ne_bytes([k0, k1]),
        flags: u16::from_ne_bytes([f0, f1]),
        sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
        payload: &bytes[HEADER..length],
    };
    Ok((frame, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
