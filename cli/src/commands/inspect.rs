//! `berth inspect`: all there is to know about a container, a pod or an image.

mod container;
mod image;
mod pod;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Node;
use crate::{
    failure::{Failure, Result},
    find::{self, Thing},
    output::{self, Format},
    table::Columns,
};

/// What a person looks for comes first; the rest follows in alphabetical order.
const FIRST: [&str; 8] = ["kind", "name", "namespace", "id", "state", "exit_code", "reason", "message"];

/// Show everything about containers, pods or images
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth inspect web
  berth inspect --json web | jq .info   with what only the daemon knows
  berth inspect alpine                  an image, if nothing else is called so")]
pub(crate) struct Args {
    /// Containers, pods or images
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let mut all = Vec::new();
    for name in &args.names {
        all.push(match find::thing(&mut client, name).await {
            Ok(Thing::Container(found)) => container::inspect(&mut client, &found.id).await?,
            Ok(Thing::Pod(found)) => pod::inspect(&mut client, &found.id).await?,
            Err(failure) => image::inspect(&mut client, name).await?.ok_or_else(|| missing(failure))?,
        });
    }
    if args.format.json {
        // One thing is itself, several are a list.
        return match all.as_slice() {
            [one] => output::json(one),
            all => output::json(&all),
        };
    }
    let texts: Vec<_> = all.iter().map(text).collect();
    output::line(texts.join("\n\n"))
}

fn missing(failure: Failure) -> Failure {
    failure.or_try("`berth ps -a`, `berth pods` and `berth images` show what there is")
}

/// The daemon's own words: JSON where they are JSON.
pub(super) fn info_of(info: &HashMap<String, String>) -> Value {
    let value = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
    Value::Object(info.iter().map(|(key, text)| (key.clone(), value(text))).collect())
}

/// Labels and annotations, in order.
fn sorted(map: &HashMap<String, String>) -> Value {
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort();
    Value::Object(pairs.into_iter().map(|(key, value)| (key.clone(), value.clone().into())).collect())
}

/// For people: a line for each value that says something, indented by its path; the daemon's own words are left out.
fn text(value: &Value) -> String {
    let mut pairs = Vec::new();
    if let Value::Object(map) = value {
        lines(map, "", &mut pairs);
    }
    Columns::pairs(pairs)
}

fn lines(map: &Map<String, Value>, indent: &str, pairs: &mut Vec<(String, String)>) {
    let shown = map.iter().filter(|(key, value)| *key != "info" && says_something(value));
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    for (key, value) in shown {
        let name = format!("{indent}{key}");
        match value {
            Value::Object(inner) => {
                pairs.push((name, String::new()));
                lines(inner, &format!("{indent}  "), pairs);
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    pairs.push((if n == 0 { name.clone() } else { String::new() }, plain(item)));
                }
            }
            other => pairs.push((name, plain(other))),
        }
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && text != "-",
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => map.values().any(says_something),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_see_what_says_something() {
        let value = json!({
            "id": "1",
            "message": "",
            "finished": "-",
            "labels": {},
            "resources": {"memory": 5, "cpu": null},
            "mounts": ["/a → /b", "/c → /d"],
            "info": {"secret": 1},
        });
        let text = text(&value);
        let lines: Vec<Vec<_>> =
            text.lines().map(|line| line.split("  ").filter(|w| !w.is_empty()).collect()).collect();
        assert!(text.contains("id") && text.contains("/c → /d") && text.contains("memory"), "{text}");
        assert!(
            !text.contains("message") && !text.contains("finished") && !text.contains("secret"),
            "{text}"
        );
        assert_eq!(lines.len(), 5, "{text}");
    }

    #[test]
    fn the_daemons_words_are_json_where_they_can_be() {
        let info =
            HashMap::from([("a".to_owned(), r#"{"pid":1}"#.to_owned()), ("b".to_owned(), "x".to_owned())]);
        assert_eq!(info_of(&info), json!({"a": {"pid": 1}, "b": "x"}));
    }
}
