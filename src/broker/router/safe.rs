//! What is sent only when it is safe: the router and its journal.

use super::{Effect, Link, Out, Router};
use crate::broker::codec::{Ack, Packet, PacketId, Reason};
use crate::broker::journal::{Batch, Generation, Journal, Wait};
use crate::broker::session::Session;
use crate::clock::{Moment, Now};

impl Router {
    /// When [`Router::take_batch`] is next due.
    pub fn next_batch(&self) -> Option<Moment> {
        self.journal.due()
    }

    /// The changes that must go to the disk now. Until [`Router::written`]
    /// follows there is no other.
    pub fn take_batch(&mut self, now: Now) -> Option<Batch> {
        let batch = self.journal.take(now);
        self.release_all();
        batch
    }

    /// All changes, for the last batch of a stop.
    pub fn take_last_batch(&mut self) -> Option<Batch> {
        let batch = self.journal.take_all();
        self.release_all();
        batch
    }

    /// The batch of this generation, of so many rows, is on the disk.
    pub fn written(&mut self, generation: Generation, rows: u64) {
        self.counters.writes += 1;
        self.counters.written_rows += rows;
        self.journal.wrote(generation);
        self.release_all();
    }

    /// The disk did not take the batch; it is tried again.
    pub fn write_failed(&mut self) {
        self.counters.failed_writes += 1;
        self.journal.failed();
        let holding: Vec<Link> = self.holding.iter().copied().collect();
        holding.into_iter().for_each(|link| self.let_in(link));
        self.release_all();
    }

    /// Whether something is not on the disk.
    pub fn has_unwritten(&self) -> bool {
        self.journal.has_unwritten()
    }

    /// Whether this connection is owed so much that it is not to be read further.
    pub fn must_pause(&self, link: Link) -> bool {
        let session = self.sessions.get(link.session.index());
        let session = session.filter(|session| session.epoch == link.epoch);
        let connection = session.and_then(|session| session.connection.as_ref());
        connection.is_some_and(|connection| connection.held.is_full())
    }

    /// The session, if this is its present connection, and the journal.
    pub(super) fn with_journal(&mut self, link: Link) -> Option<(&mut Session, &mut Journal)> {
        let session = self.sessions.get_mut(link.session.index())?;
        let is_it = session.epoch == link.epoch && session.connection.is_some();
        is_it.then_some((session, &mut self.journal))
    }

    /// Sends an acknowledgement of this kind once the wait is over.
    pub(super) fn send_ack(
        &mut self,
        link: Link,
        kind: fn(Ack) -> Packet,
        packet_id: PacketId,
        reason: Reason,
        wait: Option<Wait>,
    ) {
        let ack = Ack {
            packet_id,
            reason,
            reason_string: None,
        };
        self.send_when(link, kind(ack), wait);
    }

    /// Sends a packet once the wait is over, or at once.
    pub(super) fn send_when(&mut self, link: Link, packet: Packet, wait: Option<Wait>) {
        // Only a publisher may be kept waiting for others to share its sync.
        let is_for_reader = !is_answer_to_publisher(&packet);
        let out = Out::Packet(packet);
        let connection = self.sessions.get_mut(link.session.index());
        let connection = connection
            .filter(|session| session.epoch == link.epoch)
            .and_then(|session| session.connection.as_mut());
        let Some(connection) = connection else { return };
        let was_empty = connection.held.is_empty();
        if let Some(Out::Packet(packet)) = connection.held.pass(out, wait) {
            return self.send(link, packet);
        }
        if is_for_reader && connection.held.is_paced() {
            self.journal.hurry();
        }
        if was_empty {
            self.holding.insert(link);
        }
    }

    /// Closes a connection that has said goodbye, once the wait is over.
    pub(super) fn close_when(&mut self, link: Link, wait: Option<Wait>) {
        match wait {
            Some(wait) => self.closing.push((wait, link)),
            None => self.effects.push(closed(link)),
        }
    }

    /// Sends CONNACK if it is held: nothing may come before it.
    pub(super) fn let_in(&mut self, link: Link) {
        let session = self.connected(link);
        let connection = session.and_then(|session| session.connection.as_mut());
        let connack = connection.and_then(|connection| connection.held.connack());
        if let Some(Out::Packet(connack)) = connack {
            self.send(link, connack);
        }
    }

    /// Lets go of what is settled, before anybody looks at the effects.
    pub(super) fn settle(&mut self) {
        for (link, message) in self.journal.settled() {
            let session = self.connected(link);
            let connection = session.and_then(|session| session.connection.as_mut());
            if let Some(connection) = connection {
                connection.held.settle(message);
                self.release(link);
            }
        }
    }

    fn release_all(&mut self) {
        for link in std::mem::take(&mut self.holding) {
            self.release(link);
            let is_holding = |session: &mut Session| {
                let connection = session.connection.as_ref();
                connection.is_some_and(|connection| !connection.held.is_empty())
            };
            if self.connected(link).is_some_and(is_holding) {
                self.holding.insert(link);
            }
        }
        let journal = &self.journal;
        let is_over = |wait: &Wait| journal.is_failing() || journal.is_written(*wait);
        let over = self.closing.extract_if(.., |(wait, _)| is_over(wait));
        self.effects.extend(over.map(|(_, link)| closed(link)));
    }

    fn release(&mut self, link: Link) {
        while let Some(out) = self.next_released(link) {
            match out {
                Out::Packet(packet) => self.send(link, packet),
                out => self.effects.push(Effect::Send { link, out }),
            }
        }
    }

    fn next_released(&mut self, link: Link) -> Option<Out> {
        let (session, journal) = self.with_journal(link)?;
        let held = &mut session.connection.as_mut()?.held;
        held.next(|wait| journal.is_written(wait))
    }
}

fn is_answer_to_publisher(packet: &Packet) -> bool {
    matches!(
        packet,
        Packet::PubAck(_) | Packet::PubRec(_) | Packet::PubComp(_)
    )
}

fn closed(link: Link) -> Effect {
    Effect::Close {
        link,
        reason: Reason::Success,
    }
}
