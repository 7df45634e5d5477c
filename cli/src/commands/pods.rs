//! `berth pods`: the pods.

use futures_util::{StreamExt, stream};
use proto::cri::{PodSandbox, PodSandboxState, PodSandboxStatusRequest};
use serde::Serialize;

use super::Node;
use crate::{
    client::Client,
    failure::Result,
    find,
    output::{self, Format},
    table::Columns,
    text,
};

/// Questions for addresses under way at once.
const AT_ONCE: usize = 16;

/// List pods
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth pods          all pods, with their addresses
  berth pods -q       ids only
  berth pods --json   everything, for programs")]
pub(crate) struct Args {
    /// Print ids only
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    format: Format,
}

/// A pod as it is listed.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    namespace: String,
    uid: String,
    state: &'static str,
    created: String,
    #[serde(skip)]
    age: String,
    ip: String,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let mut pods = find::pods(&mut client).await?;
    pods.sort_by_key(|pod| std::cmp::Reverse(pod.created_at));
    if args.quiet && !args.format.json {
        return pods.iter().try_for_each(|pod| output::line(&pod.id));
    }
    let now = text::now_ns();
    let rows = stream::iter(pods).map(|pod| row(client.clone(), pod, now)).buffered(AT_ONCE);
    let rows: Vec<_> = rows.collect().await;
    if args.format.json { output::json(&rows) } else { output::line(table(&rows)) }
}

async fn row(mut client: Client, pod: PodSandbox, now: i64) -> Row {
    let request = PodSandboxStatusRequest { pod_sandbox_id: pod.id.clone(), verbose: false };
    // A pod removed meanwhile has no address any more; it is still worth its line.
    let status = client.runtime.pod_sandbox_status(request).await.ok();
    let network = status.and_then(|answer| answer.into_inner().status).and_then(|status| status.network);
    let metadata = pod.metadata.clone().unwrap_or_default();
    Row {
        state: state(pod.state()),
        created: text::time(pod.created_at),
        age: text::age(now, pod.created_at),
        ip: network.map(|network| network.ip).unwrap_or_default(),
        id: pod.id,
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
    }
}

pub(super) fn state(state: PodSandboxState) -> &'static str {
    match state {
        PodSandboxState::SandboxReady => "ready",
        PodSandboxState::SandboxNotready => "not ready",
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Columns::new(["POD", "NAME", "NAMESPACE", "STATE", "AGE", "IP"]);
    for row in rows {
        table.row([
            text::short_id(&row.id).to_owned(),
            row.name.clone(),
            row.namespace.clone(),
            row.state.to_owned(),
            row.age.clone(),
            row.ip.clone(),
        ]);
    }
    table.text()
}
