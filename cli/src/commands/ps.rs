//! `berth ps`: the containers.

use std::collections::HashMap;

use proto::cri::{Container, ContainerState, ImageSpec};
use serde::Serialize;

use super::Node;
use crate::{
    failure::Result,
    find,
    output::{self, Format},
    table::Columns,
    text,
};

/// List containers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth ps            those that run
  berth ps -a         those that ended, too
  berth ps -q         ids only:  berth rm -f $(berth ps -aq)
  berth ps --json     everything, for programs")]
pub(crate) struct Args {
    /// Show containers that do not run, too
    #[arg(short, long)]
    all: bool,
    /// Print ids only
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    format: Format,
}

/// A container as it is listed.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    image: String,
    state: &'static str,
    created: String,
    #[serde(skip)]
    age: String,
    pod: String,
    pod_id: String,
    attempt: u32,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let pods = find::pods(&mut client).await?;
    let names: HashMap<_, _> =
        pods.iter().map(|pod| (pod.id.as_str(), find::pod_name(pod.metadata.as_ref()))).collect();
    let mut containers = find::containers(&mut client).await?;
    containers.retain(|container| args.all || container.state() == ContainerState::ContainerRunning);
    containers.sort_by_key(|container| std::cmp::Reverse(container.created_at));
    let now = text::now_ns();
    let rows: Vec<_> = containers.iter().map(|container| row(container, &names, now)).collect();
    if args.format.json {
        return output::json(&rows);
    }
    if args.quiet {
        return rows.iter().try_for_each(|row| output::line(&row.id));
    }
    output::line(table(&rows))?;
    if rows.is_empty() && !args.all {
        output::remark("no container runs; `berth ps -a` shows those that ended");
    }
    Ok(())
}

fn row(container: &Container, pods: &HashMap<&str, &str>, now: i64) -> Row {
    Row {
        id: container.id.clone(),
        name: find::container_name(container).to_owned(),
        image: image(container.image.as_ref(), &container.image_ref),
        state: state(container.state()),
        created: text::time(container.created_at),
        age: text::age(now, container.created_at),
        pod: pods.get(container.pod_sandbox_id.as_str()).copied().unwrap_or_default().to_owned(),
        pod_id: container.pod_sandbox_id.clone(),
        attempt: container.metadata.as_ref().map_or(0, |metadata| metadata.attempt),
    }
}

/// An image as its user named it, if that is known.
pub(super) fn image(spec: Option<&ImageSpec>, reference: &str) -> String {
    let spec = spec.map(|spec| [spec.user_specified_image.as_str(), spec.image.as_str()]);
    let names = spec.into_iter().flatten().chain([reference]);
    let name = names.filter(|name| !name.is_empty()).min_by_key(|name| name.starts_with("sha256:"));
    match name {
        Some(id) if id.starts_with("sha256:") => text::short_id(id).to_owned(),
        name => name.unwrap_or("-").to_owned(),
    }
}

pub(super) fn state(state: ContainerState) -> &'static str {
    match state {
        ContainerState::ContainerCreated => "created",
        ContainerState::ContainerRunning => "running",
        ContainerState::ContainerExited => "exited",
        ContainerState::ContainerUnknown => "unknown",
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Columns::new(["CONTAINER", "IMAGE", "NAME", "STATE", "AGE", "POD"]);
    for row in rows {
        table.row([
            text::short_id(&row.id).to_owned(),
            row.image.clone(),
            row.name.clone(),
            row.state.to_owned(),
            row.age.clone(),
            row.pod.clone(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use proto::cri::ContainerMetadata;

    use super::*;

    #[test]
    fn a_container_is_a_line_with_short_id_and_age() {
        let second = 1_000_000_000;
        let container = Container {
            id: "0123456789abcdef".repeat(4),
            pod_sandbox_id: "p1".into(),
            metadata: Some(ContainerMetadata { name: "web".into(), attempt: 2 }),
            image: Some(ImageSpec { image: "nginx:1".into(), ..ImageSpec::default() }),
            state: ContainerState::ContainerRunning as i32,
            created_at: 1_000 * second,
            ..Container::default()
        };
        let row = row(&container, &HashMap::from([("p1", "front")]), 1_300 * second);
        assert_eq!(
            table(&[row]),
            "CONTAINER      IMAGE     NAME   STATE     AGE   POD\n0123456789ab   nginx:1   web    running   5m    front"
        );
    }

    #[test]
    fn an_image_goes_by_the_best_of_its_names() {
        let id = format!("sha256:{}", "a".repeat(64));
        let spec = |image: &str, user: &str| {
            Some(ImageSpec { image: image.into(), user_specified_image: user.into(), ..ImageSpec::default() })
        };
        assert_eq!(image(spec(&id, "nginx").as_ref(), &id), "nginx");
        assert_eq!(image(spec("nginx:1", "").as_ref(), &id), "nginx:1");
        assert_eq!(
            image(spec(&id, "").as_ref(), "docker.io/library/nginx@sha256:0"),
            "docker.io/library/nginx@sha256:0"
        );
        assert_eq!(image(None, &id), "aaaaaaaaaaaa");
        assert_eq!(image(None, ""), "-");
    }
}
