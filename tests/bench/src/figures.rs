//! What was found out about one endpoint, as rows of figures, and how two endpoints compare.
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::samples::{Percentiles, Samples};

#[cfg(test)]
mod tests;

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// How many calls the figures were drawn from; none for a state that was looked at once.
    pub(crate) samples: Option<usize>,
    /// Less is better, in every one. Names end in their unit.
    pub(crate) measures: Vec<(&'static str, f64)>,
}

/// Row → measure → how many times the baseline's value.
pub(crate) type Ratios = BTreeMap<String, BTreeMap<&'static str, f64>>;

// === impl Figures ===

impl Figures {
    pub(crate) fn push(&mut self, name: &str, measures: Vec<(&'static str, f64)>) {
        self.rows.push(Row { name: name.to_owned(), samples: None, measures });
    }

    pub(crate) fn push_samples(&mut self, samples: &Samples) {
        for (name, taken) in samples.rows() {
            let Some(found) = Percentiles::of(taken) else { continue };
            self.rows.push(Row {
                name: name.to_owned(),
                samples: Some(taken.len()),
                measures: vec![
                    ("p50_ms", in_ms(found.p50)),
                    ("p90_ms", in_ms(found.p90)),
                    ("p99_ms", in_ms(found.p99)),
                ],
            });
        }
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn get(&self, row: &str, measure: &str) -> Option<f64> {
        let row = self.rows.iter().find(|known| known.name == row)?;
        row.measures.iter().find(|(name, _)| *name == measure).map(|(_, value)| *value)
    }

    pub(crate) fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let mut measures: Map<_, _> =
                row.measures.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            if let Some(samples) = row.samples {
                measures.insert("samples".to_owned(), json!(samples));
            }
            (row.name.clone(), Value::Object(measures))
        });
        Value::Object(rows.collect())
    }
}

pub(crate) fn in_ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

// === comparison ===

/// `peer` over `baseline` wherever both have a figure. A figure of 0 has no multiples, so its ratio is left out.
pub(crate) fn ratios(baseline: &Figures, peer: &Figures) -> Ratios {
    let mut found = Ratios::new();
    for row in baseline.rows() {
        for (measure, ours) in &row.measures {
            let Some(theirs) = peer.get(&row.name, measure) else { continue };
            if *ours > 0.0 {
                found.entry(row.name.clone()).or_default().insert(measure, theirs / ours);
            }
        }
    }
    found
}

/// The least ratio of each measure: the baseline against whichever peer does best there.
pub(crate) fn against_the_best<'a>(peers: impl IntoIterator<Item = &'a Ratios>) -> Ratios {
    let mut best = Ratios::new();
    for (row, measures) in peers.into_iter().flatten() {
        let row = best.entry(row.clone()).or_default();
        for (measure, ratio) in measures {
            let least = row.entry(measure).or_insert(*ratio);
            *least = least.min(*ratio);
        }
    }
    best
}
