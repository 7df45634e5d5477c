//! Archive: walks the headers of a tar stream and puts each member's headers together.
//!
//! A member may be announced by a pax header (`x`) and GNU long names (`L`, `K`). Where each member's data ends is
//! computed in one place from one value, with the pax size before the header's (TARmageddon, CVE-2025-62518).

use std::io::Read;

use sys::at::{Node, Time};

use super::{
    Limits, Name, UnpackError,
    entry::{Entry, Kind, Meta},
    header::{BLOCK, Fields, Problem, until_nul},
    input::Input,
    pax::{self, Pax},
    sparse::{Map, MapText, PaxMap, PaxSparse},
};

pub(super) struct Archive<'l, R> {
    input: Input<R>,
    limits: &'l Limits,
    headers: u64,
    /// Data of the current member that is not yet taken, without padding.
    data: u64,
    padding: u64,
}

/// What stood before a member's own header.
#[derive(Default)]
struct Announced {
    pax: Option<Pax>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl<'l, R: Read> Archive<'l, R> {
    pub(super) fn new(stream: R, limits: &'l Limits) -> Self {
        let input = Input::new(stream, limits.stream_bytes);
        Self { input, limits, headers: 0, data: 0, padding: 0 }
    }

    /// The next member, or `None` at the end of the archive, when the stream has been read to its end too.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, UnpackError> {
        self.skip_rest()?;
        let mut announced = Announced::default();
        loop {
            let Some(block) = self.header_block()? else {
                if announced.pax.is_some() || announced.long_name.is_some() || announced.long_link.is_some() {
                    return Err(self.input.malformed("an extended header with no member after it"));
                }
                self.input.drain()?;
                return Ok(None);
            };
            let fields = Fields::parse(&block).map_err(|problem| self.input.malformed(problem))?;
            match fields.type_flag() {
                b'x' | b'X' => {
                    let bytes = self.extension(&fields)?;
                    let pax = pax::parse(&bytes).map_err(|problem| self.input.malformed(problem))?;
                    self.once(announced.pax.replace(pax))?;
                }
                b'g' => {
                    let bytes = self.extension(&fields)?;
                    pax::check_global(&bytes).map_err(|problem| self.input.malformed(problem))?;
                }
                b'L' => {
                    let bytes = self.extension(&fields)?;
                    self.once(announced.long_name.replace(until_nul(&bytes).to_vec()))?;
                }
                b'K' => {
                    let bytes = self.extension(&fields)?;
                    self.once(announced.long_link.replace(until_nul(&bytes).to_vec()))?;
                }
                _ => return self.member(&fields, announced).map(Some),
            }
        }
    }

    /// The data of the current member, what is there now; empty once all is taken.
    pub(super) fn data(&mut self, max: u64) -> Result<&[u8], UnpackError> {
        let max = self.data.min(max);
        if max > 0 && self.input.peek(max)?.is_empty() {
            return Err(self.input.cut_short());
        }
        self.input.peek(max)
    }

    /// Marks `n` of the bytes that `data` gave as taken.
    pub(super) fn consume(&mut self, n: usize) {
        self.input.consume(n);
        self.data -= n as u64;
    }

    fn skip_rest(&mut self) -> Result<(), UnpackError> {
        let rest = std::mem::take(&mut self.data) + std::mem::take(&mut self.padding);
        self.input.skip(rest)
    }

    /// The next header; `None` at two blocks of zeros, or where the stream ends between members (as GNU tar,
    /// Go and Python have it; a stream that was cut there has the wrong digest).
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>, UnpackError> {
        let Some(block) = self.input.block()? else { return Ok(None) };
        if block == [0; BLOCK] {
            return match self.input.block()? {
                None => Ok(None),
                Some(second) if second == [0; BLOCK] => Ok(None),
                Some(_) => Err(self.input.malformed("a header after a block of zeros")),
            };
        }
        self.headers += 1;
        if self.headers > self.limits.entries {
            return Err(UnpackError::Limit { what: "entries", limit: self.limits.entries });
        }
        Ok(Some(block))
    }

    /// Reads the body of an extended header.
    fn extension(&mut self, fields: &Fields<'_>) -> Result<Vec<u8>, UnpackError> {
        let size = fields.size().map_err(|problem| self.input.malformed(problem))?;
        if size > self.limits.header_bytes as u64 {
            return Err(UnpackError::Limit {
                what: "bytes of one header",
                limit: self.limits.header_bytes as u64,
            });
        }
        let mut bytes = vec![0; size as usize];
        self.input.exact(&mut bytes)?;
        self.input.skip(padding(size))?;
        Ok(bytes)
    }

    /// Two announcements of one kind: readers disagree which counts.
    fn once<T>(&self, earlier: Option<T>) -> Result<(), UnpackError> {
        match earlier {
            None => Ok(()),
            Some(_) => Err(self.input.malformed("two extended headers for one member")),
        }
    }

    fn member(&mut self, fields: &Fields<'_>, announced: Announced) -> Result<Entry, UnpackError> {
        let pax = announced.pax.unwrap_or_default();
        let name = self.one_of(announced.long_name, pax.path)?.unwrap_or_else(|| fields.name());
        let link = self.one_of(announced.long_link, pax.link_path)?;
        let link = link.unwrap_or_else(|| fields.link_name().to_vec());
        let (size, meta, device) = (|| {
            let size = pax.size.map_or_else(|| fields.size(), Ok)?;
            let mtime = pax.mtime.map_or_else(|| fields.mtime().map(|seconds| (seconds, 0)), Ok)?;
            let meta = Meta {
                uid: owner(pax.uid.map_or_else(|| fields.uid(), Ok)?)?,
                gid: owner(pax.gid.map_or_else(|| fields.gid(), Ok)?)?,
                mode: fields.mode()?,
                mtime: clamp(mtime),
                xattrs: pax.xattrs,
            };
            Ok((size, meta, fields.device()))
        })()
        .map_err(|problem| self.refuse(&name, problem))?;

        let node = |device: Result<_, Problem>, make: fn(u32, u32) -> Node| {
            let (major, minor) = device?;
            device_number(major, minor).map(|(major, minor)| Kind::Node(make(major, minor)))
        };
        let kind = match fields.type_flag() {
            // The seventh edition knew no directories but by the slash.
            0 if name.ends_with(b"/") => Kind::Directory,
            b'S' if fields.is_gnu() => return self.gnu_sparse(fields, name, size, meta),
            0 | b'0' | b'7' => match pax.sparse {
                Some(sparse) => return self.pax_sparse(sparse, name, size, meta),
                None => Kind::File { size },
            },
            b'1' => Kind::HardLink { target: link },
            b'2' => Kind::Symlink { target: link },
            b'3' => node(device, |major, minor| Node::Char { major, minor })
                .map_err(|problem| self.refuse(&name, problem))?,
            b'4' => node(device, |major, minor| Node::Block { major, minor })
                .map_err(|problem| self.refuse(&name, problem))?,
            b'5' => Kind::Directory,
            b'6' => Kind::Node(Node::Fifo),
            _ => return Err(self.refuse(&name, "an unknown type of member")),
        };
        // Some writers give links and directories a size; they have no data all the same (as Go and Python read).
        self.expect_data(if matches!(kind, Kind::File { .. }) { size } else { 0 });
        Ok(Entry { name, kind, meta })
    }

    /// A GNU long name and a pax record for the same thing: readers disagree which counts, unless they agree.
    fn one_of(&self, gnu: Option<Vec<u8>>, pax: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, UnpackError> {
        match (gnu, pax) {
            (Some(gnu), Some(pax)) if gnu != pax => {
                Err(self.input.malformed("a GNU and a pax name that differ"))
            }
            (gnu, pax) => Ok(gnu.or(pax)),
        }
    }

    fn expect_data(&mut self, size: u64) {
        (self.data, self.padding) = (size, padding(size));
    }

    fn gnu_sparse(
        &mut self,
        fields: &Fields<'_>,
        name: Vec<u8>,
        data: u64,
        meta: Meta,
    ) -> Result<Entry, UnpackError> {
        let mut map = Map::default();
        let (pieces, mut more) = fields.sparse_pieces();
        map.push_gnu(pieces).map_err(|problem| self.refuse(&name, problem))?;
        while more {
            let block = self.input.block()?.ok_or_else(|| self.input.cut_short())?;
            map.push_gnu(&block[..504]).map_err(|problem| self.refuse(&name, problem))?;
            more = block[504] != 0;
            // A map may also go on without pieces; such a block is counted like a header, so it ends.
            self.headers += 1;
            if self.headers > self.limits.entries {
                return Err(UnpackError::Limit { what: "entries", limit: self.limits.entries });
            }
        }
        let real_size = fields.sparse_real_size().map_err(|problem| self.refuse(&name, problem))?;
        self.sparse(map, name, real_size, data, meta)
    }

    fn pax_sparse(
        &mut self,
        sparse: PaxSparse,
        name: Vec<u8>,
        size: u64,
        meta: Meta,
    ) -> Result<Entry, UnpackError> {
        let mut data = size;
        let map = match sparse.map {
            PaxMap::Here(map) => map,
            PaxMap::BeforeData => {
                let mut text = MapText::default();
                loop {
                    data = data
                        .checked_sub(BLOCK as u64)
                        .ok_or_else(|| self.input.malformed("a cut sparse map"))?;
                    let block = self.input.block()?.ok_or_else(|| self.input.cut_short())?;
                    if let Some(map) = text.feed(&block).map_err(|problem| self.refuse(&name, problem))? {
                        break map;
                    }
                }
            }
        };
        self.sparse(map, name, sparse.real_size, data, meta)
    }

    fn sparse(
        &mut self,
        map: Map,
        name: Vec<u8>,
        size: u64,
        data: u64,
        meta: Meta,
    ) -> Result<Entry, UnpackError> {
        let pieces = map.seal(size, data).map_err(|problem| self.refuse(&name, problem))?;
        self.expect_data(data);
        Ok(Entry { name, kind: Kind::Sparse { size, pieces }, meta })
    }

    fn refuse(&self, name: &[u8], problem: Problem) -> UnpackError {
        UnpackError::Refused { entry: Name::of(name), problem }
    }
}

/// Data is padded to whole blocks.
fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// An owner that chown(2) can set: it takes -1 for "leave as it is".
fn owner(id: i64) -> Result<u32, Problem> {
    u32::try_from(id).ok().filter(|id| *id != u32::MAX).ok_or("an owner that is no 32-bit id")
}

/// Device numbers have 12 and 20 bits in Linux.
fn device_number(major: i64, minor: i64) -> Result<(u32, u32), Problem> {
    match (u32::try_from(major), u32::try_from(minor)) {
        (Ok(major @ 0..0x1000), Ok(minor @ 0..0x10_0000)) => Ok((major, minor)),
        _ => Err("a device number out of range"),
    }
}

/// Times outside 1970 to 2262 become 1970, as in containerd, whose bound is what fits nanoseconds into 64 bits.
fn clamp((seconds, nanoseconds): (i64, u32)) -> Time {
    if (0..i64::MAX / 1_000_000_000).contains(&seconds) { Time { seconds, nanoseconds } } else { Time::EPOCH }
}
