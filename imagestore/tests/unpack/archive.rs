//! Archives made by hand, header by header, so that a test can put any byte anywhere.

/// An archive under construction.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

/// The fields of one header; what a test does not care about is sensible.
#[derive(Clone)]
pub(crate) struct Header<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) flag: u8,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    pub(crate) mtime: u64,
    pub(crate) link: &'a [u8],
    pub(crate) device: (u64, u64),
}

impl<'a> Header<'a> {
    pub(crate) fn new(flag: u8, name: &'a [u8]) -> Self {
        let mode = if flag == b'5' { 0o755 } else { 0o644 };
        Self { name, flag, mode, uid: 0, gid: 0, size: 0, mtime: 1_000_000_000, link: b"", device: (0, 0) }
    }

    pub(crate) fn block(&self) -> [u8; 512] {
        let mut block = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name[..self.name.len().min(100)]);
        put(100, format!("{:07o}\0", self.mode).as_bytes());
        put(108, format!("{:07o}\0", self.uid).as_bytes());
        put(116, format!("{:07o}\0", self.gid).as_bytes());
        put(124, &number(self.size, 12));
        put(136, &number(self.mtime, 12));
        put(156, &[self.flag]);
        put(157, &self.link[..self.link.len().min(100)]);
        put(257, b"ustar\x0000");
        put(329, &number(self.device.0, 8));
        put(337, &number(self.device.1, 8));
        seal(&mut block);
        block
    }
}

fn number(value: u64, width: usize) -> Vec<u8> {
    let text = format!("{value:0digits$o}\0", digits = width - 1);
    if text.len() <= width {
        return text.into_bytes();
    }
    let mut field = vec![0; width - 8];
    field.extend_from_slice(&value.to_be_bytes());
    field[0] |= 0x80;
    field
}

/// Puts the right checksum into a header.
pub(crate) fn seal(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

impl Tar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn block(mut self, block: &[u8; 512]) -> Self {
        self.0.extend_from_slice(block);
        self
    }

    /// A header and the data it announces, padded.
    pub(crate) fn entry(self, header: &Header<'_>, data: &[u8]) -> Self {
        self.block(&header.block()).data(data)
    }

    pub(crate) fn data(mut self, data: &[u8]) -> Self {
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, name: &str, data: &str) -> Self {
        self.file_bytes(name.as_bytes(), data.as_bytes())
    }

    pub(crate) fn file_bytes(self, name: &[u8], data: &[u8]) -> Self {
        let header = Header { size: data.len() as u64, ..Header::new(b'0', name) };
        self.named(header, data)
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        self.named(Header::new(b'5', name.as_bytes()), b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.named(Header { link: target.as_bytes(), ..Header::new(b'2', name.as_bytes()) }, b"")
    }

    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        self.named(Header { link: target.as_bytes(), ..Header::new(b'1', name.as_bytes()) }, b"")
    }

    pub(crate) fn device(self, flag: u8, name: &str, major: u64, minor: u64) -> Self {
        self.named(Header { device: (major, minor), ..Header::new(flag, name.as_bytes()) }, b"")
    }

    /// An entry whose name or link may be too long for its header.
    fn named(mut self, header: Header<'_>, data: &[u8]) -> Self {
        if header.name.len() > 100 {
            self = self.gnu_long(b'L', header.name);
        }
        if header.link.len() > 100 {
            self = self.gnu_long(b'K', header.link);
        }
        self.entry(&header, data)
    }

    pub(crate) fn gnu_long(self, flag: u8, name: &[u8]) -> Self {
        let data = [name, b"\0"].concat();
        self.entry(&Header { size: data.len() as u64, ..Header::new(flag, b"././@LongLink") }, &data)
    }

    /// A pax header with these records, for the entry that follows.
    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let data: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.extension(b'x', &data)
    }

    pub(crate) fn extension(self, flag: u8, data: &[u8]) -> Self {
        self.entry(&Header { size: data.len() as u64, ..Header::new(flag, b"PaxHeaders.0/x") }, data)
    }

    /// The archive with its end mark.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

/// One pax record, its own length included in its length.
pub(crate) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length.to_string().len() + body != length {
        length += 1;
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}
