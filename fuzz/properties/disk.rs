//! A disk in memory: takes batches as `state.db` does, with its constraints, and
//! says what a restart would find.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hearth::broker::codec::PacketId;
use hearth::broker::journal::{Batch, DeliveryRow, SessionRow, SubscriptionRow};
use hearth::broker::message::Message;
use hearth::broker::outbound::{Delivery, Saved};
use hearth::broker::router::{SavedSession, State};

#[derive(Debug, Default)]
pub struct Disk {
    sessions: BTreeMap<u64, SessionRow>,
    subscriptions: BTreeMap<(u64, Arc<str>), SubscriptionRow>,
    messages: BTreeMap<u64, Arc<Message>>,
    deliveries: BTreeMap<(u64, u64), DeliveryRow>,
    received: BTreeSet<(u64, PacketId)>,
    retained: BTreeMap<Arc<str>, Arc<Message>>,
    last_id: u64,
}

impl Disk {
    pub fn write(&mut self, batch: &Batch) {
        self.write_sessions(batch);
        for key in batch.subscriptions.deleted() {
            self.subscriptions.remove(key);
        }
        for ((session, filter), row) in batch.subscriptions.written() {
            self.subscriptions
                .insert((*session, Arc::clone(filter)), *row);
        }
        for id in batch.messages.deleted() {
            self.messages.remove(id);
        }
        for (id, message) in batch.messages.written() {
            let old = self.messages.insert(*id, Message::as_kept(message));
            assert!(old.is_none(), "message {id} is written twice");
            self.last_id = self.last_id.max(*id);
        }
        for key in batch.deliveries.deleted() {
            self.deliveries.remove(key);
        }
        for (key, row) in batch.deliveries.written() {
            self.deliveries.insert(*key, row.clone());
            let place = row.sent.map_or(0, |sent| sent.place);
            self.last_id = self.last_id.max(key.1).max(place);
        }
        for key in batch.received.deleted() {
            self.received.remove(key);
        }
        self.received
            .extend(batch.received.written().map(|(key, ())| *key));
        for (topic, message) in &batch.retained {
            match message {
                Some(message) => self.retained.insert(Arc::clone(topic), Arc::clone(message)),
                None => self.retained.remove(topic),
            };
        }
        self.check();
    }

    fn write_sessions(&mut self, batch: &Batch) {
        let removed = batch.sessions.iter().filter(|(_, row)| row.is_none());
        for (key, _) in removed {
            self.sessions.remove(key);
            self.subscriptions.retain(|(session, _), _| session != key);
            self.deliveries.retain(|(session, _), _| session != key);
            self.received.retain(|(session, _)| session != key);
        }
        for (key, row) in &batch.sessions {
            if let Some(row) = row {
                self.sessions.insert(*key, row.clone());
                self.last_id = self.last_id.max(*key);
            }
        }
    }

    /// The constraints of the tables, and that nothing is left over.
    fn check(&self) {
        let names: BTreeSet<_> = self.sessions.values().map(|row| &row.client_id).collect();
        assert_eq!(
            names.len(),
            self.sessions.len(),
            "a client id is there twice"
        );
        let mut owners = self.subscriptions.keys().map(|(session, _)| session);
        assert!(owners.all(|session| self.sessions.contains_key(session)));
        let mut owners = self.received.iter().map(|(session, _)| session);
        assert!(owners.all(|session| self.sessions.contains_key(session)));
        let mut owners = self.deliveries.keys().map(|(session, _)| session);
        assert!(owners.all(|session| self.sessions.contains_key(session)));
        let wanted: BTreeSet<_> = self.deliveries.values().map(|row| row.message).collect();
        let there: BTreeSet<_> = self.messages.keys().copied().collect();
        assert_eq!(wanted, there, "messages that wait, messages that are there");
    }

    /// What a restart finds.
    pub fn state(&self) -> State {
        State {
            sessions: self
                .sessions
                .iter()
                .map(|(key, row)| self.session(*key, row))
                .collect(),
            retained: self.retained.values().cloned().collect(),
            last_id: self.last_id,
        }
    }

    fn session(&self, key: u64, row: &SessionRow) -> SavedSession {
        let subscriptions = self.subscriptions.iter();
        let subscriptions = subscriptions.filter(|((session, _), _)| *session == key);
        let received = self.received.iter().filter(|(session, _)| *session == key);
        let mut deliveries: Vec<(u64, Saved)> = self
            .deliveries
            .range((key, 0)..=(key, u64::MAX))
            .map(|((_, id), row)| (row.message, self.saved(*id, row)))
            .collect();
        deliveries.sort_by_key(|(_, saved)| saved.sent.map_or(u64::MAX, |sent| sent.place));
        SavedSession {
            key,
            client_id: Arc::clone(&row.client_id),
            user: row.user.clone(),
            expiry: row.expiry,
            disconnected_at: row.disconnected_at,
            will: row.will.clone(),
            doubtful: row.doubtful,
            subscriptions: subscriptions
                .map(|((_, filter), row)| (Arc::clone(filter), *row))
                .collect(),
            deliveries,
            received: received.map(|(_, id)| *id).collect(),
        }
    }

    fn saved(&self, id: u64, row: &DeliveryRow) -> Saved {
        Saved {
            id,
            delivery: Delivery {
                message: Arc::clone(&self.messages[&row.message]),
                qos: row.qos,
                retain: row.retain,
                subscription_ids: row.subscription_ids.clone(),
                group: row.group.clone(),
            },
            replay: row.replay,
            packet_id: row.packet_id,
            sent: row.sent,
        }
    }
}
