//! The parts of a run. In each the endpoints take turns, so that whatever else the machine does hits all alike.
pub(crate) mod crowd;
pub(crate) mod density;
pub(crate) mod parallel;
pub(crate) mod pulls;
pub(crate) mod sequential;

use crate::figures::{Figures, in_ms};
use crate::meter::Reading;
use crate::site::Site;

/// The sites in the order of turn `turn`: another goes first each time.
fn in_turn(sites: &[Site], turn: usize) -> impl Iterator<Item = (usize, &Site)> {
    (0..sites.len()).map(move |at| (at + turn) % sites.len()).map(|at| (at, &sites[at]))
}

/// A row of CPU time for each of `pods`.
fn push_cpu(figures: &mut Figures, row: &str, used: &Reading, pods: usize) {
    let each = |whole: f64| whole / pods.max(1) as f64;
    let runtime = used.runtime.map(|runtime| ("runtime_cpu_ms", each(in_ms(runtime))));
    let machine = ("machine_cpu_ms", each(in_ms(used.machine)));
    figures.push(row, runtime.into_iter().chain([machine]).collect());
}
