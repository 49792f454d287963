//! Coming and going: CONNECT, takeover, DISCONNECT and lost connections.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Epoch, Link, Router, SessionId, session_id};
use crate::broker::access::rights::Rights;
use crate::broker::codec::{self, ConnAck, Connect, Disconnect, Packet, Reason, Version};
use crate::broker::hold::Held;
use crate::broker::journal::Saving;
use crate::broker::message::Message;
use crate::broker::outbound::Outbound;
use crate::broker::session::{Connection, Lasting, NEVER_EXPIRES, Session};
use crate::clock::Now;

/// Who asks to come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A part of Hearth.
    Inside,
    /// A part of Hearth whose session outlives it.
    Lasting(Lasting),
    /// A client on the network.
    Outside,
}

impl Router {
    /// A client asks to come in; its user name, if it has one, is proved. The
    /// answer is among the effects; a refusal is returned for the caller to send.
    pub fn connect(
        &mut self,
        mut connect: Connect,
        origin: Origin,
        now: Now,
    ) -> Result<Link, Box<ConnAck>> {
        if let Some(reason) = refusal(&connect) {
            return Err(Box::new(ConnAck {
                reason,
                ..ConnAck::default()
            }));
        }
        self.counters.packets_received += 1;
        self.counters.connects += u64::from(origin == Origin::Outside);
        let assigned = connect.client_id.is_empty().then(|| self.free_client_id());
        if let Some(assigned) = &assigned {
            connect.client_id.clone_from(assigned);
        }
        let rights = self.rights_of(&connect, origin)?;
        let mut welcome = self.welcome(&connect, assigned);
        if !fits(&connect, &welcome) {
            return Err(Box::new(ConnAck {
                reason: Reason::PacketTooLarge,
                ..ConnAck::default()
            }));
        }
        let counted = self.journal.session_changes();
        let (session, present) = self.session_for(&connect, origin, now);
        if let Origin::Lasting(lasting) = origin {
            self.last(session, lasting);
        }
        self.empower(session, &connect, rights);
        let link = self.attach(session, &mut connect);
        welcome.session_present = present;
        let wait = self.journal.wait_for_sessions(counted);
        self.send_when(link, Packet::ConnAck(Box::new(welcome)), wait);
        self.pump(session, now);
        Ok(link)
    }

    /// The connection is gone without DISCONNECT: the will's time has come.
    pub fn lost(&mut self, link: Link, now: Now) {
        let Some((session, journal)) = self.with_journal(link) else {
            return;
        };
        session.connection = None;
        session.disconnected_at = Some(now.utc);
        session.record(journal);
        let is_outside = !session.internal;
        session.outbound.disconnected();
        let (will_delay, lifetime) = (
            session.will.as_ref().map(|will| will.delay),
            session.lifetime(),
        );
        self.connected_clients -= u64::from(is_outside);
        self.behind.retain(|behind| *behind != link);
        self.holding.remove(&link);
        self.hand_over_shared(link.session, now);
        match will_delay {
            Some(0) => self.publish_will(link.session, now),
            Some(delay) => self.wake_for_will(link, delay, now),
            None => {}
        }
        match lifetime {
            Some(lifetime) if lifetime.is_zero() => self.end_session(link.session, now),
            Some(lifetime) => self.wake_for_expiry(link, lifetime, now),
            None => {}
        }
    }

    /// DISCONNECT (3.14).
    pub(super) fn goodbye(&mut self, link: Link, disconnect: &Disconnect, now: Now) {
        let limit = self.limits.session_expiry;
        let Some((session, journal)) = self.with_journal(link) else {
            return;
        };
        if let Some(expiry) = disconnect.session_expiry {
            if session.expiry == 0 && expiry != 0 {
                // [MQTT-3.14.2-2]
                return self.fail(link, Reason::ProtocolError, now);
            }
            session.set_expiry(expiry.min(limit), journal);
        }
        if disconnect.reason == Reason::Success {
            session.will = None;
        }
        let counted = self.journal.session_changes();
        self.lost(link, now);
        let wait = self.journal.wait_for_sessions(counted);
        self.close_when(link, wait);
    }

    /// The session that this client continues, or a new one; and whether it
    /// was present.
    fn session_for(&mut self, connect: &Connect, origin: Origin, now: Now) -> (SessionId, bool) {
        let known = self.clients.get(connect.client_id.as_str()).copied();
        if let Some(known) = known {
            self.take_over(known, connect.clean_start, now);
        }
        // The takeover may have ended the session.
        match self.clients.get(connect.client_id.as_str()) {
            Some(&session) => (session, true),
            None => (self.new_session(&connect.client_id, origin), false),
        }
    }

    /// Ends an older connection with the same client id [MQTT-3.1.4-3], and
    /// the session too if the new connection wants a clean start.
    fn take_over(&mut self, session: SessionId, clean_start: bool, now: Now) {
        let Some(old) = self.sessions.get_mut(session.index()) else {
            return;
        };
        let was_connected = old.connection.is_some();
        let link = Link {
            session,
            epoch: old.epoch,
        };
        if was_connected {
            // A delayed will is not sent to a session that goes on [MQTT-3.1.3-9].
            if !clean_start && old.will.as_ref().is_some_and(|will| will.delay > 0) {
                old.will = None;
            }
            self.dismiss(link, Reason::SessionTakenOver);
            self.lost(link, now);
        } else if !clean_start {
            old.will = None;
        }
        if clean_start {
            self.end_session(session, now);
        }
    }

    fn new_session(&mut self, client_id: &str, origin: Origin) -> SessionId {
        let client_id: Arc<str> = client_id.into();
        let key = self.journal.free_id();
        let index = self.sessions.insert(Session {
            client_id: Arc::clone(&client_id),
            internal: origin != Origin::Outside,
            wishes: None,
            user: None,
            rights: Rights::default(),
            epoch: Epoch::default(),
            connection: None,
            expiry: 0,
            subscriptions: FxHashMap::default(),
            outbound: Outbound::new(self.limits.queue),
            received: FxHashSet::default(),
            will: None,
            key,
            disconnected_at: None,
            doubtful: 0,
            is_recorded: false,
        });
        self.clients.insert(client_id, session_id(index));
        session_id(index)
    }

    /// The part may have new wishes since it had the session open last.
    fn last(&mut self, id: SessionId, lasting: Lasting) {
        let session = &mut self.sessions[id.index()];
        session.wishes = Some(lasting);
        let (queue, when_full) = (lasting.queue, lasting.when_full);
        session.outbound.set_bounds(queue, when_full);
    }

    /// Gives the session its new connection.
    fn attach(&mut self, id: SessionId, connect: &mut Connect) -> Link {
        self.last_epoch.0 += 1;
        let epoch = self.last_epoch;
        let (limits, session) = (&self.limits, &mut self.sessions[id.index()]);
        let window = connect
            .receive_maximum
            .map_or(u16::MAX, u16::from)
            .min(limits.inflight);
        session.epoch = epoch;
        let expiry = match session.wishes {
            Some(_) => NEVER_EXPIRES,
            None => session_expiry(connect).min(limits.session_expiry),
        };
        session.set_expiry(expiry, &mut self.journal);
        session.disconnected_at = None;
        session.will = connect.will.take();
        session.connection = Some(Connection {
            version: connect.version,
            window: window.into(),
            maximum_packet_size: connect.maximum_packet_size,
            aliases: FxHashMap::default(),
            unwritten: 0,
            fenced: None,
            behind: None,
            held: Held::default(),
            complaints: 0,
            has_aliases: connect.topic_alias_maximum > 0,
        });
        session.record(&mut self.journal);
        self.connected_clients += u64::from(!session.internal);
        let most = &mut self.counters.most_connected;
        *most = self.connected_clients.max(*most);
        Link { session: id, epoch }
    }

    /// CONNACK, with what the client must know of our limits (3.2.2.3).
    fn welcome(&self, connect: &Connect, assigned: Option<String>) -> ConnAck {
        let asked = session_expiry(connect);
        ConnAck {
            session_expiry: (asked > self.limits.session_expiry)
                .then_some(self.limits.session_expiry),
            receive_maximum: Some(self.limits.receive_maximum),
            maximum_packet_size: Some(self.limits.packet_size),
            topic_alias_maximum: Some(self.limits.topic_aliases),
            assigned_client_id: assigned,
            server_keep_alive: self.limits.keep_alive_for(connect),
            ..ConnAck::default()
        }
    }

    fn free_client_id(&self) -> String {
        let mut number = self.last_epoch.0 + 1;
        loop {
            let id = format!("hearth-client-{number}");
            if !self.clients.contains_key(id.as_str()) {
                return id;
            }
            number += 1;
        }
    }

    /// Forgets a session: its subscriptions, its messages; a will that was
    /// still waiting is sent now [MQTT-3.1.2-8].
    pub(super) fn end_session(&mut self, id: SessionId, now: Now) {
        self.publish_will(id, now);
        let Some(mut session) = self.sessions.try_remove(id.index()) else {
            return;
        };
        self.clients.remove(&session.client_id);
        for filter in session.subscriptions.keys() {
            self.subscriptions.remove(filter, id);
        }
        session.outbound.disconnected();
        for taken in session.outbound.take_shared(|_| true) {
            self.deliver_to_group(taken.delivery.clone(), now);
            taken.forget(&mut session.log(&mut self.journal));
        }
        let mut log = session.log(&mut self.journal);
        session.outbound.forget(&mut log);
        session.strike_out(&mut self.journal);
    }

    pub(super) fn publish_will(&mut self, id: SessionId, now: Now) {
        let Some(session) = self.sessions.get_mut(id.index()) else {
            return;
        };
        let Some(will) = session.will.take() else {
            return;
        };
        if session.connection.is_none() {
            session.record(&mut self.journal);
        }
        let publisher = Arc::clone(&session.client_id);
        let may_write = session.may_write(&will.topic);
        let message = Arc::new(Message::from_will(will, publisher, now));
        if !may_write {
            return self.forbid_will(id, &message);
        }
        self.route(&message, Some(id), Saving::Promised, now);
    }
}

fn refusal(connect: &Connect) -> Option<Reason> {
    if connect.authentication_method.is_some() {
        return Some(Reason::BadAuthenticationMethod);
    }
    // [MQTT-3.1.3-8]: only a clean session can do without a name in 3.1.1.
    let nameless = connect.client_id.is_empty();
    (nameless && connect.version == Version::V311 && !connect.clean_start)
        .then_some(Reason::ClientIdentifierNotValid)
}

fn fits(connect: &Connect, welcome: &ConnAck) -> bool {
    let len = || codec::encoded_len(&Packet::ConnAck(Box::new(welcome.clone())), connect.version);
    connect
        .maximum_packet_size
        .is_none_or(|largest| len() <= largest as usize)
}

/// 3.1.1 knows only sessions that end with their connection or never.
fn session_expiry(connect: &Connect) -> u32 {
    match connect.version {
        Version::V5 => connect.session_expiry.unwrap_or(0),
        Version::V311 if connect.clean_start => 0,
        Version::V311 => NEVER_EXPIRES,
    }
}
