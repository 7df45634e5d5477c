//! Who the process runs as, from the request, the image and the image's user database.

mod database;

use proto::cri;

pub use database::FILE_LIMIT;
use database::{Group, Passwd};

use crate::{
    error::{Result, SpecError, quoted},
    input::UserFiles,
};

/// The identity of a container's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The primary group first, each group once: a file of mode 0604 must be closed to its group's members, and the
    /// kernel looks for them here (CVE-2023-25173).
    pub(crate) additional_gids: Vec<u32>,
    /// From passwd, when it is an absolute path; `None` otherwise.
    pub(crate) home: Option<String>,
}

/// What an image says about its user, as ImageStatus reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declared {
    /// The image names no user.
    Nothing,
    /// A number.
    Uid(u32),
    /// Anything else, the group cut off; kubelet refuses it where `runAsNonRoot` is set.
    Name(String),
}

/// The user of an image, for ImageStatus: no error, whatever the image says.
///
/// ```
/// use spec::user::{Declared, declared};
///
/// assert_eq!(declared("1000:100"), Declared::Uid(1000));
/// assert_eq!(declared("nginx:web"), Declared::Name("nginx".to_owned()));
/// assert_eq!(declared("4294967296"), Declared::Name("4294967296".to_owned()));
/// ```
pub fn declared(user: &str) -> Declared {
    let name = user.split(':').next().unwrap_or_default();
    match (name, number(name)) {
        ("", _) => Declared::Nothing,
        (_, Some(uid)) => Declared::Uid(uid),
        (name, None) => Declared::Name(name.to_owned()),
    }
}

/// Resolves the user and the groups.
///
/// The request's user wins over the image's. An id is a number and nothing else (see [`id_or_name`]); a name must be in
/// the image's own database, for no other one can know it.
pub(crate) fn resolve(
    security: Option<&cri::LinuxContainerSecurityContext>,
    image_user: &str,
    image_name: &str,
    files: UserFiles<'_>,
) -> Result<Account> {
    let default = cri::LinuxContainerSecurityContext::default();
    let security = security.unwrap_or(&default);
    let passwd = Passwd::new(files.passwd, image_name)?;
    let groups = Group::new(files.group, image_name)?;

    let (user, group) = wanted(security, image_user)?;
    let (uid, entry) = match &user {
        Id::Number(uid) => (*uid, passwd.by_uid(*uid)),
        Id::Name(name) => {
            let entry = passwd.by_name(name)?.ok_or_else(|| unknown_user(name, image_name))?;
            (entry.uid, Some(entry))
        }
    };
    let gid = match group {
        Some(Id::Number(gid)) => gid,
        Some(Id::Name(name)) => groups.gid_of(&name)?.ok_or_else(|| unknown_group(&name, image_name))?,
        // As login(1), and as the peers do for a user no line describes.
        None => entry.as_ref().map_or(0, |entry| entry.gid),
    };

    let mut gids = vec![gid];
    if security.supplemental_groups_policy() == cri::SupplementalGroupsPolicy::Merge
        && let Some(entry) = &entry
    {
        gids.extend(groups.of_member(entry.name));
    }
    for asked in &security.supplemental_groups {
        gids.push(id_in_request("supplemental_groups", *asked)?);
    }
    Ok(Account { uid, gid, additional_gids: each_once(gids)?, home: entry.and_then(|entry| entry.home()) })
}

/// Most groups a process can have: NGROUPS_MAX of `<linux/limits.h>`.
const GROUPS_LIMIT: usize = 65_536;

fn each_once(gids: Vec<u32>) -> Result<Vec<u32>> {
    let mut seen = std::collections::HashSet::new();
    let gids: Vec<u32> = gids.into_iter().filter(|gid| seen.insert(*gid)).collect();
    if gids.len() > GROUPS_LIMIT {
        return Err(SpecError::invalid(
            format!("{} supplementary groups", gids.len()),
            format!("Linux allows a process {GROUPS_LIMIT} (setgroups(2))"),
            "set supplementalGroupsPolicy: Strict, or take the user out of groups in the image",
        ));
    }
    Ok(gids)
}

/// A user or a group as written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Id {
    Number(u32),
    Name(String),
}

/// The user and perhaps the group to run as, before any look-up.
fn wanted(security: &cri::LinuxContainerSecurityContext, image_user: &str) -> Result<(Id, Option<Id>)> {
    let group = match &security.run_as_group {
        Some(gid) => Some(Id::Number(id_in_request("run_as_group", gid.value)?)),
        None => None,
    };
    match (&security.run_as_user, security.run_as_username.as_str()) {
        (Some(uid), "") => Ok((Id::Number(id_in_request("run_as_user", uid.value)?), group)),
        (Some(_), name) => Err(SpecError::invalid(
            format!("run_as_username {}", quoted(name)),
            "run_as_user is set as well",
            "set only one of them",
        )),
        // The proto asks for a user "in /etc/passwd inside the image", so digits are not taken for an id here either:
        // a number has its own field.
        (None, name) if !name.is_empty() => match id_or_name("run_as_username", name)? {
            Id::Name(name) => Ok((Id::Name(name), group)),
            Id::Number(_) => Err(SpecError::invalid(
                format!("run_as_username {}", quoted(name)),
                "it is a number",
                "put it into run_as_user",
            )),
        },
        (None, _) if group.is_some() => Err(SpecError::invalid(
            "run_as_group",
            "it is set without run_as_user or run_as_username",
            "set securityContext.runAsUser as well",
        )),
        (None, _) => image_form(image_user),
    }
}

/// "", "u", "u:", "u:g" or ":g".
fn image_form(text: &str) -> Result<(Id, Option<Id>)> {
    let (user, group) = match text.split_once(':') {
        None => (text, ""),
        Some((user, group)) => (user, group),
    };
    let thing = "the image's USER";
    let user = if user.is_empty() { Id::Number(0) } else { id_or_name(thing, user)? };
    let group = if group.is_empty() { None } else { Some(id_or_name(thing, group)?) };
    Ok((user, group))
}

/// Digits are a number, in range or refused; they are never looked up as a name, and nothing else is ever taken for a
/// number. Each of "+0", "0x0", " 0", "00" and 4294967296 has once made somebody's runtime start a process as root
/// (CVE-2024-40635, CVE-2026-46680, CVE-2026-30892).
fn id_or_name(thing: &str, text: &str) -> Result<Id> {
    if let Some(id) = number(text) {
        return Ok(Id::Number(id));
    }
    let refuse = |cause: &str| {
        Err(SpecError::invalid(
            format!("{thing} {}", quoted(text)),
            cause,
            "use a name that starts with a letter or \"_\", or a decimal id from 0 to 2147483647",
        ))
    };
    let first = text.as_bytes().first().copied().unwrap_or_default();
    if first.is_ascii_digit() {
        return refuse("it starts like a number but is not an id");
    }
    if !(first.is_ascii_alphabetic() || first == b'_' || first >= 0x80) {
        return refuse("no user or group is called that");
    }
    if text.len() > 256 || text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || b":,/\\".contains(&byte)) {
        return refuse("it holds characters no name can have");
    }
    Ok(Id::Name(text.to_owned()))
}

/// A decimal number as `id` prints it: no sign, no leading zero, at most 2³¹ − 1. Larger ids exist in the kernel, but
/// wrap to negative numbers in so much software that no peer allows them.
fn number(text: &str) -> Option<u32> {
    let canonical = text == "0" || !text.starts_with('0');
    if text.is_empty() || text.len() > 10 || !canonical || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<i32>().ok().and_then(|id| u32::try_from(id).ok())
}

fn id_in_request(field: &str, value: i64) -> Result<u32> {
    i32::try_from(value).ok().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| {
        SpecError::invalid(format!("{field} {value}"), "it is not an id", "use a number from 0 to 2147483647")
    })
}

fn unknown_user(name: &str, image: &str) -> SpecError {
    SpecError::not_found(
        format!("user {}", quoted(name)),
        format!("/etc/passwd of image {} has no such line", quoted(image)),
        "set securityContext.runAsUser to a number, or add the user to the image",
    )
}

fn unknown_group(name: &str, image: &str) -> SpecError {
    SpecError::not_found(
        format!("group {}", quoted(name)),
        format!("/etc/group of image {} has no such line", quoted(image)),
        "set securityContext.runAsGroup to a number, or add the group to the image",
    )
}

#[cfg(test)]
mod tests;
