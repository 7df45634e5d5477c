//! Byte streams over one WebSocket, told apart by a number in front of each message.

mod clock;
mod coding;

use std::{
    collections::{HashMap, VecDeque},
    future::{pending, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    time::{self, MissedTickBehavior},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as WireError, Message,
        error::ProtocolError,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use self::clock::Clock;
use super::{Dialect, Error, MAX_MESSAGE, Role, open};
use crate::socket::{Alive, Socket};

/// What one channel may have received and its reader not yet fetched, and the same for what is to be sent.
const PIPE: usize = 64 * 1024;
/// Of an output, in one message.
const CHUNK: usize = 16 * 1024;
/// The channel on which the closing of others is told.
const CLOSE: u8 = 255;
/// How long the peer may take to read our last words before the socket is closed under it.
const LINGER: Duration = Duration::from_secs(60);
/// The same, when it did what it must not.
const SHORT_LINGER: Duration = Duration::from_secs(2);
/// While a full channel keeps us from reading, and so from answering pings, pongs go out unasked: Kubernetes'
/// clients give up a connection that answers nothing for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

type Sink = SplitSink<WebSocketStream<Socket>, Message>;
type Source = SplitStream<WebSocketStream<Socket>>;

/// The channels of a session: made first, then run.
///
/// Nothing moves unless [`Channels::run`] is polled; dropping that ends every channel.
pub(crate) struct Channels {
    dialect: Dialect,
    role: Role,
    inputs: HashMap<u8, DuplexStream>,
    outputs: Outputs,
    greets: bool,
}

/// What is to be sent.
#[derive(Default)]
struct Outputs {
    /// The next to be asked is in front.
    open: VecDeque<(u8, DuplexStream)>,
    /// Asked when all others have ended.
    last: Option<(u8, DuplexStream)>,
}

impl Channels {
    pub(crate) fn new(dialect: Dialect, role: Role) -> Self {
        Self { dialect, role, inputs: HashMap::new(), outputs: Outputs::default(), greets: false }
    }

    /// What the peer sends on a channel; only for reading.
    pub(crate) fn input(&mut self, number: u8) -> DuplexStream {
        let (near, far) = duplex(PIPE);
        self.inputs.insert(number, near);
        far
    }

    /// What is sent to the peer on a channel; only for writing. The connection closes when all outputs have.
    pub(crate) fn output(&mut self, number: u8) -> DuplexStream {
        let (near, far) = duplex(PIPE);
        self.outputs.open.push_back((number, near));
        far
    }

    /// An output that is sent when the others have ended.
    pub(crate) fn last_output(&mut self, number: u8) -> DuplexStream {
        let (near, far) = duplex(PIPE);
        self.outputs.last = Some((number, near));
        far
    }

    /// Begins with an empty message on the first output, by which old clients know that the session stands.
    pub(crate) fn greet(&mut self) {
        self.greets = true;
    }

    /// Runs until the peer closes, our outputs have ended (a server's), nothing happened for `idle`, or something
    /// fails.
    pub(crate) async fn run(mut self, socket: Socket, ahead: Bytes, idle: Duration) -> Result<(), Error> {
        let alive = socket.alive();
        let (mut sink, mut source) = open(socket, ahead, self.role).await.split();
        let clock = Clock::new();
        let (dialect, greeting) = (self.dialect, self.greeting());
        let result = tokio::select! {
            result = read_loop(&mut source, &mut self.inputs, dialect, &alive, &clock) => result,
            result = write_loop(&mut sink, &mut self.outputs, dialect, self.role, greeting, &clock) => result,
            result = clock.idle(idle) => result,
        };
        match result.as_ref().err().and_then(reproach) {
            Some(frame) => part(sink, source, frame).await,
            // The answer to the peer's good-bye, if there is one to be sent.
            None => drop(time::timeout(SHORT_LINGER, sink.close()).await),
        }
        result
    }

    fn greeting(&self) -> Option<Message> {
        let first = self.outputs.open.front().or(self.outputs.last.as_ref());
        first.filter(|_| self.greets).map(|(number, _)| self.dialect.coding.message(*number, &[]))
    }
}

// === socket → channels ===

async fn read_loop(
    source: &mut Source,
    inputs: &mut HashMap<u8, DuplexStream>,
    dialect: Dialect,
    alive: &Alive,
    clock: &Clock,
) -> Result<(), Error> {
    while let Some(message) = source.next().await {
        clock.touch();
        let payload = match message {
            Ok(Message::Binary(bytes)) => bytes,
            Ok(Message::Text(text)) => text.into(),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => continue,
            Ok(Message::Close(_)) => return Ok(()),
            Err(WireError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return Err(Error::Gone),
            Err(error) => return Err(error.into()),
        };
        let Some((number, bytes)) = dialect.coding.parse(payload)? else { continue };
        if dialect.closes && number == CLOSE {
            bytes.first().into_iter().for_each(|closed| drop(inputs.remove(closed)));
            continue;
        }
        // A channel that is not there, or not any more: what comes on it is for nobody.
        let Some(pipe) = inputs.get_mut(&number) else { continue };
        let _blocked = clock.blocked();
        if alive.watching(pipe.write_all(&bytes)).await.map_err(|_| Error::Gone)?.is_err() {
            inputs.remove(&number);
        }
    }
    Ok(())
}

// === channels → socket ===

/// What the outputs have to say.
enum Said {
    Message(Message),
    Closed(u8),
    Nothing,
}

async fn write_loop(
    sink: &mut Sink,
    outputs: &mut Outputs,
    dialect: Dialect,
    role: Role,
    greeting: Option<Message>,
    clock: &Clock,
) -> Result<(), Error> {
    if let Some(greeting) = greeting {
        sink.send(greeting).await?;
    }
    let mut beat = time::interval(KEEP_ALIVE);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            said = poll_fn(|cx| outputs.poll(cx, dialect)) => match said {
                Said::Message(message) => message,
                Said::Closed(number) if dialect.closes && role == Role::Client => {
                    dialect.coding.message(CLOSE, &[number])
                }
                Said::Closed(_) => continue,
                Said::Nothing => break,
            },
            _ = beat.tick() => {
                if !clock.is_blocked() {
                    continue;
                }
                Message::Pong(Bytes::new())
            }
        };
        clock.touch();
        sink.send(message).await?;
    }
    if role == Role::Client {
        // It is for the server to say when it is over.
        return pending().await;
    }
    sink.send(farewell(CloseCode::Normal, "")).await?;
    // The peer answers or closes when it has read all: then the read loop ends, and with it this.
    time::sleep(LINGER).await;
    Ok(())
}

impl Outputs {
    /// The next piece of any output, in turns.
    fn poll(&mut self, cx: &mut Context<'_>, dialect: Dialect) -> Poll<Said> {
        let mut chunk = [0; CHUNK];
        for turn in 0..self.open.len() {
            let Some((number, pipe)) = self.open.get_mut(turn) else { break };
            let Poll::Ready(bytes) = read(pipe, cx, &mut chunk) else { continue };
            let number = *number;
            if bytes.is_empty() {
                self.open.remove(turn);
                return Poll::Ready(Said::Closed(number));
            }
            self.open.rotate_left(turn + 1);
            return Poll::Ready(Said::Message(dialect.coding.message(number, bytes)));
        }
        let Some((number, pipe)) = self.last.as_mut().filter(|_| self.open.is_empty()) else {
            return if self.open.is_empty() { Poll::Ready(Said::Nothing) } else { Poll::Pending };
        };
        let bytes = std::task::ready!(read(pipe, cx, &mut chunk));
        let number = *number;
        if bytes.is_empty() {
            self.last = None;
            return Poll::Ready(Said::Closed(number));
        }
        Poll::Ready(Said::Message(dialect.coding.message(number, bytes)))
    }
}

/// What a pipe holds; nothing at its end.
fn read<'a>(pipe: &mut DuplexStream, cx: &mut Context<'_>, chunk: &'a mut [u8]) -> Poll<&'a [u8]> {
    let mut buffer = ReadBuf::new(chunk);
    // A pipe knows no errors but its end.
    let _ = std::task::ready!(Pin::new(pipe).poll_read(cx, &mut buffer));
    let n = buffer.filled().len();
    Poll::Ready(chunk.get(..n).unwrap_or_default())
}

// === leaving ===

fn farewell(code: CloseCode, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}

/// What to tell a peer whose doing ends the session; `None` when it is not at fault, or gone.
fn reproach(error: &Error) -> Option<Message> {
    const { assert!(MAX_MESSAGE == 1024 * 1024, "as the text says") };
    match error {
        Error::WebSocket(wire) => match **wire {
            WireError::Capacity(_) => Some(farewell(CloseCode::Size, "a message has at most 1 MiB")),
            WireError::Protocol(_) => Some(farewell(CloseCode::Protocol, "not as RFC 6455 wants it")),
            WireError::Utf8(_) => Some(farewell(CloseCode::Invalid, "text that is not UTF-8")),
            _ => None,
        },
        Error::Protocol(why) => Some(farewell(CloseCode::Protocol, why)),
        Error::Idle(_) => Some(farewell(CloseCode::Policy, "idle for too long")),
        Error::Gone => None,
    }
}

/// Tells the peer why, and lets it read that: closing a socket that holds unread bytes would take the words back.
async fn part(sink: Sink, source: Source, frame: Message) {
    let Ok(mut socket) = sink.reunite(source) else { return };
    let leave = async {
        socket.send(frame).await.ok()?;
        let socket = socket.get_mut();
        socket.shutdown().await.ok()?;
        while socket.read(&mut [0; 4096]).await.is_ok_and(|n| n > 0) {}
        Some(())
    };
    let _ = time::timeout(SHORT_LINGER, leave).await;
}
