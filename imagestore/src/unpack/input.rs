//! Input: the tar stream with its position, its limit, and one buffer that everything is read from.

use std::io::{self, Read};

use super::{
    UnpackError,
    decompress::OverBudget,
    header::{BLOCK, Problem},
};

/// Large enough that a file costs few calls, small enough for the second-level cache.
const BUFFER: usize = 256 << 10;

pub(super) struct Input<R> {
    reader: R,
    buffer: Box<[u8]>,
    /// What is read but not yet taken: `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Bytes taken.
    offset: u64,
    limit: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Self { reader, buffer: vec![0; BUFFER].into_boxed_slice(), start: 0, end: 0, offset: 0, limit }
    }

    pub(super) fn malformed(&self, problem: Problem) -> UnpackError {
        UnpackError::Malformed { offset: self.offset, problem }
    }

    /// Bytes that are there now, at most `max`; empty only at the end of the stream.
    pub(super) fn peek(&mut self, max: u64) -> Result<&[u8], UnpackError> {
        if self.start == self.end && max > 0 {
            self.fill()?;
        }
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        Ok(&self.buffer[self.start..self.end.min(self.start.saturating_add(max))])
    }

    /// Marks `n` of the bytes that `peek` gave as taken.
    pub(super) fn consume(&mut self, n: usize) {
        self.start += n;
        self.offset += n as u64;
    }

    fn fill(&mut self) -> Result<(), UnpackError> {
        (self.start, self.end) = (0, 0);
        loop {
            match self.reader.read(&mut self.buffer) {
                Ok(n) => self.end = n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(read_error(source)),
            }
            if self.offset + self.end as u64 > self.limit {
                return Err(over(self.limit));
            }
            return Ok(());
        }
    }

    /// The next block, or `None` if the stream ends exactly here.
    pub(super) fn block(&mut self) -> Result<Option<[u8; BLOCK]>, UnpackError> {
        let mut block = [0; BLOCK];
        if self.peek(1)?.is_empty() {
            return Ok(None);
        }
        self.exact(&mut block)?;
        Ok(Some(block))
    }

    pub(super) fn exact(&mut self, mut out: &mut [u8]) -> Result<(), UnpackError> {
        while !out.is_empty() {
            let piece = self.peek(out.len() as u64)?;
            if piece.is_empty() {
                return Err(self.cut_short());
            }
            let n = piece.len();
            out[..n].copy_from_slice(piece);
            self.consume(n);
            out = &mut out[n..];
        }
        Ok(())
    }

    pub(super) fn skip(&mut self, mut n: u64) -> Result<(), UnpackError> {
        while n > 0 {
            let got = self.peek(n)?.len();
            if got == 0 {
                return Err(self.cut_short());
            }
            self.consume(got);
            n -= got as u64;
        }
        Ok(())
    }

    /// Reads to the end, so that a hash over the stream has seen all of it.
    pub(super) fn drain(&mut self) -> Result<(), UnpackError> {
        loop {
            let got = self.peek(u64::MAX)?.len();
            if got == 0 {
                return Ok(());
            }
            self.consume(got);
        }
    }

    pub(super) fn cut_short(&self) -> UnpackError {
        self.malformed("cut short")
    }
}

fn read_error(source: io::Error) -> UnpackError {
    match source.get_ref().and_then(|inner| inner.downcast_ref::<OverBudget>()) {
        Some(OverBudget(limit)) => over(*limit),
        None => UnpackError::Read { source },
    }
}

fn over(limit: u64) -> UnpackError {
    UnpackError::Limit { what: "bytes of tar stream", limit }
}
