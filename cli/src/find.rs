//! From what a person types (a name, an id, the beginning of an id) to one container or pod.

use proto::cri::{Container, ListContainersRequest, ListPodSandboxRequest, PodSandbox, PodSandboxMetadata};

use crate::{
    client::Client,
    failure::{Doing, Failure, Result},
    text::short_id,
};

/// What a person may mean by a name.
#[derive(Debug)]
pub(crate) enum Thing {
    Container(Box<Container>),
    Pod(Box<PodSandbox>),
}

/// All containers, in every state.
pub(crate) async fn containers(client: &mut Client) -> Result<Vec<Container>> {
    let answer = client.runtime.list_containers(ListContainersRequest::default()).await;
    Ok(answer.doing("list containers")?.into_inner().containers)
}

/// All pods, in every state.
pub(crate) async fn pods(client: &mut Client) -> Result<Vec<PodSandbox>> {
    let answer = client.runtime.list_pod_sandbox(ListPodSandboxRequest::default()).await;
    Ok(answer.doing("list pods")?.into_inner().items)
}

/// The container that `word` means.
pub(crate) async fn container(client: &mut Client, word: &str) -> Result<Container> {
    let all = containers(client).await?;
    one("container", word, all.into_iter().map(|c| (c.id.clone(), container_name(&c).to_owned(), c)))
        .map_err(|failure| failure.or_try("`berth ps -a` shows all containers"))
}

/// The container, or else the pod, that `word` means.
pub(crate) async fn thing(client: &mut Client, word: &str) -> Result<Thing> {
    let containers = containers(client).await?.into_iter();
    let containers = containers.map(|c| (c.id.clone(), container_name(&c).to_owned(), c));
    match matching(word, containers) {
        found if found.is_empty() => {}
        found => return the_one("container", word, found).map(|c| Thing::Container(Box::new(c))),
    }
    let pods = pods(client).await?.into_iter();
    let found = matching(word, pods.map(|p| (p.id.clone(), pod_name(p.metadata.as_ref()).to_owned(), p)));
    the_one("container or pod", word, found)
        .map(|p| Thing::Pod(Box::new(p)))
        .map_err(|failure| failure.or_try("`berth ps -a` and `berth pods` show what there is"))
}

/// What a container is called; empty if its maker gave it no name.
pub(crate) fn container_name(container: &Container) -> &str {
    container.metadata.as_ref().map_or("", |metadata| metadata.name.as_str())
}

/// What a pod is called.
pub(crate) fn pod_name(metadata: Option<&PodSandboxMetadata>) -> &str {
    metadata.map_or("", |metadata| metadata.name.as_str())
}

fn one<T>(kind: &str, word: &str, all: impl Iterator<Item = (String, String, T)>) -> Result<T> {
    the_one(kind, word, matching(word, all))
}

/// The best kind of match: the whole id, then the name, then the beginning of an id.
fn matching<T>(word: &str, all: impl Iterator<Item = (String, String, T)>) -> Vec<(String, T)> {
    let (mut named, mut begun) = (Vec::new(), Vec::new());
    for (id, name, thing) in all {
        if id == word {
            return vec![(id, thing)];
        } else if name == word {
            named.push((id, thing));
        } else if !word.is_empty() && id.starts_with(word) {
            begun.push((id, thing));
        }
    }
    if named.is_empty() { begun } else { named }
}

fn the_one<T>(kind: &str, word: &str, mut found: Vec<(String, T)>) -> Result<T> {
    match (found.len(), found.pop()) {
        (1, Some((_, thing))) => Ok(thing),
        (_, Some((id, _))) => {
            let ids: Vec<_> = found.iter().map(|(id, _)| short_id(id)).chain([short_id(&id)]).collect();
            Err(Failure::new(format!("{word:?} could mean any of {}", ids.join(", ")))
                .or_try("one of these ids, or more characters of it"))
        }
        (_, None) => Err(Failure::new(format!("no {kind} is called {word:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(word: &str) -> Result<u8> {
        let all = [("abc1", "web", 1), ("abc2", "web", 2), ("db00", "abc1x", 3), ("e000", "db", 4)];
        one("pod", word, all.into_iter().map(|(id, name, n)| (id.to_owned(), name.to_owned(), n)))
    }

    #[test]
    fn ids_win_over_names_and_names_over_beginnings() {
        assert_eq!(find("abc1"), Ok(1));
        assert_eq!(find("abc1x"), Ok(3));
        assert_eq!(find("db"), Ok(4), "a name, though an id begins with it");
        assert_eq!(find("e"), Ok(4));
    }

    #[test]
    fn what_is_not_one_thing_is_explained() {
        let ambiguous = find("web").unwrap_err().to_string();
        assert!(ambiguous.contains("abc1, abc2"), "{ambiguous}");
        assert!(find("abc").is_err());
        assert!(find("nothing").unwrap_err().to_string().contains("no pod is called \"nothing\""));
        assert!(find("").is_err(), "nothing typed is not the beginning of everything");
    }
}
