//! What the daemon knows, in memory: pods, containers, the names they hold. Lists and status are answered from here and
//! never wait for an operation.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use tokio::sync::watch;

use crate::{
    container::Container,
    error::{Error, Kind, Result},
    ids::{ContainerId, PodId},
    pod::Pod,
};

/// The owner whose objects CRI sees. Other front doors own other pods.
pub(crate) const KUBERNETES: &str = "kubernetes";

#[derive(Debug, Default)]
pub(crate) struct Store {
    tables: RwLock<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    pods: HashMap<PodId, Arc<Pod>>,
    containers: HashMap<ContainerId, Arc<Container>>,
    /// Names in use: a pod's (name, namespace, uid, attempt), a container's (pod, name, attempt).
    pod_names: HashMap<String, PodId>,
    container_names: HashMap<String, ContainerId>,
}

/// Whether a name was free.
#[derive(Debug)]
pub(crate) enum Claim<T> {
    New,
    Held(Arc<T>),
}

impl Store {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a pod under its name, or says who holds the name.
    pub(crate) fn claim_pod(&self, pod: &Arc<Pod>) -> Claim<Pod> {
        let mut tables = self.write();
        let name = pod.reserved_name();
        if let Some(held) = tables.pod_names.get(&name).and_then(|id| tables.pods.get(id)) {
            return Claim::Held(held.clone());
        }
        tables.pod_names.insert(name, pod.id().clone());
        tables.pods.insert(pod.id().clone(), pod.clone());
        Claim::New
    }

    pub(crate) fn claim_container(&self, container: &Arc<Container>) -> Claim<Container> {
        let mut tables = self.write();
        let name = container.reserved_name();
        if let Some(held) = tables.container_names.get(&name).and_then(|id| tables.containers.get(id)) {
            return Claim::Held(held.clone());
        }
        tables.container_names.insert(name, container.id().clone());
        tables.containers.insert(container.id().clone(), container.clone());
        Claim::New
    }

    pub(crate) fn forget_pod(&self, pod: &Pod) {
        let mut tables = self.write();
        tables.pods.remove(pod.id());
        let name = pod.reserved_name();
        if tables.pod_names.get(&name) == Some(pod.id()) {
            tables.pod_names.remove(&name);
        }
    }

    pub(crate) fn forget_container(&self, container: &Container) {
        let mut tables = self.write();
        tables.containers.remove(container.id());
        let name = container.reserved_name();
        if tables.container_names.get(&name) == Some(container.id()) {
            tables.container_names.remove(&name);
        }
    }

    pub(crate) fn pods(&self) -> Vec<Arc<Pod>> {
        self.read().pods.values().cloned().collect()
    }

    pub(crate) fn containers(&self) -> Vec<Arc<Container>> {
        self.read().containers.values().cloned().collect()
    }

    pub(crate) fn containers_of(&self, pod: &PodId) -> Vec<Arc<Container>> {
        self.read().containers.values().filter(|container| container.pod_id() == pod).cloned().collect()
    }

    /// Finds a pod by its id or an unambiguous beginning of it.
    pub(crate) fn pod(&self, id: &str) -> Result<Arc<Pod>> {
        let tables = self.read();
        if let Ok(whole) = PodId::parse(id) {
            return tables.pods.get(&whole).cloned().ok_or_else(|| unknown("pod sandbox", id));
        }
        one("pod sandbox", id, tables.pods.iter().map(|(key, pod)| (key.as_str(), pod)))
    }

    /// Finds a container by its id or an unambiguous beginning of it.
    pub(crate) fn container(&self, id: &str) -> Result<Arc<Container>> {
        let tables = self.read();
        if let Ok(whole) = ContainerId::parse(id) {
            return tables.containers.get(&whole).cloned().ok_or_else(|| unknown("container", id));
        }
        one("container", id, tables.containers.iter().map(|(key, container)| (key.as_str(), container)))
    }
}

fn unknown(what: &str, id: &str) -> Error {
    Error::not_found(format!("{what} {id:?}: not found"))
}

fn one<'a, T: 'a>(
    what: &str,
    prefix: &str,
    all: impl Iterator<Item = (&'a str, &'a Arc<T>)>,
) -> Result<Arc<T>> {
    if prefix.is_empty() {
        return Err(Error::invalid(format!("{what}: the id is empty")));
    }
    let mut found = all.filter(|(id, _)| id.starts_with(prefix));
    match (found.next(), found.next()) {
        (Some((_, only)), None) => Ok(only.clone()),
        (Some(_), Some(_)) => {
            Err(Error::invalid(format!("{what} {prefix:?}: several ids begin so; give more digits")))
        }
        (None, _) => Err(unknown(what, prefix)),
    }
}

/// A value that readers copy and one writer replaces, with a way to wait for a change.
#[derive(Debug)]
pub(crate) struct Snapshot<T> {
    sender: watch::Sender<Arc<T>>,
    writer: Mutex<()>,
}

impl<T> Snapshot<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { sender: watch::Sender::new(Arc::new(value)), writer: Mutex::new(()) }
    }

    pub(crate) fn get(&self) -> Arc<T> {
        self.sender.borrow().clone()
    }

    /// Replaces the value by what `change` makes of a copy, once `save` has put it on disk.
    pub(crate) fn update(
        &self,
        change: impl FnOnce(&mut T),
        save: impl FnOnce(&T) -> Result<()>,
    ) -> Result<Arc<T>>
    where
        T: Clone,
    {
        let _writer =
            self.writer.lock().map_err(|_| Error::new(Kind::Internal, "a record's writer panicked"))?;
        let mut value = T::clone(&self.get());
        change(&mut value);
        save(&value)?;
        let value = Arc::new(value);
        self.sender.send_replace(value.clone());
        Ok(value)
    }

    /// Replaces the value if `change` says that there is something to replace, saved or not, and does `then` before the next
    /// change. Says whether it did.
    pub(crate) fn transition(
        &self,
        change: impl FnOnce(&mut T) -> bool,
        save: impl FnOnce(&T),
        then: impl FnOnce(),
    ) -> bool
    where
        T: Clone,
    {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut value = T::clone(&self.get());
        if !change(&mut value) {
            return false;
        }
        save(&value);
        self.sender.send_replace(Arc::new(value));
        then();
        true
    }

    /// Waits until `holds` is true of the value.
    pub(crate) async fn wait_for(&self, mut holds: impl FnMut(&T) -> bool) -> Arc<T> {
        let mut receiver = self.sender.subscribe();
        match receiver.wait_for(|value| holds(value)).await {
            Ok(value) => value.clone(),
            // The sender lives in `self`, so it cannot be gone.
            Err(_) => self.get(),
        }
    }
}

#[cfg(test)]
mod tests;
