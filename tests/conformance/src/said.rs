//! What the daemon had to say while a spec ran: its warnings and errors, for the person who reads why the spec failed.

use crate::report::Spec;

/// More would hide the next finding.
const LINES: usize = 8;

/// Lines of berthd's log, at level WARN or ERROR, from the time of the spec. The last ones: nearest to the failure.
pub(crate) fn during<'a>(log: &'a str, spec: Option<&Spec>) -> Vec<&'a str> {
    let Some(spec) = spec else { return Vec::new() };
    let mut lines: Vec<&str> = log.lines().rev().filter(|line| belongs(line, spec)).take(LINES).collect();
    lines.reverse();
    lines
}

/// A line begins with time and level.
fn belongs(line: &str, spec: &Spec) -> bool {
    let mut words = line.split_whitespace();
    let (Some(time), Some("WARN" | "ERROR")) = (words.next(), words.next()) else { return false };
    // Both are UTC in RFC 3339; without the Z a shorter fraction sorts before a longer one.
    let [time, begun, ended] = [time, &spec.begun, &spec.ended].map(|text| text.trim_end_matches('Z'));
    begun <= time && time <= ended
}

#[cfg(test)]
mod tests;
