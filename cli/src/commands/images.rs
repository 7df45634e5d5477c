//! `berth images`: the images.

use proto::cri::{Image, ListImagesRequest};
use serde::Serialize;

use super::Node;
use crate::{
    failure::{Doing, Result},
    output::{self, Format},
    table::Columns,
    text,
};

/// List images
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth images          all images, a line for each of their tags
  berth images -q       ids only
  berth images --json   everything, for programs")]
pub(crate) struct Args {
    /// Print ids only
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    format: Format,
}

/// An image as it is listed.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    tags: Vec<String>,
    digests: Vec<String>,
    size_bytes: u64,
    pinned: bool,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let answer = client.images.list_images(ListImagesRequest::default()).await.doing("list images")?;
    let mut rows: Vec<_> = answer.into_inner().images.into_iter().map(row).collect();
    rows.sort_by(|a, b| a.tags.cmp(&b.tags));
    if args.format.json {
        return output::json(&rows);
    }
    if args.quiet {
        return rows.iter().try_for_each(|row| output::line(&row.id));
    }
    output::line(table(&rows))
}

fn row(image: Image) -> Row {
    Row {
        id: image.id,
        tags: image.repo_tags,
        digests: image.repo_digests,
        size_bytes: image.size,
        pinned: image.pinned,
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Columns::new(["REPOSITORY", "TAG", "IMAGE", "SIZE"]);
    for row in rows {
        for (repository, tag) in names(row) {
            let size = text::bytes(row.size_bytes);
            table.row([repository, tag, text::short_id(&row.id).to_owned(), size]);
        }
    }
    table.text()
}

/// (repository, tag) of every tag; of an image that has none, where it came from.
fn names(row: &Row) -> Vec<(String, String)> {
    // The last colon: registries have ports.
    let tags = row.tags.iter().filter_map(|tag| tag.rsplit_once(':'));
    let mut names: Vec<_> = tags.map(|(repository, tag)| (repository.to_owned(), tag.to_owned())).collect();
    if names.is_empty() {
        let origin = row.digests.first().and_then(|digest| digest.split_once('@'));
        names.push((origin.map_or("<none>", |(repository, _)| repository).to_owned(), "<none>".to_owned()));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_has_a_line() {
        let image = |tags: &[&str], digests: &[&str]| Row {
            id: format!("sha256:{}", "0123456789abcdef".repeat(4)),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            digests: digests.iter().map(|&digest| digest.to_owned()).collect(),
            size_bytes: 5 << 20,
            pinned: false,
        };
        let text = table(&[
            image(&["localhost:5000/web:1", "localhost:5000/web:latest"], &[]),
            image(&[], &["docker.io/library/alpine@sha256:00"]),
            image(&[], &[]),
        ]);
        let lines: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["localhost:5000/web", "1", "0123456789ab", "5.0", "MiB"]);
        assert_eq!(lines[2][1], "latest");
        assert_eq!(lines[3][..2], ["docker.io/library/alpine", "<none>"]);
        assert_eq!(lines[4][..2], ["<none>", "<none>"]);
    }
}
