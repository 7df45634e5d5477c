//! The daemon's side of the protocol, blocking and without mercy: an unexpected answer is a failed test.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use proto::{
    monitor::{
        Attach, Event, Exec, ExecPlan, Exited, Failed, Forget, KillAll, LaunchPlan, ReopenLog, Reply,
        Request, Resize, Shutdown, Signal, Start, Started, Watch, reply, request,
    },
    prost::Message,
};
use sys::{
    memfd,
    seqpacket::{self, Incoming},
};

pub(crate) struct Client(OwnedFd);

impl Client {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    pub(crate) fn send(&self, request: request::Request, fds: &[BorrowedFd<'_>]) {
        let bytes = Request { request: Some(request) }.encode_to_vec();
        assert!(seqpacket::send(&self.0, &bytes, fds).unwrap());
    }

    /// Whether the monitor still takes requests on this connection.
    pub(crate) fn try_send(&self, request: &request::Request) -> bool {
        let bytes = Request { request: Some(request.clone()) }.encode_to_vec();
        seqpacket::send(&self.0, &bytes, &[]).unwrap_or(false)
    }

    pub(crate) fn send_bytes(&self, bytes: &[u8]) {
        seqpacket::send(&self.0, bytes, &[]).unwrap();
    }

    pub(crate) fn recv(&self) -> (reply::Reply, Vec<OwnedFd>) {
        self.try_recv().expect("the monitor hung up")
    }

    pub(crate) fn try_recv(&self) -> Option<(reply::Reply, Vec<OwnedFd>)> {
        let mut buffer = vec![0; 64 * 1024];
        match seqpacket::recv(&self.0, &mut buffer).unwrap() {
            Incoming::Message(message) => {
                Some((Reply::decode(&buffer[..message.length]).unwrap().reply.unwrap(), message.fds))
            }
            Incoming::Closed | Incoming::WouldBlock => None,
        }
    }

    pub(crate) fn call(&self, request: request::Request) -> Result<Vec<OwnedFd>, Failed> {
        self.send(request, &[]);
        match self.recv() {
            (reply::Reply::Done(_), fds) => Ok(fds),
            (reply::Reply::Failed(failed), _) => Err(failed),
            (other, _) => panic!("{other:?}"),
        }
    }

    /// Started with the pidfd.
    pub(crate) fn try_start(&self, plan: &LaunchPlan) -> Result<(Started, OwnedFd), Failed> {
        let memfd = memfd::sealed("launch", &plan.encode_to_vec()).unwrap();
        let start = Start { container_id: plan.container_id.clone() };
        self.send(request::Request::Start(start), &[memfd.as_fd()]);
        match self.recv() {
            (reply::Reply::Started(started), mut fds) => {
                assert_eq!(fds.len(), 1);
                Ok((started, fds.remove(0)))
            }
            (reply::Reply::Failed(failed), _) => Err(failed),
            (other, _) => panic!("{other:?}"),
        }
    }

    pub(crate) fn start(&self, plan: &LaunchPlan) -> Started {
        self.try_start(plan).unwrap().0
    }

    /// Starts an exec with these descriptors as stdin, stdout, stderr; the rest of its life is `exited`.
    pub(crate) fn try_exec(
        &self,
        plan: &ExecPlan,
        streams: [Option<BorrowedFd<'_>>; 3],
    ) -> Result<(Started, Vec<OwnedFd>), Failed> {
        let memfd = memfd::sealed("exec", &plan.encode_to_vec()).unwrap();
        let [stdin, stdout, stderr] = streams;
        let exec = Exec {
            container_id: plan.container_id.clone(),
            exec_id: "e".into(),
            stdin: stdin.is_some(),
            stdout: stdout.is_some(),
            stderr: stderr.is_some(),
        };
        let fds: Vec<_> = [Some(memfd.as_fd()), stdin, stdout, stderr].into_iter().flatten().collect();
        self.send(request::Request::Exec(exec), &fds);
        match self.recv() {
            (reply::Reply::Started(started), fds) => Ok((started, fds)),
            (reply::Reply::Failed(failed), _) => Err(failed),
            (other, _) => panic!("{other:?}"),
        }
    }

    /// Asks for an exec and does not wait for anything.
    pub(crate) fn send_exec(&self, plan: &ExecPlan) {
        let memfd = memfd::sealed("exec", &plan.encode_to_vec()).unwrap();
        let exec = Exec { container_id: plan.container_id.clone(), ..Exec::default() };
        self.send(request::Request::Exec(exec), &[memfd.as_fd()]);
    }

    pub(crate) fn exited(&self) -> Exited {
        match self.recv() {
            (reply::Reply::Exited(exited), _) => exited,
            (other, _) => panic!("{other:?}"),
        }
    }

    pub(crate) fn event(&self) -> Event {
        match self.recv() {
            (reply::Reply::Event(event), _) => event,
            (other, _) => panic!("{other:?}"),
        }
    }

    /// Waits on a connection of its own until the container has exited.
    pub(crate) fn wait_exit(&self, container_id: &str) -> Exited {
        self.send(request::Request::Watch(Watch {}), &[]);
        loop {
            let event = self.event();
            if let Some(exited) = event.exited.filter(|_| event.container_id == container_id) {
                return exited;
            }
        }
    }

    pub(crate) fn signal(&self, container_id: &str, signal: i32) -> Result<(), Failed> {
        self.call(request::Request::Signal(Signal { container_id: container_id.into(), signal })).map(drop)
    }

    pub(crate) fn kill_all(&self, container_id: &str) {
        self.call(request::Request::KillAll(KillAll { container_id: container_id.into() })).unwrap();
    }

    pub(crate) fn reopen_log(&self, container_id: &str) -> Result<(), Failed> {
        self.call(request::Request::ReopenLog(ReopenLog { container_id: container_id.into() })).map(drop)
    }

    pub(crate) fn attach(&self, container_id: &str, [stdin, stdout, stderr]: [bool; 3]) -> Vec<OwnedFd> {
        let attach = Attach { container_id: container_id.into(), stdin, stdout, stderr };
        self.call(request::Request::Attach(attach)).unwrap()
    }

    pub(crate) fn resize(&self, container_id: &str, width: u32, height: u32) -> Result<(), Failed> {
        self.call(request::Request::Resize(Resize { container_id: container_id.into(), width, height }))
            .map(drop)
    }

    pub(crate) fn forget(&self, container_id: &str) -> Result<(), Failed> {
        self.call(request::Request::Forget(Forget { container_id: container_id.into() })).map(drop)
    }

    pub(crate) fn shutdown(&self) {
        self.call(request::Request::Shutdown(Shutdown {})).unwrap();
    }
}
