//! A container's log as the node keeps it: CRI's line format, cut into files by whoever rotates them.

mod follow;
mod record;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use follow::Tail;
use record::Record;

use crate::failure::{Doing, Result};

/// How long to wait before looking for more: longer each time there was nothing.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How a log is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Only so many lines from the end.
    pub(crate) tail: Option<usize>,
    /// The time before each line.
    pub(crate) timestamps: bool,
}

/// A log that is being printed: each line to our standard output or error, whichever it came from.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    tail: Tail,
    printer: Printer,
}

impl Log {
    pub(crate) fn open(path: &Path, options: Options) -> Result<Self> {
        let tail = Tail::open(path, options.tail).doing(format_args!("read log {}", path.display()))?;
        let printer = Printer { timestamps: options.timestamps, ..Printer::default() };
        Ok(Self { path: path.to_owned(), tail, printer })
    }

    /// Prints what there is and was not printed yet; false if that is nothing.
    pub(crate) fn print_new(&mut self) -> Result<bool> {
        let Self { path, tail, printer } = self;
        let mut idle = true;
        while tail.read(|line| printer.print(line)).doing(format_args!("read log {}", path.display()))? {
            idle = false;
        }
        printer.flush()?;
        Ok(!idle)
    }

    /// Goes on until `ended` says that nothing more will be written, and all that was written is printed.
    pub(crate) async fn follow(&mut self, mut ended: impl AsyncFnMut() -> Result<bool>) -> Result {
        let mut over = false;
        let mut pause = PAUSE;
        loop {
            if self.print_new()? {
                pause = PAUSE;
            } else if over {
                return Ok(());
            } else {
                over = ended().await?;
                if !over {
                    tokio::time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(2 * pause);
                }
            }
        }
    }
}

/// Writes records as they were before they were logged.
#[derive(Debug, Default)]
struct Printer {
    timestamps: bool,
    /// The record before ended in the middle of a line.
    within_line: bool,
}

impl Printer {
    fn print(&mut self, line: &[u8]) -> io::Result<()> {
        let record = Record::parse(line);
        if record.stderr {
            self.write(&record, &mut io::stderr().lock())
        } else {
            self.write(&record, &mut io::stdout().lock())
        }
    }

    fn write(&mut self, record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
        if self.timestamps && !self.within_line {
            write!(out, "{} ", record.time)?;
        }
        out.write_all(record.content)?;
        self.within_line = record.partial;
        if record.partial { Ok(()) } else { out.write_all(b"\n") }
    }

    fn flush(&self) -> io::Result<()> {
        io::stdout().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_records_are_one_line_with_one_time() {
        let mut printer = Printer { timestamps: true, ..Printer::default() };
        let mut out = Vec::new();
        for line in ["T1 stdout P one ", "T2 stdout P and ", "T3 stdout F the same", "T4 stdout F next"] {
            printer.write(&Record::parse(line.as_bytes()), &mut out).unwrap();
        }
        assert_eq!(String::from_utf8(out).unwrap(), "T1 one and the same\nT4 next\n");
    }
}
