//! Container logs as kubelet reads them: `<RFC 3339 with nanoseconds> <stream> <P|F> <content>`, a line each.

use std::{fs, path::Path};

use crate::{Doing, Failure, Result};

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As written.
    pub time: String,
    /// Where it came from.
    pub stream: Stream,
    /// More of the same line follows.
    pub partial: bool,
    /// Without the line's end.
    pub content: Vec<u8>,
}

impl Line {
    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}

/// Reads a log file, which must be well-formed to the last byte.
///
/// # Errors
/// When it cannot be read or has a line that kubelet would not understand.
#[track_caller]
pub fn read_log(path: &Path) -> Result<Vec<Line>> {
    parse_log(&fs::read(path).doing(|| format!("read log {}", path.display()))?)
}

/// The lines of a log.
///
/// # Errors
/// When one is not well-formed.
#[track_caller]
pub fn parse_log(bytes: &[u8]) -> Result<Vec<Line>> {
    let Some(whole) = bytes.strip_suffix(b"\n") else {
        return if bytes.is_empty() {
            Ok(Vec::new())
        } else {
            Err(Failure::new("the log does not end with a line's end"))
        };
    };
    let lines = whole
        .split(|byte| *byte == b'\n')
        .map(|line| parse(line).doing(|| format!("understand log line {:?}", String::from_utf8_lossy(line))));
    lines.collect()
}

fn parse(line: &[u8]) -> Option<Line> {
    let mut fields = line.splitn(4, |byte| *byte == b' ');
    let time = std::str::from_utf8(fields.next()?).ok()?.to_owned();
    let stream = match fields.next()? {
        b"stdout" => Stream::Stdout,
        b"stderr" => Stream::Stderr,
        _ => return None,
    };
    let partial = match fields.next()? {
        b"P" => true,
        b"F" => false,
        _ => return None,
    };
    is_time(&time).then_some(Line { time, stream, partial, content: fields.next()?.to_vec() })
}

/// 2026-11-22T01:02:03.123456789Z or with an offset in place of Z; always nine digits, so that lines sort.
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let Some(zone) = shape.strip_prefix("9999-99-99T99:99:99.999999999") else { return false };
    matches!(zone, "Z" | "+99:99" | "-99:99")
}

#[cfg(test)]
mod tests;
