//! What kubelet complains about: each place in its code that printed a warning or an error, once, with its first words.

use std::{collections::BTreeMap, fmt};

/// One place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// `E` or `W`, and file and line of kubelet's source.
    pub(crate) place: String,
    /// What it said there first.
    pub(crate) text: String,
    pub(crate) times: usize,
}

/// All of a log, in order of place. klog writes `E1122 05:06:07.000000    1234 file.go:12] text`.
pub(crate) fn all(log: &str) -> Vec<Complaint> {
    let mut found: BTreeMap<String, Complaint> = BTreeMap::new();
    for line in log.lines() {
        let Some((place, text)) = parse(line) else { continue };
        let complaint = found.entry(place.clone()).or_insert_with(|| Complaint {
            place,
            text: text.to_owned(),
            times: 0,
        });
        complaint.times += 1;
    }
    found.into_values().collect()
}

fn parse(line: &str) -> Option<(String, &str)> {
    let level = line.get(..1).filter(|level| matches!(*level, "E" | "W"))?;
    let rest = line.get(1..)?;
    rest.get(..4).filter(|date| date.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (head, text) = rest.split_once("] ")?;
    let place = head.rsplit(' ').next()?;
    Some((format!("{level} {place}"), text))
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ×{}: {}", self.place, self.times, self.text)
    }
}

#[cfg(test)]
mod tests;
