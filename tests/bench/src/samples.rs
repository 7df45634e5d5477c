//! How long each call took, and the percentiles of that.
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Durations by call, in the order in which the calls first appeared.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Appended to every name: under what circumstances these calls were made ("/parallel").
    suffix: &'static str,
    rows: Vec<(String, Vec<Duration>)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Percentiles {
    pub(crate) p50: Duration,
    pub(crate) p90: Duration,
    pub(crate) p99: Duration,
}

// === impl Samples ===

impl Samples {
    pub(crate) fn with_suffix(suffix: &'static str) -> Self {
        Self { suffix, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, call: &str, took: Duration) {
        let name = format!("{call}{}", self.suffix);
        self.row(&name).push(took);
    }

    pub(crate) fn merge(&mut self, other: Samples) {
        for (name, mut taken) in other.rows {
            self.row(&name).append(&mut taken);
        }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, &[Duration])> {
        self.rows.iter().map(|(name, taken)| (name.as_str(), taken.as_slice()))
    }

    fn row(&mut self, name: &str) -> &mut Vec<Duration> {
        let at = self.rows.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.rows.push((name.to_owned(), Vec::new()));
            self.rows.len() - 1
        });
        &mut self.rows[at].1
    }
}

// === impl Percentiles ===

impl Percentiles {
    /// None without samples.
    pub(crate) fn of(taken: &[Duration]) -> Option<Self> {
        let mut sorted = taken.to_vec();
        sorted.sort_unstable();
        let at = |percent| sorted.get(nearest_rank(sorted.len(), percent)?).copied();
        Some(Self { p50: at(50)?, p90: at(90)?, p99: at(99)? })
    }
}

/// Index of the smallest value that at least `percent` of `count` values do not exceed.
///
/// A percentile by this rule is a duration that was measured, never a mean of two.
fn nearest_rank(count: usize, percent: usize) -> Option<usize> {
    (count * percent).div_ceil(100).max(1).checked_sub(1).filter(|_| count > 0)
}
