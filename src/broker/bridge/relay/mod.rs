//! What crosses a bridge: packets of this house's session and of the other side
//! in, packets for both out.
//!
//! The state of every exchange at QoS 1 and 2 is the house's session's own; the
//! relay passes its packets on under the same packet ids, so that an exchange
//! goes on where it was after any cut, and after a restart. A message is
//! acknowledged to the house when the other side has acknowledged it, and to the
//! other side when the house has. Pure.

mod inward;
mod outward;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::echoes::Echoes;
use super::mapping::{self, Rule};
use super::mark::Mark;
use super::settings::Settings;
use super::status::Tally;
use super::trouble::Trouble;
use crate::broker::codec::{
    Ack, ConnAck, Packet, PacketId, Publish, PublishHead, PublishProperties, Qos, Reason,
    RetainHandling, SubAck, Subscribe, SubscriptionOptions, Version, publish_len,
};
use crate::broker::lasting::Event;
use crate::broker::outbound::Sending;
use crate::clock::Moment;
use crate::home::{Presence, topic};

/// Messages of the other side that the house has not taken yet; at this many
/// nothing is read from there.
const MOST_ARRIVALS: usize = 512;
/// Fleeting messages that wait for the other side's attention; further ones are
/// dropped, as QoS 0 allows. Others are bounded by their session's window.
const MOST_HELD: usize = 1024;
/// Ids of messages that were left out; beyond this, those at QoS 1 are forgotten,
/// most of which the other side has long been told of.
const MOST_LEFT_OUT: usize = 4096;
/// Exchanges at once with a 3.1.1 broker, which cannot say its Receive Maximum.
/// It is what clients commonly keep to; with more at QoS 2, mosquitto 2.0.11
/// leaves what is above without an answer.
const UNSAID_MAXIMUM: u16 = 20;
/// Filters in one SUBSCRIBE; some brokers take no more.
const FILTERS: usize = 8;

/// One bridge's relay, over all of its connections.
#[derive(Debug)]
pub struct Relay {
    rules: Vec<Rule>,
    version: Version,
    mark: Mark,
    /// Where the bridge itself is told of: none of the other side's business.
    own: String,
    presence: Option<String>,
    /// Larger messages of the other side are not taken, in bytes.
    largest: usize,
    there: There,
    /// Exchanges that the other side has to answer.
    flight: FxHashMap<PacketId, Flight>,
    /// Exchanges at QoS 2 that only the house has still to end.
    closing: FxHashSet<PacketId>,
    /// Waits for the subscriptions, or for the other side's Receive Maximum.
    held: VecDeque<Sending>,
    arrivals: VecDeque<Arrival>,
    /// What came and was left out: known when it comes again, until its id is
    /// used anew. Bounded by [`MOST_LEFT_OUT`].
    left_out: FxHashMap<PacketId, Qos>,
    /// Releases of exchanges that the other side has forgotten.
    stale: FxHashSet<PacketId>,
    subscribing: FxHashMap<PacketId, Vec<String>>,
    /// All subscriptions were granted or refused in this run.
    subscribed: bool,
    echoes: Echoes,
    tally: Tally,
    complaint: Option<String>,
    to_house: Vec<Packet>,
    to_remote: Vec<Packet>,
}

/// What the other side said of itself in CONNACK.
#[derive(Clone, Copy, Debug)]
struct There {
    receive_maximum: usize,
    largest: usize,
    maximum_qos: Qos,
    retain: bool,
}

/// An exchange with the other side.
#[derive(Clone, Copy, Debug)]
struct Flight {
    /// As the other side has it.
    qos: Qos,
    /// The QoS at which the house waits for an answer.
    owed: Qos,
}

/// A message that came, in its turn to be acknowledged [MQTT-4.6.0-2].
#[derive(Clone, Copy, Debug)]
struct Arrival {
    packet_id: PacketId,
    qos: Qos,
    /// Set once the house has taken it, or will not.
    answer: Option<Reason>,
}

impl Relay {
    /// A relay that has not met the other side yet.
    pub fn new(settings: &Settings, mark: Mark, largest: u32) -> Relay {
        Relay {
            rules: settings.topics.clone(),
            version: settings.version,
            mark,
            own: topic::bridge_topics(&settings.name),
            presence: settings.presence.clone(),
            largest: largest as usize,
            there: There::of(&ConnAck::default(), settings.version),
            flight: FxHashMap::default(),
            closing: FxHashSet::default(),
            held: VecDeque::new(),
            arrivals: VecDeque::new(),
            left_out: FxHashMap::default(),
            stale: FxHashSet::default(),
            subscribing: FxHashMap::default(),
            subscribed: false,
            echoes: Echoes::default(),
            tally: Tally::default(),
            complaint: None,
            to_house: Vec::new(),
            to_remote: Vec::new(),
        }
    }

    /// The other side has let us in, and the house's session is opened anew:
    /// what was in flight comes again. `received` are the QoS 2 messages that
    /// the house has not released.
    pub fn connected(&mut self, connack: &ConnAck, received: &[PacketId]) {
        self.there = There::of(connack, self.version);
        self.flight.clear();
        self.closing.clear();
        self.held.clear();
        self.arrivals.clear();
        self.subscribing.clear();
        self.to_house.clear();
        self.to_remote.clear();
        self.stale.clear();
        if !connack.session_present {
            self.forgotten(received);
        }
        if !connack.session_present || !self.subscribed {
            self.subscribe();
        }
        self.be(Presence::Online);
    }

    /// Tells those who watch there, where the settings name a topic for it.
    pub fn be(&mut self, presence: Presence) {
        let Some(topic) = self.presence.clone() else {
            return;
        };
        self.to_remote.push(Packet::Publish(Publish {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: self.there.retain,
            topic: topic.into(),
            packet_id: None,
            payload: presence.as_str().into(),
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties: PublishProperties::default(),
        }));
    }

    /// The house's session says something.
    pub fn house_says(&mut self, event: Event, now: Moment) {
        match event {
            Event::Publish(sending) => self.hold(sending, now),
            Event::Packet(Packet::PubRel(ack)) => self.release_there(ack.packet_id),
            Event::Packet(Packet::PubAck(ack) | Packet::PubRec(ack)) => {
                self.taken(ack.packet_id, ack.reason);
            }
            Event::Packet(Packet::PubComp(ack)) => self.released_here(ack.packet_id),
            Event::Packet(_) => {}
        }
    }

    /// The other side says something.
    ///
    /// # Errors
    /// When the connection cannot go on.
    pub fn remote_says(&mut self, packet: Packet, now: Moment) -> Result<(), Trouble> {
        match packet {
            Packet::Publish(publish) => self.arrive(publish, now),
            Packet::PubAck(ack) => self.acknowledged(&ack, now),
            Packet::PubRec(ack) => self.received(&ack, now),
            Packet::PubComp(ack) => self.completed(&ack, now),
            Packet::PubRel(ack) => self.release_here(ack.packet_id),
            Packet::SubAck(ack) => self.granted(&ack, now),
            Packet::PingResp | Packet::UnsubAck(_) => {}
            Packet::Disconnect(last) => {
                return Err(Trouble::Dismissed(last.reason, last.reason_string));
            }
            Packet::ConnAck(_) => return Err(Trouble::Misplaced("CONNACK")),
            Packet::Auth(_) => return Err(Trouble::Misplaced("AUTH")),
            Packet::Connect(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq => return Err(Trouble::Misplaced("a packet of a client")),
        }
        Ok(())
    }

    /// Whether the house keeps up with what the other side sends.
    pub fn takes_more(&self) -> bool {
        self.arrivals.len() < MOST_ARRIVALS
    }

    /// Takes what is for the house's session.
    pub fn for_house(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.to_house)
    }

    /// Takes what is for the other side.
    pub fn for_remote(&mut self) -> impl Iterator<Item = Packet> + '_ {
        self.to_remote.drain(..)
    }

    /// What crossed so far, and what did not.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes a sentence on the last message that could not cross.
    pub fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    /// The other side does not know our session: what it had begun, it will not
    /// end, and may begin anew under the same ids.
    fn forgotten(&mut self, received: &[PacketId]) {
        self.left_out.clear();
        for id in received {
            self.stale.insert(*id);
            self.to_house
                .push(Packet::PubRel(ack(*id, Reason::Success)));
        }
    }

    fn subscribe(&mut self) {
        self.subscribed = false;
        let filters = mapping::remote_filters(&self.rules);
        for (index, some) in (0_u16..).zip(filters.chunks(FILTERS)) {
            // Far from the ids that the house's session begins with.
            let id = u16::MAX - index;
            let Some(packet_id) = PacketId::new(id) else {
                return;
            };
            let names = some.iter().map(|(filter, _)| filter.clone()).collect();
            self.subscribing.insert(packet_id, names);
            let filters = some.iter().map(|(filter, qos)| {
                let options = SubscriptionOptions {
                    qos: *qos,
                    no_local: true,
                    retain_as_published: true,
                    retain_handling: RetainHandling::SendIfNew,
                };
                (filter.clone(), options)
            });
            self.to_remote.push(Packet::Subscribe(Box::new(Subscribe {
                packet_id,
                id: None,
                filters: filters.collect(),
                user_properties: Vec::new(),
            })));
        }
        self.subscribed = self.subscribing.is_empty();
    }

    fn granted(&mut self, suback: &SubAck, now: Moment) {
        let Some(filters) = self.subscribing.remove(&suback.packet_id) else {
            return;
        };
        for (filter, reason) in filters.iter().zip(&suback.reasons) {
            if reason.is_error() {
                self.complain(format!(
                    "it refuses the subscription to {filter:?}: {reason:?}"
                ));
            }
        }
        if self.subscribing.is_empty() {
            self.subscribed = true;
            self.send_held(now);
        }
    }

    fn complain(&mut self, sentence: String) {
        self.complaint = Some(sentence);
    }
}

impl There {
    fn of(connack: &ConnAck, version: Version) -> There {
        let unsaid = match version {
            Version::V5 => u16::MAX,
            Version::V311 => UNSAID_MAXIMUM,
        };
        There {
            receive_maximum: connack.receive_maximum.unwrap_or(unsaid).into(),
            largest: connack
                .maximum_packet_size
                .map_or(usize::MAX, |size| size as usize),
            maximum_qos: connack.maximum_qos.unwrap_or(Qos::ExactlyOnce),
            retain: connack.retain_available.unwrap_or(true),
        }
    }
}

/// Bytes of a PUBLISH.
fn size(publish: &Publish, version: Version) -> usize {
    let head = PublishHead {
        qos: publish.qos,
        packet_id: publish.packet_id,
        message_expiry_left: publish.properties.message_expiry,
        ..PublishHead::default()
    };
    let payload = publish.payload.len();
    publish_len(version, &head, &publish.topic, payload, &publish.properties)
}

fn ack(packet_id: PacketId, reason: Reason) -> Ack {
    Ack {
        packet_id,
        reason,
        reason_string: None,
    }
}
