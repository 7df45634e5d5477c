//! Samples of one pod or container, which share their first labels.
use proto::cri;

use super::table::{Descriptor, LABELS};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// What the samples are of.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// Values of `LABELS`.
    pub(super) labels: [String; LABELS.len()],
}

/// Takes values and labels them.
#[derive(Debug)]
pub(super) struct Samples {
    subject: Subject,
    taken: Vec<cri::Metric>,
}

impl Samples {
    pub(super) fn of(subject: Subject) -> Self {
        Self { subject, taken: Vec::new() }
    }

    /// A value measured just now.
    pub(super) fn add(&mut self, metric: &Descriptor, labels: &[&str], value: u64) {
        self.add_from(metric, labels, value, 0);
    }

    /// A value from a cache, measured at that time, in nanoseconds since 1970.
    pub(super) fn add_from(&mut self, metric: &Descriptor, labels: &[&str], value: u64, measured_ns: i64) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}: one value for each label", metric.name);
        let own = labels.iter().map(|&label| label.to_owned());
        self.taken.push(cri::Metric {
            name: metric.name.into(),
            timestamp: measured_ns,
            metric_type: metric.kind.into(),
            label_values: self.subject.labels.iter().cloned().chain(own).collect(),
            value: Some(cri::UInt64Value { value }),
        });
    }

    /// A value, if it was measured.
    pub(super) fn plain(&mut self, metric: &Descriptor, value: Option<u64>) {
        if let Some(value) = value {
            self.add(metric, &[], value);
        }
    }

    /// Nanoseconds, to be told as seconds.
    pub(super) fn seconds(&mut self, metric: &Descriptor, ns: Option<u64>) {
        self.plain(metric, ns.map(rounded));
    }

    pub(super) fn finish(self) -> Vec<cri::Metric> {
        self.taken
    }
}

/// Whole seconds, to the nearest: what grows still never goes back.
pub(super) fn rounded(ns: u64) -> u64 {
    ns.saturating_add(NS_PER_SECOND / 2) / NS_PER_SECOND
}
