//! Sparse: where the data of a file with holes belongs, in the four ways GNU tar has written it.
//!
//! GNU tar manual, appendix "Storing Sparse Files": the old GNU header (type `S`), and as pax records 0.0, 0.1
//! and 1.0. A map is bounded by its count before it is read, and checked whole before a byte is written.

use super::{
    header::{Problem, number},
    pax,
};

/// 16 bytes each in memory; a file with more holes than this is not worth keeping sparse.
pub(super) const PIECES_MAX: usize = 1 << 16;

/// One run of data: where it belongs in the file, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// Collects the pieces of one file, in order and without overlap.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Map {
    pieces: Vec<Piece>,
    data: u64,
}

impl Map {
    pub(super) fn push(&mut self, offset: u64, len: u64) -> Result<(), Problem> {
        const UNSOUND: Problem = "an unsound sparse map";
        if self.pieces.len() >= PIECES_MAX {
            return Err("a sparse map with more than 65536 pieces");
        }
        let end = self.pieces.last().map_or(0, |last| last.offset + last.len);
        if offset < end || offset.checked_add(len).is_none_or(|end| end > i64::MAX as u64) {
            return Err(UNSOUND);
        }
        self.data = self.data.checked_add(len).ok_or(UNSOUND)?;
        self.pieces.push(Piece { offset, len });
        Ok(())
    }

    /// Checks the map against the size of the whole file and of the data that the archive holds.
    pub(super) fn seal(self, real_size: u64, data: u64) -> Result<Vec<Piece>, Problem> {
        let end = self.pieces.last().map_or(0, |last| last.offset + last.len);
        if end > real_size || self.data != data {
            return Err("a sparse map that does not fit its file");
        }
        Ok(self.pieces)
    }

    /// Adds the pieces of an old GNU header or of a block that continues it: 24 bytes each, an empty one ends.
    pub(super) fn push_gnu(&mut self, pieces: &[u8]) -> Result<(), Problem> {
        for piece in pieces.chunks_exact(24) {
            if piece[0] == 0 {
                break;
            }
            let field =
                |bytes| u64::try_from(number(bytes)?).map_err(|_| "a negative number in a sparse map");
            self.push(field(&piece[..12])?, field(&piece[12..])?)?;
        }
        Ok(())
    }
}

/// What the pax records say of a sparse file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PaxSparse {
    /// The file's name; the record `path` then holds one made up for readers that know no sparse files.
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: u64,
    pub(super) map: PaxMap,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum PaxMap {
    /// 0.0 and 0.1: in the records.
    Here(Map),
    /// 1.0: in front of the data.
    BeforeData,
}

/// Gathers the `GNU.sparse.` records of one header.
#[derive(Default)]
pub(super) struct Records {
    seen: bool,
    major: Option<u64>,
    minor: Option<u64>,
    name: Option<Vec<u8>>,
    size: Option<u64>,
    /// Of 0.0: an offset that waits for its length.
    offset: Option<u64>,
    map: Map,
}

impl Records {
    pub(super) fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        self.seen = true;
        match key {
            b"major" => self.major = pax::size(value)?,
            b"minor" => self.minor = pax::size(value)?,
            b"name" => self.name = pax::text(value)?,
            b"size" | b"realsize" => self.size = pax::size(value)?,
            b"offset" => match self.offset.replace(pax::digits(value)?) {
                None => {}
                Some(_) => return Err("a sparse offset without a length"),
            },
            b"numbytes" => {
                let offset = self.offset.take().ok_or("a sparse length without an offset")?;
                self.map.push(offset, pax::digits(value)?)?;
            }
            b"map" => self.take_map(value)?,
            _ => {}
        }
        Ok(())
    }

    fn take_map(&mut self, value: &[u8]) -> Result<(), Problem> {
        self.map = Map::default();
        if value.is_empty() {
            return Ok(());
        }
        let mut numbers = value.split(|byte| *byte == b',').map(pax::digits);
        while let Some(offset) = numbers.next() {
            let len = numbers.next().ok_or("a sparse offset without a length")?;
            self.map.push(offset?, len?)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Option<PaxSparse>, Problem> {
        if !self.seen {
            return Ok(None);
        }
        let real_size = self.size.ok_or("a sparse file without its size")?;
        if self.offset.is_some() {
            return Err("a sparse offset without a length");
        }
        let map = match (self.major, self.minor) {
            (None | Some(0), _) => PaxMap::Here(self.map),
            (Some(1), Some(0)) => PaxMap::BeforeData,
            _ => return Err("an unknown sparse format"),
        };
        Ok(Some(PaxSparse { name: self.name, real_size, map }))
    }
}

/// Reads the map that format 1.0 puts before the data: decimal numbers, each ended by a newline; the count of
/// pieces, then offset and length of each. Bytes are fed block by block until it says it is done.
#[derive(Default)]
pub(super) struct MapText {
    number: Vec<u8>,
    count: Option<u64>,
    offset: Option<u64>,
    map: Map,
}

impl MapText {
    /// `Some` once the map is whole; the rest of the block is padding.
    pub(super) fn feed(&mut self, block: &[u8]) -> Result<Option<Map>, Problem> {
        for byte in block {
            if *byte != b'\n' {
                if self.number.len() >= 20 {
                    return Err("a sparse map that is no list of numbers");
                }
                self.number.push(*byte);
                continue;
            }
            let number = pax::digits(&self.number)?;
            self.number.clear();
            if self.take(number)? {
                return Ok(Some(std::mem::take(&mut self.map)));
            }
        }
        Ok(None)
    }

    fn take(&mut self, number: u64) -> Result<bool, Problem> {
        match (self.count, self.offset.take()) {
            (None, _) => {
                if number > PIECES_MAX as u64 {
                    return Err("a sparse map with more than 65536 pieces");
                }
                self.count = Some(number);
            }
            (Some(_), None) => self.offset = Some(number),
            (Some(_), Some(offset)) => self.map.push(offset, number)?,
        }
        Ok(self.count == Some(self.map.pieces.len() as u64))
    }
}

#[cfg(test)]
mod tests;
