//! Cutting a byte stream into records of the CRI log format; no I/O.
use sys::bytes;

use crate::event::Stream;

/// Most bytes of one record's text. kubelet and every log shipper expect runtimes to cut here.
pub(crate) const MAX_TEXT: usize = 16 * 1024;
/// `2026-11-22T10:00:00.123456789Z`
const TIMESTAMP_LENGTH: usize = 30;
/// Timestamp, stream and tag with the spaces after them.
const HEADER_LENGTH: usize = TIMESTAMP_LENGTH + " stdout F ".len();
/// The longest record.
pub(crate) const MAX_RECORD: usize = HEADER_LENGTH + MAX_TEXT + 1;

/// The part of a stream's last line that is not in a record yet.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    partial: Vec<u8>,
}

/// Records of one batch of output, all with the time at which they were read, in a buffer of the caller's.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    buffer: &'a mut [u8],
    length: usize,
    timestamp: [u8; TIMESTAMP_LENGTH],
}

impl<'a> Records<'a> {
    /// `buffer` holds at least [`MAX_RECORD`] bytes; `realtime_ns` are nanoseconds since 1970.
    pub(crate) fn new(buffer: &'a mut [u8], realtime_ns: i64) -> Self {
        Self { buffer, length: 0, timestamp: timestamp(realtime_ns) }
    }

    /// The records since the last `clear`.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// Takes as much of `output` as there is room for; returns what is left.
    pub(crate) fn take<'o>(
        &mut self,
        line: &mut LineBuffer,
        stream: Stream,
        mut output: &'o [u8],
    ) -> &'o [u8] {
        while !output.is_empty() && self.length + MAX_RECORD <= self.buffer.len() {
            let room = MAX_TEXT - line.partial.len();
            let window = output.get(..room.min(output.len())).unwrap_or(output);
            let (text, tag, rest) = match bytes::find(window, b'\n') {
                Some(end) => (window.get(..end), b'F', output.get(end + 1..)),
                None if window.len() == room => (Some(window), b'P', output.get(room..)),
                None => {
                    line.partial.extend_from_slice(window);
                    return &[];
                }
            };
            self.put(stream, tag, [line.partial.as_slice(), text.unwrap_or_default()]);
            // Given back at once: most lines arrive whole, and an idle pod keeps nothing.
            line.partial = Vec::new();
            output = rest.unwrap_or_default();
        }
        output
    }

    /// The end of the stream: a line without its newline is partial for ever.
    pub(crate) fn finish(&mut self, line: &mut LineBuffer, stream: Stream) {
        if !line.partial.is_empty() {
            self.put(stream, b'P', [line.partial.as_slice(), &[]]);
            line.partial = Vec::new();
        }
    }

    /// One record of our own making.
    pub(super) fn note(&mut self, stream: Stream, text: &str) {
        let end = text.floor_char_boundary(MAX_TEXT);
        self.put(stream, b'F', [text.as_bytes().get(..end).unwrap_or_default(), &[]]);
    }

    fn put(&mut self, stream: Stream, tag: u8, [start, end]: [&[u8]; 2]) {
        let timestamp = self.timestamp;
        self.append(&timestamp);
        self.append(match stream {
            Stream::Stdout => b" stdout ",
            Stream::Stderr => b" stderr ",
        });
        self.append(&[tag, b' ']);
        self.append(start);
        self.append(end);
        self.append(b"\n");
    }

    /// There is room: every caller has left some for a whole record.
    fn append(&mut self, bytes: &[u8]) {
        if let Some(place) = self.buffer.get_mut(self.length..self.length + bytes.len()) {
            place.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }
}

/// How many bytes of the container's output whole `records` hold; the newline that F stands for counts.
pub(super) fn content_bytes(records: &[u8]) -> u64 {
    records
        .split_inclusive(|byte| *byte == b'\n')
        .map(|record| {
            let text = record.len().saturating_sub(HEADER_LENGTH + 1) as u64;
            // The tag stands before the header's last space.
            let ends_line = record.get(HEADER_LENGTH - 2) == Some(&b'F');
            text + u64::from(ends_line)
        })
        .sum()
}

/// RFC 3339 in UTC with nine digits of a second, so that every record's text starts at the same column.
pub(super) fn timestamp(realtime_ns: i64) -> [u8; TIMESTAMP_LENGTH] {
    let seconds = realtime_ns.div_euclid(1_000_000_000);
    let nanoseconds = realtime_ns.rem_euclid(1_000_000_000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    for (at, width, value) in [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, of_day / 3600),
        (14, 2, of_day / 60 % 60),
        (17, 2, of_day % 60),
        (20, 9, nanoseconds),
    ] {
        let mut rest = value;
        for digit in text.iter_mut().skip(at).take(width).rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
    }
    text
}

/// (year, month, day) of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year; 400 years are 146,097 days.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let from_march_0000 = days + 719_468;
    let era = from_march_0000.div_euclid(146_097);
    let day_of_era = from_march_0000.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}
