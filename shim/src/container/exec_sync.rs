//! ExecSync: run, capture, give up after the timeout.
use std::{
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use proto::cri;
use tokio::{io::AsyncReadExt, net::unix::pipe};

use super::exec::{self, Stdio};
use crate::{
    ctx::Ctx,
    error::{Error, Kind, Result},
};

/// Kept of each stream; the rest is read and dropped, as CRI demands.
const CAPTURE: usize = 16 << 20;
/// After the process has ended, for output still in the pipe: a grandchild may hold it open for ever.
const DRAIN: Duration = Duration::from_millis(500);

pub(crate) async fn exec_sync(cx: &Arc<Ctx>, request: cri::ExecSyncRequest) -> Result<cri::ExecSyncResponse> {
    let container = cx.store.container(&request.container_id)?;
    let (stdout, stdout_end) = pipe()?;
    let (stderr, stderr_end) = pipe()?;
    let stdio = Stdio { stdin: None, stdout: Some(stdout_end), stderr: Some(stderr_end) };
    let mut running = exec::exec(cx, &container, &request.cmd, false, stdio).await?;
    let captures = (Capture::start(stdout), Capture::start(stderr));
    let ended = async {
        let code = running.exit_code().await?;
        let captured = tokio::join!(captures.0.finish(), captures.1.finish());
        Ok::<_, Error>((code, captured))
    };
    let (exit_code, (stdout, stderr)) = match u64::try_from(request.timeout) {
        Ok(seconds) if seconds > 0 => {
            tokio::time::timeout(Duration::from_secs(seconds), ended).await.map_err(|_| {
                Error::new(
                    Kind::Timeout,
                    format!(
                        "exec {:?} in container {}: timed out after {seconds} s and was killed",
                        request.cmd,
                        container.id()
                    ),
                )
            })??
        }
        _ => ended.await?,
    };
    Ok(cri::ExecSyncResponse { stdout, stderr, exit_code })
}

/// Reads one stream to its end beside the exec; owned by it, so it ends with it.
struct Capture {
    kept: Arc<Mutex<Vec<u8>>>,
    reader: tokio::task::JoinHandle<()>,
}

impl Capture {
    fn start(mut from: pipe::Receiver) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let target = kept.clone();
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0u8; 64 << 10];
            while let Ok(length @ 1..) = from.read(&mut buffer).await {
                let mut kept = target.lock().unwrap_or_else(PoisonError::into_inner);
                let room = CAPTURE - kept.len();
                kept.extend_from_slice(buffer.get(..length.min(room)).unwrap_or_default());
            }
        });
        Self { kept, reader }
    }

    /// What came until the end of the stream, or until the drain time has passed.
    async fn finish(mut self) -> Vec<u8> {
        let _ = tokio::time::timeout(DRAIN, &mut self.reader).await;
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Our end, awaited, and the container's end.
fn pipe() -> Result<(pipe::Receiver, OwnedFd)> {
    let made = sys::io::pipe()
        .map_err(std::io::Error::from)
        .and_then(|(reader, writer)| Ok((pipe::Receiver::from_owned_fd(reader)?, writer)));
    made.map_err(|error| Error::caused(Kind::Exhausted, "make a pipe for the output", error))
}
