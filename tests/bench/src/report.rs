//! The result of a run as one JSON object.
use serde_json::{Value, json};

use crate::args::Args;
use crate::figures::{Figures, Ratios, against_the_best, ratios};
use crate::site::Site;

#[cfg(test)]
mod tests;

/// What was found at one endpoint.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) name: String,
    pub(crate) runtime: String,
    pub(crate) cpu_source: &'static str,
    pub(crate) lacking: Vec<String>,
    pub(crate) figures: Figures,
}

impl Finding {
    pub(crate) fn new(site: &Site, figures: Figures) -> Self {
        Self {
            name: site.endpoint.name.clone(),
            runtime: site.endpoint.runtime.clone(),
            cpu_source: site.meter.source(),
            lacking: site.endpoint.lacking().into_iter().collect(),
            figures,
        }
    }
}

/// `ratios` has the shape {row: {measure: peer / baseline}}. With several peers it takes, for each measure, the one
/// that does best; each by itself is in `ratios_by_peer`.
pub(crate) fn to_json(args: &Args, findings: &[Finding]) -> Value {
    let at = args.baseline_index();
    let peers = by_peer(findings, at);
    let endpoints: serde_json::Map<_, _> =
        findings.iter().map(|finding| (finding.name.clone(), endpoint_json(finding))).collect();
    json!({
        "baseline": findings[at].name,
        "machine": machine(),
        "options": {
            "image": args.image,
            "command": args.command.0,
            "exec": args.exec.0,
            "iterations": args.iterations,
            "parallel": args.parallel,
            "density": args.density,
            "pulls": args.pulls,
            "pull_image": args.pull_image,
            "idle_seconds": args.idle_seconds,
            "settle_ms": args.settle_ms,
            "seccomp": format!("{:?}", args.seccomp),
            "host_network": args.host_network,
            "cgroup_parent": args.cgroup_parent,
        },
        "endpoints": endpoints,
        "ratios": against_the_best(peers.iter().map(|(_, ratios)| ratios)),
        "ratios_by_peer": peers.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    })
}

fn by_peer(findings: &[Finding], baseline: usize) -> Vec<(String, Ratios)> {
    let ours = &findings[baseline].figures;
    let peers = findings.iter().enumerate().filter(|(at, _)| *at != baseline);
    peers.map(|(_, peer)| (peer.name.clone(), ratios(ours, &peer.figures))).collect()
}

fn endpoint_json(finding: &Finding) -> Value {
    json!({
        "runtime": finding.runtime,
        "cpu_measured_by": finding.cpu_source,
        "unsupported": finding.lacking,
        "figures": finding.figures.to_json(),
    })
}

fn machine() -> Value {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({ "kernel": kernel.trim(), "cores": cores })
}
