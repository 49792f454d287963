//! Two brokers with a bridge between them, as pure as they are: both sides are
//! routers, and what is between them can be cut at any packet.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::BytesMut;

use super::super::*;
use crate::broker::bridge::mapping::{Direction, Retain, Rule};
use crate::broker::bridge::settings::{Address, Scheme};
use crate::broker::codec::{Connect, Decoder, encode, encode_publish};
use crate::broker::lasting::Lasting;
use crate::broker::outbound::{Limits as Bounds, WhenFull};
use crate::broker::router::{Effect, Limits, Link, Origin, Out, Router};
use crate::clock::Now;

/// A broker, its clients' mail, and ids for what they publish.
pub struct Side {
    pub router: Router,
    mail: Vec<(Link, Out)>,
    last_id: u16,
}

impl Side {
    fn new() -> Side {
        Side {
            router: Router::new(Limits::default()),
            mail: Vec::new(),
            last_id: 0,
        }
    }

    pub fn connect(&mut self, connect: Connect, origin: Origin, now: Now) -> Link {
        let link = self.router.connect(connect, origin, now).unwrap();
        self.collect();
        link
    }

    fn receive(&mut self, link: Link, packet: Packet, now: Now) {
        self.router.receive(link, packet, now);
        self.collect();
    }

    fn collect(&mut self) {
        for effect in self.router.effects().drain(..) {
            if let Effect::Send { link, out } = effect {
                self.mail.push((link, out));
            }
        }
    }

    fn mail(&mut self, to: Link) -> Vec<Out> {
        let mail = std::mem::take(&mut self.mail);
        let (mine, others) = mail.into_iter().partition(|(link, _)| *link == to);
        self.mail = others;
        let mine: Vec<(Link, Out)> = mine;
        mine.into_iter().map(|(_, out)| out).collect()
    }

    /// What came with the messages that a client was sent.
    pub fn properties(&mut self, by: Link) -> Vec<PublishProperties> {
        let mail = self.mail(by).into_iter();
        let properties = mail.filter_map(|out| match out {
            Out::Publish(sending) => Some(sending.delivery.message.properties.clone()),
            _ => None,
        });
        properties.collect()
    }

    fn id(&mut self) -> PacketId {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        NonZeroU16::new(self.last_id).unwrap()
    }

    /// A client publishes, and ends its half of the exchange.
    pub fn publish(&mut self, link: Link, topic: &str, payload: &str, qos: Qos, retain: bool) {
        let packet_id = (qos != Qos::AtMostOnce).then(|| self.id());
        let publish = Publish {
            dup: false,
            qos,
            retain,
            topic: topic.into(),
            packet_id,
            payload: payload.to_owned().into(),
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties: PublishProperties::default(),
        };
        self.receive(link, Packet::Publish(publish), Now::default());
        if let Some(id) = packet_id.filter(|_| qos == Qos::ExactlyOnce) {
            let pubrel = Packet::PubRel(ack(id, Reason::Success));
            self.receive(link, pubrel, Now::default());
        }
    }

    pub fn subscribe(&mut self, link: Link, filter: &str) {
        let options = SubscriptionOptions {
            qos: Qos::AtMostOnce,
            ..SubscriptionOptions::default()
        };
        self.subscribe_with(link, filter, options);
    }

    fn subscribe_with(&mut self, link: Link, filter: &str, options: SubscriptionOptions) {
        let subscribe = Subscribe {
            packet_id: self.id(),
            id: None,
            filters: vec![(filter.to_owned(), options)],
            user_properties: Vec::new(),
        };
        self.receive(link, Packet::Subscribe(Box::new(subscribe)), Now::default());
    }
}

pub fn client(id: &str, version: Version) -> Connect {
    Connect {
        version,
        client_id: id.to_owned(),
        clean_start: true,
        keep_alive: 0,
        username: None,
        password: None,
        will: None,
        session_expiry: None,
        receive_maximum: None,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: true,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    }
}

pub fn rule(pattern: &str, direction: Direction, remote: &str) -> Rule {
    Rule {
        pattern: pattern.into(),
        direction,
        qos: Qos::ExactlyOnce,
        local_prefix: String::new(),
        remote_prefix: remote.into(),
        retain: Retain::AsPublished,
    }
}

pub struct World {
    pub house: Side,
    pub remote: Side,
    pub relay: Relay,
    settings: Settings,
    here: Link,
    there: Link,
    /// Packets on their way to the other side, and from there.
    out: VecDeque<Packet>,
    back: VecDeque<Packet>,
    /// How the other side treats our connection.
    pub receive_maximum: Option<NonZeroU16>,
    pub maximum_qos: Option<Qos>,
    pub now: Now,
}

impl World {
    pub fn new(version: Version, rules: Vec<Rule>) -> World {
        let address = Address {
            scheme: Scheme::Mqtt,
            host: "there".into(),
            port: 1883,
        };
        let mut settings = Settings::new("x", address);
        (settings.version, settings.topics) = (version, rules);
        let mut house = Side::new();
        let now = Now::default();
        let here = open(&mut house, now);
        for (filter, qos) in mapping::local_filters(&settings.topics) {
            house.subscribe_with(here, &filter, wishes(qos, RetainHandling::SendIfNew));
        }
        let mut world = World {
            house,
            remote: Side::new(),
            relay: Relay::new(&settings, Mark::new(1), 1_000_000),
            settings,
            here,
            there: here,
            out: VecDeque::new(),
            back: VecDeque::new(),
            receive_maximum: None,
            maximum_qos: None,
            now,
        };
        world.reconnect();
        world
    }

    /// What was on its way is lost; the bridge comes back.
    pub fn reconnect(&mut self) {
        self.out.clear();
        self.back.clear();
        let version = self.settings.version;
        let connect = Connect {
            clean_start: false,
            session_expiry: (version == Version::V5).then_some(3600),
            ..client("bridge", version)
        };
        self.remote.router.lost(self.there, self.now);
        self.there = self.remote.connect(connect, Origin::Outside, self.now);
        let mail = self.remote.mail(self.there);
        let mut mail = mail.into_iter();
        let Some(Out::Packet(Packet::ConnAck(mut connack))) = mail.next() else {
            panic!("no CONNACK");
        };
        connack.receive_maximum = self.receive_maximum.map(u16::from);
        connack.maximum_qos = self.maximum_qos;
        self.here = open(&mut self.house, self.now);
        if !connack.session_present {
            for (filter, qos) in mapping::local_filters(&self.settings.topics) {
                let wishes = wishes(qos, RetainHandling::Send);
                self.house.subscribe_with(self.here, &filter, wishes);
            }
        }
        let held = self.house.router.held("bridge/x");
        self.relay.connected(&connack, &held[0].received);
        self.back.extend(mail.map(|out| on_the_wire(out, version)));
        self.settle_house();
    }

    /// The gateway starts again, with what its database keeps.
    pub fn restart(&mut self) {
        let mark = Mark::new(self.now.moment.0 + 2);
        self.relay = Relay::new(&self.settings, mark, 1_000_000);
        self.reconnect();
    }

    /// The other side loses our session.
    pub fn forget(&mut self) {
        let version = self.settings.version;
        let anew = self
            .remote
            .connect(client("bridge", version), Origin::Outside, self.now);
        self.remote.router.lost(anew, self.now);
        self.reconnect();
    }

    /// Carries up to so many packets each way.
    pub fn carry(&mut self, packets: usize) {
        for _ in 0..packets {
            self.now = self.now + Duration::from_millis(1);
            if let Some(packet) = self.out.pop_front() {
                self.remote.receive(self.there, packet, self.now);
                let version = self.settings.version;
                let mail = self.remote.mail(self.there);
                self.back
                    .extend(mail.into_iter().map(|out| on_the_wire(out, version)));
            }
            if let Some(packet) = self.back.pop_front() {
                self.relay.remote_says(packet, self.now.moment).unwrap();
            }
            self.settle_house();
        }
    }

    /// Carries everything, until nothing is on its way any more.
    pub fn rest(&mut self) {
        self.gather();
        while !self.out.is_empty() || !self.back.is_empty() {
            self.carry(1);
            self.gather();
        }
    }

    fn gather(&mut self) {
        self.settle_house();
        let version = self.settings.version;
        let mail = self.remote.mail(self.there);
        self.back
            .extend(mail.into_iter().map(|out| on_the_wire(out, version)));
    }

    /// The house's session and the relay are in one process: nothing is lost.
    pub fn settle_house(&mut self) {
        loop {
            for packet in self.relay.for_house() {
                self.house.receive(self.here, packet, self.now);
            }
            let mail = self.house.mail(self.here);
            if mail.is_empty() {
                break;
            }
            for out in mail {
                let event = match out {
                    Out::Publish(sending) => Event::Publish(sending),
                    Out::Packet(packet) => Event::Packet(packet),
                    Out::Fence => {
                        self.house.router.drained(self.here, self.now);
                        self.house.collect();
                        continue;
                    }
                };
                self.relay.house_says(event, self.now.moment);
            }
        }
        let version = self.settings.version;
        let packets: Vec<Packet> = self.relay.for_remote().collect();
        self.out
            .extend(packets.into_iter().map(|packet| as_read(&packet, version)));
    }

    /// What a client was sent: its topic, payload and whether it is retained.
    pub fn seen(side: &mut Side, by: Link) -> Vec<(String, String)> {
        let mail = side.mail(by);
        let seen = mail.into_iter().filter_map(|out| match out {
            Out::Publish(sending) => {
                let message = sending.delivery.message;
                let payload = String::from_utf8(message.payload.to_vec()).unwrap();
                Some((message.topic.to_string(), payload))
            }
            _ => None,
        });
        seen.collect()
    }

    pub fn waiting(&self) -> usize {
        self.house.router.held("bridge/x")[0].backlog.messages
    }
}

fn open(house: &mut Side, now: Now) -> Link {
    let lasting = Lasting {
        queue: Bounds {
            messages: 10_000,
            bytes: 1_000_000,
        },
        when_full: WhenFull::DropOldest,
        at_least_once: true,
        window: NonZeroU16::new(5).unwrap(),
    };
    let connect = Connect {
        clean_start: false,
        receive_maximum: Some(lasting.window),
        ..client("\0bridge/x", Version::V5)
    };
    house.connect(connect, Origin::Lasting(lasting), now)
}

fn wishes(qos: Qos, retain_handling: RetainHandling) -> SubscriptionOptions {
    SubscriptionOptions {
        qos,
        no_local: true,
        retain_as_published: true,
        retain_handling,
    }
}

/// A packet as the version lets it through.
fn as_read(packet: &Packet, version: Version) -> Packet {
    let mut bytes = BytesMut::new();
    encode(packet, version, &mut bytes);
    read(bytes, version)
}

fn on_the_wire(out: Out, version: Version) -> Packet {
    let sending = match out {
        Out::Packet(packet) => return as_read(&packet, version),
        Out::Publish(sending) => sending,
        Out::Fence => panic!("so much is not sent at once"),
    };
    let message = &sending.delivery.message;
    let head = PublishHead {
        dup: sending.dup,
        qos: sending.delivery.qos,
        retain: sending.delivery.retain,
        packet_id: sending.packet_id,
        ..PublishHead::default()
    };
    let mut bytes = BytesMut::new();
    let (topic, payload) = (&message.topic, &message.payload);
    encode_publish(
        &mut bytes,
        version,
        &head,
        topic,
        payload,
        &message.properties,
    );
    read(bytes, version)
}

fn read(mut bytes: BytesMut, version: Version) -> Packet {
    let mut decoder = Decoder::with_version(version, usize::MAX);
    decoder.decode(&mut bytes).unwrap().unwrap()
}
