//! Changes that go to the disk together, merged by what they change.
//!
//! Each table of `state.db` has a map here: the row as it shall be, or `None`
//! where there shall be none. So a batch is bounded by what there is and what
//! is on the disk, however long the disk is away.

use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::codec::{PacketId, Qos, SubscriptionOptions, Will};
use super::super::message::Message;
use super::Generation;
use crate::clock::UtcMillis;

/// Everything that changed since the last batch was taken.
#[derive(Debug, Default)]
pub struct Batch {
    pub generation: Generation,
    pub sessions: FxHashMap<u64, Option<SessionRow>>,
    pub subscriptions: Rows<(u64, Arc<str>), SubscriptionRow>,
    pub messages: Rows<u64, Arc<Message>>,
    pub deliveries: Rows<(u64, u64), DeliveryRow>,
    pub received: Rows<(u64, PacketId), ()>,
    pub retained: FxHashMap<Arc<str>, Option<Arc<Message>>>,
}

/// A session that outlives its connection, or its will does.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    pub client_id: Arc<str>,
    pub user: Option<Arc<str>>,
    pub expiry: u32,
    /// `None` while it is connected.
    pub disconnected_at: Option<UtcMillis>,
    pub will: Option<Will>,
    /// Deliveries up to this id may have been sent without the disk knowing.
    pub doubtful: u64,
}

/// One subscription of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    pub options: SubscriptionOptions,
    pub id: Option<u32>,
}

/// A message that a session waits for, or has not acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRow {
    /// Its id among the messages.
    pub message: u64,
    pub qos: Qos,
    pub retain: bool,
    /// It was retained before the subscription that brought it.
    pub replay: bool,
    pub subscription_ids: Vec<u32>,
    pub group: Option<Arc<str>>,
    /// Under which it is sent, or will be.
    pub packet_id: Option<PacketId>,
    /// If it is known to be in flight.
    pub sent: Option<Sent>,
}

/// How a delivery is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Orders those that are in flight.
    pub place: u64,
    /// PUBREC has come: only its id is still in use.
    pub released: bool,
}

/// Rows to write, and keys to delete.
#[derive(Debug)]
pub struct Rows<K, R> {
    rows: FxHashMap<K, Row<R>>,
}

#[derive(Debug)]
struct Row<R> {
    /// `None` deletes.
    row: Option<R>,
    /// No batch before this one had it: deleting it leaves nothing to do.
    is_new: bool,
}

impl<K, R> Default for Rows<K, R> {
    fn default() -> Rows<K, R> {
        Rows {
            rows: FxHashMap::default(),
        }
    }
}

impl<K: Eq + Hash, R> Rows<K, R> {
    /// A row that no batch has had.
    pub fn add(&mut self, key: K, row: R) {
        self.put(key, row, true);
    }

    /// A row as it is now. True if no batch before this one had it.
    pub fn change(&mut self, key: K, row: R) -> bool {
        self.put(key, row, false)
    }

    /// The row is gone.
    pub fn remove(&mut self, key: K) {
        match self.rows.entry(key) {
            Entry::Occupied(entry) if entry.get().is_new => {
                entry.remove();
            }
            Entry::Occupied(mut entry) => entry.get_mut().row = None,
            Entry::Vacant(entry) => {
                entry.insert(Row {
                    row: None,
                    is_new: false,
                });
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows and deletions.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Rows to write.
    pub fn written(&self) -> impl Iterator<Item = (&K, &R)> {
        let rows = self.rows.iter();
        rows.filter_map(|(key, row)| Some((key, row.row.as_ref()?)))
    }

    /// Keys to delete.
    pub fn deleted(&self) -> impl Iterator<Item = &K> {
        let rows = self.rows.iter();
        rows.filter_map(|(key, row)| row.row.is_none().then_some(key))
    }

    fn put(&mut self, key: K, row: R, is_new: bool) -> bool {
        let entry = self.rows.entry(key);
        let entry = entry.or_insert(Row { row: None, is_new });
        entry.row = Some(row);
        entry.is_new
    }

    fn retain(&mut self, stays: impl Fn(&K) -> bool) {
        self.rows.retain(|key, _| stays(key));
    }
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows and deletions, in all tables.
    pub fn len(&self) -> usize {
        self.sessions.len()
            + self.subscriptions.len()
            + self.messages.len()
            + self.deliveries.len()
            + self.received.len()
            + self.retained.len()
    }

    /// What belongs to a session that is gone goes with its row.
    pub(super) fn forget_rows_of_removed_sessions(&mut self) {
        let sessions = &self.sessions;
        let stays = |session: u64| !matches!(sessions.get(&session), Some(None));
        self.subscriptions.retain(|(session, _)| stays(*session));
        self.deliveries.retain(|(session, _)| stays(*session));
        self.received.retain(|(session, _)| stays(*session));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_comes_and_goes_within_a_batch_leaves_no_trace() {
        let mut rows = Rows::default();
        rows.add(1, "new");
        rows.change(1, "changed");
        rows.remove(1);
        assert!(rows.is_empty());
    }

    #[test]
    fn a_row_of_an_earlier_batch_is_deleted_whatever_happened_in_between() {
        let mut rows = Rows::default();
        rows.change(1, "changed");
        rows.remove(1);
        rows.remove(2);
        assert_eq!(rows.written().count(), 0);
        assert_eq!(rows.deleted().count(), 2);
        rows.add(1, "back");
        rows.remove(1);
        assert_eq!(rows.deleted().count(), 2);
    }
}
