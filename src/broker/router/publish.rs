//! Messages on their way in: PUBLISH, and the acknowledgements of both ways.

use std::sync::Arc;

use super::{Link, Router};
use crate::broker::access::Deed;
use crate::broker::client::Publication;
use crate::broker::codec::{Ack, Packet, Publish, PublishProperties, Qos, Reason, Version};
use crate::broker::journal::{Saving, Wait};
use crate::broker::message::Message;
use crate::broker::outbound::{Awaiting, Dropped};
use crate::broker::subscriptions::has_few_levels;
use crate::clock::Now;

impl Router {
    pub(super) fn publish(&mut self, link: Link, mut publish: Publish, now: Now) {
        // Only a broker says for which subscription a message is [MQTT-3.3.4-6].
        if !publish.subscription_ids.is_empty() {
            return self.fail(link, Reason::ProtocolError, now);
        }
        let topic = match self.resolve_alias(link, &mut publish) {
            Ok(topic) => topic,
            Err(reason) => return self.fail(link, reason, now),
        };
        self.count_received(publish.payload.len());
        let (qos, packet_id) = (publish.qos, publish.packet_id);
        let (reason, wait) = match self.accept(link, &topic, &publish) {
            Accepted::New => self.take(link, topic, publish, now),
            Accepted::Again => (Reason::Success, self.journal.wait_for_all()),
            Accepted::Refused(reason) => {
                let reason = self.refuse(link, topic, publish, reason, now);
                (reason, None)
            }
            Accepted::TooMany => return self.fail(link, Reason::ReceiveMaximumExceeded, now),
        };
        let kind = match qos {
            Qos::AtMostOnce => return,
            Qos::AtLeastOnce => Packet::PubAck,
            Qos::ExactlyOnce => Packet::PubRec,
        };
        if let Some(id) = packet_id {
            self.send_ack(link, kind, id, reason, wait);
        }
    }

    /// A part of Hearth publishes: no acknowledgement, no bounds of a client.
    pub fn publish_inside(&mut self, link: Link, publication: Publication, now: Now) {
        let Some(session) = self.connected(link) else {
            return;
        };
        let message = Message {
            topic: publication.topic,
            payload: publication.payload,
            qos: publication.qos,
            retain: publication.retain,
            properties: PublishProperties::default(),
            publisher: Arc::clone(&session.client_id),
            taken_in: None,
            received: now.utc,
            expires: None,
        };
        self.counters.packets_received += 1;
        self.count_received(message.payload.len());
        let saving = match publication.is_note {
            true => Saving::Seldom,
            false => Saving::Soon,
        };
        self.route(&Arc::new(message), Some(link.session), saving, now);
    }

    /// PUBACK or PUBCOMP: a message is delivered, the window has room again.
    pub(super) fn acknowledged(&mut self, link: Link, ack: &Ack, awaiting: Awaiting, now: Now) {
        let Some((session, journal)) = self.with_journal(link) else {
            return;
        };
        let log = &mut session.log(journal);
        session.outbound.finish(ack.packet_id, awaiting, log);
        session.made_progress(now.moment);
        self.pump(link.session, now);
    }

    /// PUBREC: answered with PUBREL, or the end of the exchange if it refuses.
    pub(super) fn puback_received(&mut self, link: Link, ack: &Ack, now: Now) {
        let Some((session, journal)) = self.with_journal(link) else {
            return;
        };
        if ack.reason.is_error() {
            return self.acknowledged(link, ack, Awaiting::PubRec, now);
        }
        let log = &mut session.log(journal);
        let reason = match session.outbound.received(ack.packet_id, log) {
            true => Reason::Success,
            false => Reason::PacketIdentifierNotFound,
        };
        let wait = self.wait_if_lasting(link);
        self.send_ack(link, Packet::PubRel, ack.packet_id, reason, wait);
    }

    /// PUBREL: the id of a QoS 2 message is free again.
    pub(super) fn released(&mut self, link: Link, ack: &Ack) {
        let Some((session, journal)) = self.with_journal(link) else {
            return;
        };
        let reason = match session.received.remove(&ack.packet_id) {
            true => Reason::Success,
            false => Reason::PacketIdentifierNotFound,
        };
        if reason == Reason::Success {
            session.log(journal).released(ack.packet_id);
        }
        let wait = self.wait_if_lasting(link);
        self.send_ack(link, Packet::PubComp, ack.packet_id, reason, wait);
    }

    /// The topic of a PUBLISH, which may be named by its alias (3.3.2.3.4).
    fn resolve_alias(&mut self, link: Link, publish: &mut Publish) -> Result<Arc<str>, Reason> {
        let Some(alias) = publish.topic_alias.take() else {
            return Ok(Arc::clone(&publish.topic));
        };
        let limit = self.limits.topic_aliases;
        let connection = self
            .connected(link)
            .and_then(|session| session.connection.as_mut());
        let aliases = &mut connection.ok_or(Reason::UnspecifiedError)?.aliases;
        if alias.get() > limit {
            return Err(Reason::TopicAliasInvalid);
        }
        if publish.topic.is_empty() {
            return aliases
                .get(&alias.get())
                .cloned()
                .ok_or(Reason::ProtocolError);
        }
        aliases.insert(alias.get(), Arc::clone(&publish.topic));
        Ok(Arc::clone(&publish.topic))
    }

    fn count_received(&mut self, payload: usize) {
        self.counters.received += 1;
        self.counters.received_bytes += payload as u64;
    }

    /// Counts what is not taken; the reason is for its publisher.
    fn refuse(
        &mut self,
        link: Link,
        topic: Arc<str>,
        publish: Publish,
        reason: Reason,
        now: Now,
    ) -> Reason {
        self.counters.lost(Dropped::Refused);
        self.counters.refused_retained += u64::from(reason == Reason::QuotaExceeded);
        if reason == Reason::NotAuthorized {
            self.counters.forbidden_publications += 1;
            self.complain(link.session, Deed::Publish, &topic);
        }
        if self.dead.are_wanted() {
            let publisher = Arc::clone(&self.sessions[link.session.index()].client_id);
            let message = Message::from_publish(publish, topic, publisher, now);
            self.dead.lost(Dropped::Refused, &Arc::new(message), None);
        }
        reason
    }

    /// Whether to take a message, and the reason if not.
    fn accept(&mut self, link: Link, topic: &str, publish: &Publish) -> Accepted {
        let limit = usize::from(self.limits.receive_maximum);
        let size = topic.len() + publish.payload.len();
        let bounds = &self.limits.retained;
        let has_room = !publish.retain || self.retained.has_room(topic, size, bounds);
        let Some((session, journal)) = self.with_journal(link) else {
            return Accepted::Again;
        };
        if !session.may_write(topic) {
            return Accepted::Refused(Reason::NotAuthorized);
        }
        if !has_few_levels(topic) {
            return Accepted::Refused(Reason::TopicNameInvalid);
        }
        if claims_utf8(publish) && std::str::from_utf8(&publish.payload).is_err() {
            return Accepted::Refused(Reason::PayloadFormatInvalid);
        }
        if session.is_bound() && !has_room {
            return Accepted::Refused(Reason::QuotaExceeded);
        }
        let outcome = match session.overtakes(topic, publish.retain) {
            true => Accepted::Again,
            false => Accepted::New,
        };
        match publish
            .packet_id
            .filter(|_| publish.qos == Qos::ExactlyOnce)
        {
            None => outcome,
            Some(id) if session.received.contains(&id) => Accepted::Again,
            Some(_) if !session.internal && session.received.len() >= limit => Accepted::TooMany,
            Some(id) => {
                session.received.insert(id);
                session.log(journal).received(id);
                outcome
            }
        }
    }

    /// Routes a new message. The reason says whether anybody wanted it, the
    /// wait when its publisher may believe that nobody forgets it.
    fn take(
        &mut self,
        link: Link,
        topic: Arc<str>,
        publish: Publish,
        now: Now,
    ) -> (Reason, Option<Wait>) {
        let session = &self.sessions[link.session.index()];
        let publisher = Arc::clone(&session.client_id);
        let is_taken_once = publish.qos == Qos::ExactlyOnce && session.is_lasting();
        let mut message = Message::from_publish(publish, topic, publisher, now);
        message.taken_in = self.journal.batch().filter(|_| is_taken_once);
        let message = Arc::new(message);
        let saving = match message.qos {
            Qos::AtMostOnce => Saving::Soon,
            Qos::AtLeastOnce | Qos::ExactlyOnce => Saving::Promised,
        };
        let receivers = self.route(&message, Some(link.session), saving, now);
        let reason = match (receivers, self.version(link)) {
            (0, Some(Version::V5)) => Reason::NoMatchingSubscribers,
            _ => Reason::Success,
        };
        (reason, self.wait_for(link, &message))
    }

    fn wait_for(&mut self, link: Link, message: &Arc<Message>) -> Option<Wait> {
        match message.qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce if message.retain => self.journal.wait_for_retained(),
            _ if message.retain => self.journal.wait_for_all(),
            Qos::ExactlyOnce if self.is_lasting(link) => self.journal.wait_for_all(),
            _ => self.journal.wait_for(message, link),
        }
    }

    /// For what must not be sent before it is on the disk.
    pub(super) fn wait_if_lasting(&mut self, link: Link) -> Option<Wait> {
        match self.is_lasting(link) {
            true => self.journal.wait_for_all(),
            false => None,
        }
    }

    fn is_lasting(&mut self, link: Link) -> bool {
        self.connected(link)
            .is_some_and(|session| session.is_lasting())
    }
}

enum Accepted {
    New,
    /// A repeated QoS 2 message: acknowledged, not delivered twice [MQTT-4.3.3-10].
    /// The same for one that another has overtaken.
    Again,
    Refused(Reason),
    TooMany,
}

fn claims_utf8(publish: &Publish) -> bool {
    publish
        .properties
        .rare
        .as_ref()
        .is_some_and(|rare| rare.payload_is_utf8 == Some(true))
}
