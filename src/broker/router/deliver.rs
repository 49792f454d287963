//! Messages on their way out: matching, queues, and the pace of each connection.
//!
//! A connection is handed [`HIGH_WATER`] bytes ahead of what it has written,
//! then its messages wait in the session's queue. Every [`LOW_WATER`] bytes it
//! is asked to say when they are written. From [`BEHIND`] on it slows
//! publishers down, for as long as it makes progress.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;

use super::{Effect, Link, Out, Router, SessionId};
use crate::broker::codec::{self, Ack, Packet, PacketId, PublishHead, Qos, Reason};
use crate::broker::journal::{Generation, Saving};
use crate::broker::message::Message;
use crate::broker::outbound::{Delivery, Dropped, Next};
use crate::broker::session::{Connection, Session};
use crate::broker::subscriptions::{Group, Met, Subscriber};
use crate::clock::Now;

/// Bytes on their way to a connection after which it is sent a fence.
pub(super) const LOW_WATER: usize = 64 * 1024;
/// Bytes on their way to a connection from which on publishers wait for it.
const BEHIND: usize = 192 * 1024;
/// Bytes on their way to a connection beyond which messages wait in the queue.
pub(super) const HIGH_WATER: usize = 512 * 1024;
/// A connection that has written nothing for this long slows nobody down.
const PATIENCE: Duration = Duration::from_millis(200);

impl Router {
    /// Delivers to everyone who wants it and keeps it if it is retained, on the
    /// disk too as `saving` says. Returns how many sessions match.
    pub(super) fn route(
        &mut self,
        message: &Arc<Message>,
        from: Option<SessionId>,
        saving: Saving,
        now: Now,
    ) -> usize {
        if message.retain {
            let kept = Message::as_kept(message);
            self.retained.store(&kept);
            self.journal.retained(&kept, saving);
        }
        let mut matches = std::mem::take(&mut self.matches);
        self.find_matches(&message.topic, from, &mut matches);
        let receivers = matches.chunk_by(|a, b| a.0.session == b.0.session).count();
        for of_one in matches.chunk_by(|a, b| a.0.session == b.0.session) {
            let session = of_one[0].0.session;
            let published = self.published_at(session, message.qos);
            self.deliver(session, merge(message, published, of_one), now);
        }
        matches.clear();
        self.matches = matches;
        receivers
    }

    /// The connection has written everything before its fence.
    pub fn drained(&mut self, link: Link, now: Now) {
        let Some(session) = self.connected(link) else {
            return;
        };
        if let Some(connection) = session.connection.as_mut() {
            connection.unwritten -= connection.fenced.take().unwrap_or(0);
        }
        session.made_progress(now.moment);
        self.pump(link.session, now);
    }

    /// Whether publishers should wait for a moment: some connection that makes
    /// progress is behind.
    pub fn is_congested(&self, now: Now) -> bool {
        self.behind.iter().any(|link| {
            let session = self.sessions.get(link.session.index());
            let connection = session.and_then(|session| session.connection.as_ref());
            let progress = connection.and_then(|connection| connection.behind);
            progress.is_some_and(|progress| now.moment.since(progress) < PATIENCE)
        })
    }

    /// Whether publishers wait for this connection.
    pub fn is_behind(&self, link: Link) -> bool {
        self.behind.contains(&link)
    }

    /// Sends what waits, as far as the connection takes it.
    pub(super) fn pump(&mut self, id: SessionId, now: Now) {
        let Some(session) = self.sessions.get_mut(id.index()) else {
            return;
        };
        let Some(connection) = session.connection.as_mut() else {
            return;
        };
        let link = Link {
            session: id,
            epoch: session.epoch,
        };
        let (counters, dead) = (&mut self.counters, &mut self.dead);
        let (client_id, key, is_lasting) = (&session.client_id, session.key, session.expiry > 0);
        let was_empty = connection.held.is_empty();
        while connection.unwritten < HIGH_WATER {
            let mut dropped = |delivery: &Delivery, why| {
                counters.lost(why);
                dead.lost(why, &delivery.message, Some(client_id));
            };
            let fits = |delivery: &Delivery| !is_too_large(connection, delivery);
            let (outbound, log) = (&mut session.outbound, &mut self.journal.of(key, is_lasting));
            let next = outbound.next(connection.window, now, fits, &mut dropped, log);
            let must_wait = log.must_wait();
            let Some(next) = next else { break };
            connection.unwritten += next.size();
            counters.packets_sent += 1;
            if let Next::Publish(sending) = &next {
                counters.sent += 1;
                counters.sent_bytes += sending.delivery.message.payload.len() as u64;
            }
            let wait = match must_wait {
                true => self.journal.wait_for_all(),
                false => self.journal.wait_for_batch(next.taken_in()),
            };
            let out = connection.held.pass(next.into(), wait);
            if out.is_none() && connection.held.is_paced() {
                // Only a publisher may be kept waiting for others to share its sync.
                self.journal.hurry();
            }
            let effect = |out| Effect::Send { link, out };
            self.effects.extend(out.map(effect));
        }
        if connection.unwritten >= LOW_WATER && connection.fenced.is_none() {
            connection.fenced = Some(connection.unwritten);
            let out = connection.held.pass(Out::Fence, None);
            if out.is_none() && connection.held.is_paced() {
                self.journal.hurry();
            }
            let effect = |out| Effect::Send { link, out };
            self.effects.extend(out.map(effect));
        }
        if was_empty && !connection.held.is_empty() {
            self.holding.insert(link);
        }
        // Nobody waits for what lies beyond a part that forwards messages.
        let is_behind = session.wishes.is_none()
            && (connection.unwritten >= BEHIND || session.outbound.is_filling());
        match (is_behind, connection.behind) {
            (true, None) => {
                connection.behind = Some(now.moment);
                self.behind.push(link);
            }
            (false, Some(_)) => {
                connection.behind = None;
                self.behind.retain(|behind| *behind != link);
            }
            _ => {}
        }
    }

    /// Gives what a lost member of shared subscriptions has left to members
    /// that are connected; where there is none, it waits for its member.
    pub(super) fn hand_over_shared(&mut self, from: SessionId, now: Now) {
        let Some(session) = self.sessions.get(from.index()) else {
            return;
        };
        let filters = session
            .subscriptions
            .keys()
            .filter(|filter| filter.starts_with("$share/"));
        let mut shared: Vec<Arc<str>> = filters.cloned().collect();
        shared.retain(|filter| self.has_connected_member(filter));
        if shared.is_empty() {
            return;
        }
        let Some(session) = self.sessions.get_mut(from.index()) else {
            return;
        };
        let is_one = |group: &str| shared.iter().any(|filter| &**filter == group);
        for taken in session.outbound.take_shared(is_one) {
            self.deliver_to_group(taken.delivery.clone(), now);
            if let Some(session) = self.sessions.get(from.index()) {
                taken.forget(&mut session.log(&mut self.journal));
            }
        }
    }

    fn has_connected_member(&mut self, filter: &str) -> bool {
        let sessions = &self.sessions;
        let group = self.subscriptions.group(filter);
        group.is_some_and(|group| group.members.iter().any(|one| is_connected(sessions, one)))
    }

    /// Delivers to the next member of the group that brought the message.
    pub(super) fn deliver_to_group(&mut self, delivery: Delivery, now: Now) {
        let Some(filter) = delivery.group.clone() else {
            return;
        };
        let (sessions, topic) = (&self.sessions, &delivery.message.topic);
        let reads = |one: &Subscriber| may_read(sessions, one, topic);
        let group = self.subscriptions.group(&filter);
        let Some(next) = group.and_then(|group| take_turn(group, sessions, reads)) else {
            return;
        };
        let qos = delivery.message.qos.min(next.options.qos);
        self.deliver(next.session, Delivery { qos, ..delivery }, now);
    }

    pub(super) fn deliver(&mut self, id: SessionId, delivery: Delivery, now: Now) {
        let Some(session) = self.sessions.get_mut(id.index()) else {
            return;
        };
        if session.connection.is_none() && delivery.qos == Qos::AtMostOnce {
            return;
        }
        let log = &mut session.log(&mut self.journal);
        let size = delivery.message.size();
        while let Some(oldest) = session.outbound.make_room(size, log) {
            let (why, message) = (Dropped::QueueFull, &oldest.message);
            self.counters.lost(why);
            self.dead.lost(why, message, Some(&session.client_id));
        }
        let wanted = self.dead.are_wanted();
        let message = wanted.then(|| Arc::clone(&delivery.message));
        let is_away = session.connection.is_none();
        let Err(why) = session.outbound.push(delivery, is_away, log) else {
            return self.pump(id, now);
        };
        self.counters.lost(why);
        if let Some(message) = message {
            self.dead.lost(why, &message, Some(&session.client_id));
        }
    }

    /// Everyone whose subscription matches and who may read it, sorted by session.
    fn find_matches(
        &mut self,
        topic: &str,
        from: Option<SessionId>,
        matches: &mut Vec<(Subscriber, Option<Arc<str>>)>,
    ) {
        let (sessions, guarded) = (&self.sessions, self.guarded);
        let reads = |one: &Subscriber| !guarded || may_read(sessions, one, topic);
        self.subscriptions.meet(topic, &mut |met| match met {
            Met::One(subscriber) => {
                let own = subscriber.options.no_local && Some(subscriber.session) == from;
                if !own && reads(subscriber) {
                    matches.push((*subscriber, None));
                }
            }
            Met::Group(group) => {
                if let Some(next) = take_turn(group, sessions, reads) {
                    matches.push((next, Some(Arc::clone(&group.filter))));
                }
            }
        });
        if matches.len() > 1 {
            matches.sort_by_key(|(subscriber, _)| subscriber.session);
        }
    }
}

/// The member whose turn it is, of those who may read it: connected ones first,
/// and one after the other.
fn take_turn(
    group: &mut Group,
    sessions: &Slab<Session>,
    reads: impl Fn(&Subscriber) -> bool,
) -> Option<Subscriber> {
    let count = group.members.len();
    let order = (0..count).map(|step| (group.turn + step) % count);
    let mut readers = order.filter(|&i| reads(&group.members[i]));
    let first = readers.next()?;
    let connected = std::iter::once(first)
        .chain(readers)
        .find(|&i| is_connected(sessions, &group.members[i]));
    let index = connected.unwrap_or(first);
    group.turn = index + 1;
    Some(group.members[index])
}

fn is_connected(sessions: &Slab<Session>, member: &Subscriber) -> bool {
    let session = sessions.get(member.session.index());
    session.is_some_and(|session| session.connection.is_some())
}

fn may_read(sessions: &Slab<Session>, one: &Subscriber, topic: &str) -> bool {
    let session = sessions.get(one.session.index());
    session.is_some_and(|session| session.rights.may_read(topic))
}

/// One delivery for all of a session's matching subscriptions: the highest
/// QoS that any of them grants, and all their identifiers (3.3.4).
fn merge(
    message: &Arc<Message>,
    published: Qos,
    matches: &[(Subscriber, Option<Arc<str>>)],
) -> Delivery {
    let granted = matches
        .iter()
        .map(|(one, _)| one.options.qos)
        .max()
        .unwrap_or_default();
    let keep_flag = matches
        .iter()
        .any(|(one, _)| one.options.retain_as_published);
    Delivery {
        message: Arc::clone(message),
        qos: published.min(granted),
        retain: message.retain && keep_flag,
        subscription_ids: matches.iter().filter_map(|(one, _)| one.id).collect(),
        group: matches.iter().find_map(|(_, group)| group.clone()),
    }
}

fn is_too_large(connection: &Connection, delivery: &Delivery) -> bool {
    connection
        .maximum_packet_size
        .is_some_and(|limit| longest(connection, delivery) > limit as usize)
}

/// The size of the PUBLISH with everything that may be added on its way.
fn longest(connection: &Connection, delivery: &Delivery) -> usize {
    let message = &delivery.message;
    let head = PublishHead {
        qos: delivery.qos,
        packet_id: (delivery.qos != Qos::AtMostOnce).then_some(PacketId::MIN),
        topic_alias: connection.has_aliases.then_some(NonZeroU16::MIN),
        subscription_ids: &delivery.subscription_ids,
        message_expiry_left: message.properties.message_expiry,
        ..PublishHead::default()
    };
    let payload = message.payload.len();
    codec::publish_len(
        connection.version,
        &head,
        &message.topic,
        payload,
        &message.properties,
    )
}

impl Next {
    /// The batch before which the broker might forget that it has taken it.
    fn taken_in(&self) -> Option<Generation> {
        match self {
            Next::Publish(sending) => sending.delivery.message.taken_in,
            Next::PubRel(_) => None,
        }
    }

    fn size(&self) -> usize {
        match self {
            Next::Publish(sending) => sending.delivery.message.size(),
            Next::PubRel(_) => 4,
        }
    }
}

impl From<Next> for Out {
    fn from(next: Next) -> Out {
        match next {
            Next::Publish(sending) => Out::Publish(sending),
            Next::PubRel(packet_id) => Out::Packet(Packet::PubRel(Ack {
                packet_id,
                reason: Reason::Success,
                reason_string: None,
            })),
        }
    }
}
