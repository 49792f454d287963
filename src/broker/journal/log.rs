//! The journal as one session sees it.

use std::sync::Arc;

use super::Journal;
use super::batch::{DeliveryRow, Sent, SessionRow, SubscriptionRow};
use crate::broker::codec::{PacketId, Qos};
use crate::broker::message::Message;
use crate::broker::outbound::Delivery;

/// Records what becomes of one session.
#[derive(Debug)]
pub struct Log<'a> {
    to: Option<(&'a mut Journal, u64)>,
    is_lasting: bool,
    must_wait: bool,
}

impl<'a> Log<'a> {
    /// Where there is no journal.
    pub fn none() -> Log<'a> {
        Log {
            to: None,
            is_lasting: false,
            must_wait: false,
        }
    }

    pub(super) fn new(journal: &'a mut Journal, session: u64, is_lasting: bool) -> Log<'a> {
        Log {
            to: Some((journal, session)),
            is_lasting,
            must_wait: false,
        }
    }

    /// Whether what was taken down must be on the disk before it is done: a
    /// packet id must not be forgotten once it is used [MQTT-4.4.0-1]. A QoS 1
    /// message may go if the disk has its id, or has nothing of it: then all is
    /// forgotten, and its publisher sends it again.
    pub fn must_wait(&self) -> bool {
        self.must_wait
    }

    /// Whether messages at QoS 1 and 2 are taken down at all.
    pub fn is_kept(&self) -> bool {
        self.to.is_some() && self.is_lasting
    }

    fn lasting(&mut self) -> Option<(&mut Journal, u64)> {
        let (journal, session) = self.to.as_mut().filter(|_| self.is_lasting)?;
        Some((journal, *session))
    }

    fn kept(&mut self, id: u64) -> Option<(&mut Journal, u64)> {
        let (journal, session) = self.to.as_mut().filter(|_| id != 0)?;
        Some((journal, *session))
    }

    /// The session's own row.
    pub fn session(&mut self, row: SessionRow) {
        if let Some((journal, session)) = &mut self.to {
            journal.session_changes += 1;
            journal.next.sessions.insert(*session, Some(row));
        }
    }

    /// The session is gone, with all that belongs to it.
    pub fn session_ended(&mut self) {
        if let Some((journal, session)) = &mut self.to {
            journal.session_changes += 1;
            journal.next.sessions.insert(*session, None);
        }
    }

    pub fn subscribed(&mut self, filter: &Arc<str>, row: SubscriptionRow, is_new: bool) {
        let Some((journal, session)) = self.lasting() else {
            return;
        };
        let key = (session, Arc::clone(filter));
        let rows = &mut journal.next.subscriptions;
        match is_new {
            true => rows.add(key, row),
            false => {
                rows.change(key, row);
            }
        }
    }

    pub fn unsubscribed(&mut self, filter: &Arc<str>) {
        if let Some((journal, session)) = self.lasting() {
            let key = (session, Arc::clone(filter));
            journal.next.subscriptions.remove(key);
        }
    }

    /// A QoS 2 message came in under this id.
    pub fn received(&mut self, packet_id: PacketId) {
        if let Some((journal, session)) = self.lasting() {
            journal.next.received.add((session, packet_id), ());
        }
    }

    /// Its PUBREL came.
    pub fn released(&mut self, packet_id: PacketId) {
        if let Some((journal, session)) = self.lasting() {
            journal.next.received.remove((session, packet_id));
        }
    }

    /// A message waits for the session, which has no connection if it `is_away`.
    /// Returns the delivery's id; 0 if it is not kept.
    pub fn queued(
        &mut self,
        delivery: &Delivery,
        packet_id: Option<PacketId>,
        replay: bool,
        is_away: bool,
    ) -> u64 {
        let Some((journal, session)) = self.lasting() else {
            return 0;
        };
        if delivery.qos == Qos::AtMostOnce {
            return 0;
        }
        let id = journal.free_id();
        let kept = journal.keep(&delivery.message, None);
        kept.is_for_absent |= is_away;
        let row = DeliveryRow {
            replay,
            ..row(delivery, kept.id, packet_id, None)
        };
        journal.next.deliveries.add((session, id), row);
        id
    }

    /// It goes onto the wire under this packet id, of which the journal may know
    /// already. Returns its place among those in flight.
    pub fn sent(
        &mut self,
        id: u64,
        delivery: &Delivery,
        packet_id: PacketId,
        is_known: bool,
    ) -> u64 {
        let Some((journal, _)) = self.kept(id) else {
            return 0;
        };
        let place = journal.free_id();
        let sent = Sent {
            place,
            released: false,
        };
        let is_new = self.in_flight(id, delivery, packet_id, sent);
        self.must_wait |= delivery.qos == Qos::ExactlyOnce || !(is_known || is_new);
        place
    }

    /// It goes onto the wire again, as it was recorded.
    pub fn sent_again(&mut self, id: u64) {
        self.must_wait |= self.kept(id).is_some();
    }

    /// As it is in flight now. True if no batch before this one had it.
    pub fn in_flight(
        &mut self,
        id: u64,
        delivery: &Delivery,
        packet_id: PacketId,
        sent: Sent,
    ) -> bool {
        let Some((journal, session)) = self.kept(id) else {
            return false;
        };
        let Some(message) = journal.id_of(&delivery.message) else {
            return false;
        };
        let row = row(delivery, message, Some(packet_id), Some(sent));
        journal.next.deliveries.change((session, id), row)
    }

    /// Nobody waits for it any more.
    pub fn finished(&mut self, id: u64, delivery: &Delivery) {
        if let Some((journal, session)) = self.kept(id) {
            journal.next.deliveries.remove((session, id));
            journal.let_go(&delivery.message);
        }
    }

    /// A delivery that is on the disk already, after a restart.
    pub fn restored(&mut self, message_id: u64, message: &Arc<Message>) {
        if let Some((journal, _)) = &mut self.to {
            journal.keep(message, Some(message_id));
        }
    }
}

fn row(
    delivery: &Delivery,
    message: u64,
    packet_id: Option<PacketId>,
    sent: Option<Sent>,
) -> DeliveryRow {
    DeliveryRow {
        message,
        qos: delivery.qos,
        retain: delivery.retain,
        replay: false,
        subscription_ids: delivery.subscription_ids.clone(),
        group: delivery.group.clone(),
        packet_id,
        sent,
    }
}
