//! One record of a log: `2026-11-22T10:00:00.123456789Z stdout F text` (P: the line goes on in the next record).

/// A record, as parsed from a line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) time: &'a str,
    pub(super) stderr: bool,
    /// The line goes on in the next record.
    pub(super) partial: bool,
    pub(super) content: &'a [u8],
}

impl<'a> Record<'a> {
    /// `line` is without its newline. What is no record (a line cut by a crash) is shown as it is.
    pub(super) fn parse(line: &'a [u8]) -> Self {
        Self::parts(line).unwrap_or(Self { time: "-", stderr: false, partial: false, content: line })
    }

    fn parts(line: &'a [u8]) -> Option<Self> {
        let (time, rest) = word(line)?;
        let (stream, rest) = word(rest)?;
        // An empty line may lack the space behind its tags.
        let (tags, content) = word(rest).unwrap_or((rest, &[]));
        let stderr = match stream {
            b"stdout" => false,
            b"stderr" => true,
            _ => return None,
        };
        // Tags after the first are for later versions of the format.
        let partial = match tags.split(|&byte| byte == b':').next()? {
            b"P" => true,
            b"F" => false,
            _ => return None,
        };
        Some(Self { time: str::from_utf8(time).ok()?, stderr, partial, content })
    }

    /// Whether `line` is the last of its record, for counting.
    pub(super) fn ends_line(line: &'a [u8]) -> bool {
        !Self::parse(line).partial
    }
}

fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    Some((bytes.get(..space)?, bytes.get(space + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_four_parts() {
        let record = Record::parse(b"2026-11-22T10:00:00.1Z stderr P  two  spaces \xff");
        assert_eq!(
            record,
            Record {
                time: "2026-11-22T10:00:00.1Z",
                stderr: true,
                partial: true,
                content: b" two  spaces \xff"
            }
        );
        let whole = Record::parse(b"T stdout F:later text");
        assert_eq!((whole.partial, whole.content), (false, b"text".as_slice()));
    }

    #[test]
    fn empty_lines_are_records() {
        assert_eq!(Record::parse(b"T stdout F ").content, b"");
        assert_eq!(Record::parse(b"T stdout F").content, b"");
    }

    #[test]
    fn what_is_no_record_is_shown_as_it_is() {
        for line in ["", "hello", "T stdin F x", "T stdout X x", "T stdout"] {
            let record = Record::parse(line.as_bytes());
            assert_eq!(
                (record.content, record.time, record.partial),
                (line.as_bytes(), "-", false),
                "{line:?}"
            );
        }
    }
}
