//! Header: reads the fields of one 512-byte tar header, strictly where tar readers have disagreed.
//!
//! The fields' places come from the `tar` crate; numbers and names are read here. Its own number parser takes no
//! empty fields (which many writers leave for devices), and nothing there bounds what an extension may allocate.
//! Formats: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".

use tar::Header;

pub(super) const BLOCK: usize = 512;

/// A field that is no number. The caller knows where it stands in the stream.
pub(super) type Problem = &'static str;

/// One header, its checksum verified.
pub(super) struct Fields<'a> {
    header: &'a Header,
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Seventh edition: no magic, no devices, no prefix.
    Old,
    Ustar,
    /// Schilling's tar: as ustar, but the prefix ends 24 bytes sooner, before two times.
    Star,
    Gnu,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(block: &'a [u8; BLOCK]) -> Result<Self, Problem> {
        verify_checksum(block)?;
        let header = Header::from_byte_slice(block);
        let format = match &block[257..265] {
            b"ustar  \0" => Format::Gnu,
            [b'u', b's', b't', b'a', b'r', 0, ..] if &block[508..512] == b"tar\0" => Format::Star,
            [b'u', b's', b't', b'a', b'r', 0, ..] => Format::Ustar,
            _ => Format::Old,
        };
        Ok(Self { header, format })
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.header.as_old().linkflag[0]
    }

    /// The name, with the prefix before it if the format has one.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.header.as_old().name);
        let prefix = self.prefix();
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    fn prefix(&self) -> &[u8] {
        let bytes = self.header.as_bytes();
        match self.format {
            Format::Old => &[],
            Format::Ustar => until_nul(&bytes[345..500]),
            Format::Star => until_nul(&bytes[345..476]),
            // Go's writer before 1.8 put a prefix into GNU headers, over the access and change times. Its
            // reader, and so every Go runtime, still takes one if those are no numbers and it is ASCII.
            Format::Gnu => {
                let times_are_sound = [345..357, 357..369]
                    .into_iter()
                    .all(|at| bytes[at.start] == 0 || number(&bytes[at]).is_ok());
                let prefix = until_nul(&bytes[345..500]);
                if !times_are_sound && prefix.is_ascii() { prefix } else { &[] }
            }
        }
    }

    pub(super) fn link_name(&self) -> &[u8] {
        until_nul(&self.header.as_old().linkname)
    }

    pub(super) fn size(&self) -> Result<u64, Problem> {
        u64::try_from(number(&self.header.as_old().size)?).map_err(|_| "negative size")
    }

    /// Permission bits with setuid, setgid and sticky; some writers add the file type, which is cut off.
    pub(super) fn mode(&self) -> Result<u32, Problem> {
        Ok((number(&self.header.as_old().mode)? & 0o7777) as u32)
    }

    pub(super) fn uid(&self) -> Result<i64, Problem> {
        number(&self.header.as_old().uid)
    }

    pub(super) fn gid(&self) -> Result<i64, Problem> {
        number(&self.header.as_old().gid)
    }

    /// Seconds since 1970.
    pub(super) fn mtime(&self) -> Result<i64, Problem> {
        number(&self.header.as_old().mtime)
    }

    /// Major and minor number; zero where the format has none.
    pub(super) fn device(&self) -> Result<(i64, i64), Problem> {
        if self.format == Format::Old {
            return Ok((0, 0));
        }
        let bytes = self.header.as_bytes();
        Ok((number(&bytes[329..337])?, number(&bytes[337..345])?))
    }

    /// The size a GNU sparse file has once its holes are filled in.
    pub(super) fn sparse_real_size(&self) -> Result<u64, Problem> {
        u64::try_from(number(&self.header.as_bytes()[483..495])?).map_err(|_| "negative size")
    }

    /// The four pieces (offset, length) in a GNU sparse header, and whether more follow in blocks of their own.
    pub(super) fn sparse_pieces(&self) -> (&[u8], bool) {
        let bytes = self.header.as_bytes();
        (&bytes[386..482], bytes[482] != 0)
    }

    pub(super) fn is_gnu(&self) -> bool {
        self.format == Format::Gnu
    }
}

/// The sum of all bytes with the field itself taken as spaces; old writers summed signed bytes.
fn verify_checksum(block: &[u8; BLOCK]) -> Result<(), Problem> {
    let said = number(&block[148..156])?;
    let (mut unsigned, mut signed) = (0i64, 0i64);
    for (at, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { *byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte as i8);
    }
    if said == unsigned || said == signed { Ok(()) } else { Err("wrong header checksum") }
}

/// A number field: octal text, or with the top bit set a big-endian two's complement number (GNU, star).
/// An empty field is zero.
pub(super) fn number(field: &[u8]) -> Result<i64, Problem> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => binary(field),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Result<i64, Problem> {
    let text = field.trim_ascii_start();
    let start = text.iter().position(|byte| *byte != 0).unwrap_or(text.len());
    let text = until_nul(&text[start..]).trim_ascii();
    let mut value = 0i64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 7 {
            return Err("a header field is no octal number");
        }
        value = value.checked_mul(8).ok_or("a header field is too large")? + i64::from(digit);
    }
    Ok(value)
}

fn binary(field: &[u8]) -> Result<i64, Problem> {
    // The top bit marks the encoding, the one below it is the sign.
    let negative = field[0] & 0x40 != 0;
    let mut value: i64 = if negative { -1 } else { 0 };
    for (at, byte) in field.iter().enumerate() {
        let byte = match (at, negative) {
            (0, true) => byte | 0x80,
            (0, false) => byte & 0x7f,
            _ => *byte,
        };
        value = value.checked_mul(256).ok_or("a header field is too large")? | i64::from(byte);
    }
    Ok(value)
}

/// The bytes before the first NUL.
pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or(field)
}

#[cfg(test)]
mod tests;
