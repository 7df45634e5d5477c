//! `/etc/passwd` and `/etc/group` of an image: hostile bytes, read line by line as libc does; see passwd(5), group(5).

use super::number;
use crate::error::{Result, SpecError, quoted};

/// At most this much of `/etc/passwd` and `/etc/group` is read: containerd's limit, and far above real files.
pub const FILE_LIMIT: usize = 10 << 20;

/// Longest line taken: a group of some 100,000 members.
const LINE_LIMIT: usize = 1 << 20;

/// The users of an image.
pub(super) struct Passwd<'a> {
    bytes: &'a [u8],
    image: &'a str,
}

/// One user.
#[derive(Clone, Copy, Debug)]
pub(super) struct User<'a> {
    pub(super) name: &'a [u8],
    pub(super) uid: u32,
    pub(super) gid: u32,
    home: &'a [u8],
}

/// The groups of an image.
pub(super) struct Group<'a> {
    bytes: &'a [u8],
    image: &'a str,
}

// === impl Passwd ===

impl<'a> Passwd<'a> {
    pub(super) fn new(bytes: Option<&'a [u8]>, image: &'a str) -> Result<Self> {
        Ok(Self { bytes: bounded(bytes, "/etc/passwd", image)?, image })
    }

    /// The first line of that name.
    pub(super) fn by_name(&self, name: &str) -> Result<Option<User<'a>>> {
        let Some(fields) = entries(self.bytes, name.as_bytes()).next() else { return Ok(None) };
        User::parse(&fields).map(Some).ok_or_else(|| unusable("/etc/passwd", name, self.image))
    }

    /// The first well-formed line with that id.
    pub(super) fn by_uid(&self, uid: u32) -> Option<User<'a>> {
        lines(self.bytes).filter_map(|fields| User::parse(&fields)).find(|user| user.uid == uid)
    }
}

// === impl User ===

impl<'a> User<'a> {
    fn parse(fields: &[&'a [u8]]) -> Option<Self> {
        let (uid, gid) = (id(fields.get(2)?)?, id(fields.get(3)?)?);
        Some(Self { name: fields[0], uid, gid, home: fields.get(5).copied().unwrap_or_default() })
    }

    /// The home directory, if it can be one: absolute, and text without control characters, since it becomes `HOME` and
    /// programs paste that into files (CVE-2026-15809).
    pub(super) fn home(&self) -> Option<String> {
        let home = std::str::from_utf8(self.home).ok()?;
        (home.starts_with('/') && !home.chars().any(char::is_control)).then(|| home.to_owned())
    }
}

// === impl Group ===

impl<'a> Group<'a> {
    pub(super) fn new(bytes: Option<&'a [u8]>, image: &'a str) -> Result<Self> {
        Ok(Self { bytes: bounded(bytes, "/etc/group", image)?, image })
    }

    /// The id of the first group of that name.
    pub(super) fn gid_of(&self, name: &str) -> Result<Option<u32>> {
        let Some(fields) = entries(self.bytes, name.as_bytes()).next() else { return Ok(None) };
        let gid = fields.get(2).and_then(|field| id(field));
        gid.map(Some).ok_or_else(|| unusable("/etc/group", name, self.image))
    }

    /// The groups that list the user.
    pub(super) fn of_member(&self, user: &[u8]) -> Vec<u32> {
        lines(self.bytes)
            .filter(|fields| {
                fields
                    .get(3)
                    .is_some_and(|members| members.split(|byte| *byte == b',').any(|member| member == user))
            })
            .filter_map(|fields| fields.get(2).and_then(|field| id(field)))
            .collect()
    }
}

fn bounded<'a>(bytes: Option<&'a [u8]>, file: &str, image: &str) -> Result<&'a [u8]> {
    let bytes = bytes.unwrap_or_default();
    if bytes.len() > FILE_LIMIT {
        return Err(SpecError::invalid(
            format!("{file} of image {}", quoted(image)),
            format!("it has {} bytes, and {FILE_LIMIT} are the limit", bytes.len()),
            "make the file smaller, or set runAsUser to a number and remove it",
        ));
    }
    Ok(bytes)
}

/// The fields of each line; lines that are too long, comments and NIS lines left out.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && line.len() <= LINE_LIMIT && !b"#+-".contains(&line[0]))
        // Seven fields are the most a line has; the last keeps what follows.
        .map(|line| line.splitn(7, |byte| *byte == b':').collect())
}

/// The lines whose first field is `name`.
fn entries<'a>(bytes: &'a [u8], name: &[u8]) -> impl Iterator<Item = Vec<&'a [u8]>> {
    lines(bytes).filter(move |fields| fields[0] == name)
}

fn id(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok().and_then(number)
}

fn unusable(file: &str, name: &str, image: &str) -> SpecError {
    SpecError::invalid(
        format!("{} in {file} of image {}", quoted(name), quoted(image)),
        "its ids are not numbers from 0 to 2147483647",
        "correct the line in the image, or set runAsUser and runAsGroup to numbers",
    )
}
