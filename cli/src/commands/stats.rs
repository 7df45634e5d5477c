//! `berth stats`: what containers use.

use std::{collections::HashMap, time::Duration};

use proto::cri::{ContainerStats, ListContainerStatsRequest};
use serde::Serialize;

use super::Node;
use crate::{
    client::Client,
    failure::{Doing, Result},
    output::{self, Format},
    table::Columns,
    text,
};

/// Between the two looks at the CPU clock that a rate needs.
const BETWEEN: Duration = Duration::from_millis(500);
const EVERY: Duration = Duration::from_secs(2);

/// Show what containers use
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth stats           once
  berth stats -w        every two seconds, until Ctrl-C
  berth stats --json")]
pub(crate) struct Args {
    /// Go on until Ctrl-C
    #[arg(short, long, conflicts_with = "json")]
    watch: bool,
    #[command(flatten)]
    format: Format,
}

/// A container's use, as it is listed.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    /// Of one CPU; missing until the clock moved.
    cpu_percent: Option<f64>,
    memory_bytes: u64,
    available_bytes: Option<u64>,
    disk_bytes: u64,
    inodes: u64,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let mut before = list(&mut client).await?;
    let mut pause = BETWEEN;
    loop {
        tokio::time::sleep(pause).await;
        let now = list(&mut client).await?;
        let rows = rows(&before, &now);
        if args.format.json {
            return output::json(&rows);
        }
        if !args.watch {
            return output::line(table(&rows));
        }
        // Home, and clear what was below.
        output::line(format!("\x1b[H\x1b[J{}", table(&rows)))?;
        (before, pause) = (now, EVERY);
    }
}

async fn list(client: &mut Client) -> Result<Vec<ContainerStats>> {
    let answer = client.runtime.list_container_stats(ListContainerStatsRequest::default()).await;
    Ok(answer.doing("ask for statistics")?.into_inner().stats)
}

/// (nanoseconds of CPU, when)
fn clock(stats: &ContainerStats) -> Option<(u64, i64)> {
    let cpu = stats.cpu.as_ref()?;
    Some((cpu.usage_core_nano_seconds?.value, cpu.timestamp))
}

fn rows(before: &[ContainerStats], now: &[ContainerStats]) -> Vec<Row> {
    let id = |stats: &ContainerStats| stats.attributes.as_ref().map_or(String::new(), |a| a.id.clone());
    let clocks: HashMap<_, _> = before.iter().filter_map(|stats| Some((id(stats), clock(stats)?))).collect();
    let mut rows: Vec<_> = now.iter().map(|stats| row(stats, clocks.get(&id(stats)).copied())).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn row(stats: &ContainerStats, before: Option<(u64, i64)>) -> Row {
    let attributes = stats.attributes.clone().unwrap_or_default();
    let memory = stats.memory.unwrap_or_default();
    let disk = stats.writable_layer.clone().unwrap_or_default();
    let rate = before.zip(clock(stats)).and_then(|((cpu, then), (cpu_now, now))| {
        // A container that was restarted between the looks has a clock that goes back.
        let (used, passed) = (cpu_now.checked_sub(cpu)?, now.checked_sub(then).filter(|passed| *passed > 0)?);
        Some(100.0 * used as f64 / passed as f64)
    });
    Row {
        id: attributes.id,
        name: attributes.metadata.map(|metadata| metadata.name).unwrap_or_default(),
        cpu_percent: rate,
        memory_bytes: memory.working_set_bytes.map_or(0, |n| n.value),
        available_bytes: memory.available_bytes.map(|n| n.value).filter(|n| *n > 0),
        disk_bytes: disk.used_bytes.map_or(0, |n| n.value),
        inodes: disk.inodes_used.map_or(0, |n| n.value),
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Columns::new(["CONTAINER", "NAME", "CPU %", "MEMORY", "FREE", "DISK", "INODES"]);
    for row in rows {
        table.row([
            text::short_id(&row.id).to_owned(),
            row.name.clone(),
            row.cpu_percent.map_or("-".to_owned(), |percent| format!("{percent:.1}")),
            text::bytes(row.memory_bytes),
            row.available_bytes.map_or("no limit".to_owned(), text::bytes),
            text::bytes(row.disk_bytes),
            row.inodes.to_string(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use proto::cri::{ContainerAttributes, CpuUsage, UInt64Value};

    use super::*;

    fn stats(id: &str, cpu: u64, timestamp: i64) -> ContainerStats {
        ContainerStats {
            attributes: Some(ContainerAttributes { id: id.into(), ..ContainerAttributes::default() }),
            cpu: Some(CpuUsage {
                timestamp,
                usage_core_nano_seconds: Some(UInt64Value { value: cpu }),
                ..CpuUsage::default()
            }),
            ..ContainerStats::default()
        }
    }

    #[test]
    fn a_rate_is_use_over_time() {
        let rows = rows(&[stats("a", 100, 1_000)], &[stats("a", 350, 2_000), stats("b", 5, 2_000)]);
        assert_eq!(rows[0].cpu_percent, Some(25.0));
        assert_eq!(rows[1].cpu_percent, None, "seen once only");
    }

    #[test]
    fn clocks_that_stand_or_go_back_give_no_rate() {
        assert_eq!(rows(&[stats("a", 100, 1_000)], &[stats("a", 350, 1_000)])[0].cpu_percent, None);
        assert_eq!(rows(&[stats("a", 100, 1_000)], &[stats("a", 50, 2_000)])[0].cpu_percent, None);
        assert!(table(&rows(&[], &[stats("a", 1, 1)])).contains("no limit"));
    }
}
