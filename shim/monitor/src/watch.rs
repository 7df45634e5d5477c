//! Watch: what is known now, then everything that happens.
use proto::monitor::{Event, Reply, reply};

use crate::{event::Id, monitor::Monitor};

impl Monitor {
    pub(crate) fn watch(&mut self, connection: Id) {
        let known: Vec<Event> = self.containers.values().map(|container| container.event()).collect();
        let synced = Event { synced: true, ..Event::default() };
        if known.into_iter().chain([synced]).all(|event| self.tell(connection, event))
            && let Some(connection) = self.connections.get_mut(&connection)
        {
            connection.watches = true;
        }
    }

    /// To every watcher; one that does not read is dropped.
    pub(crate) fn broadcast(&mut self, event: &Event) {
        let watchers: Vec<Id> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.watches)
            .map(|(number, _)| *number)
            .collect();
        for watcher in watchers {
            self.tell(watcher, event.clone());
        }
    }

    fn tell(&mut self, connection: Id, event: Event) -> bool {
        self.reply(connection, &Reply { reply: Some(reply::Reply::Event(event)) }, &[])
    }
}
