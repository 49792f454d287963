//! The router as its clients see it: packets in, packets out, on a virtual clock.

mod accepted;
mod access;
mod delivery;
mod rules;
mod lasting;
mod limits;
mod model;
mod reference;
mod sessions;
mod sharing;

use std::num::NonZeroU16;
use std::time::Duration;

use super::{Effect, Limits, Link, Origin, Out, Router};
use crate::broker::codec::{
    Ack, Connect, Disconnect, Packet, PacketId, Publish, PublishProperties, Qos, Reason, Subscribe,
    SubscriptionOptions, Unsubscribe, Version, Will,
};
use crate::clock::Now;

/// A router, the time, and what it has sent that nobody has looked at yet.
struct Bench {
    router: Router,
    now: Now,
    effects: Vec<Effect>,
    next_id: u16,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(Limits::default())
    }

    fn with(limits: Limits) -> Bench {
        Bench {
            router: Router::new(limits),
            now: Now::default(),
            effects: Vec::new(),
            next_id: 0,
        }
    }

    fn connect(&mut self, connect: Connect) -> Link {
        let admission = self.router.connect(connect, Origin::Outside, self.now);
        self.collect();
        admission.expect("the client is let in")
    }

    fn receive(&mut self, link: Link, packet: Packet) {
        self.router.receive(link, packet, self.now);
        self.collect();
    }

    fn lost(&mut self, link: Link) {
        self.router.lost(link, self.now);
        self.collect();
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.router.wake(self.now);
        self.collect();
    }

    fn collect(&mut self) {
        self.effects.append(self.router.effects());
    }

    fn id(&mut self) -> PacketId {
        self.next_id += 1;
        NonZeroU16::new(self.next_id).unwrap()
    }

    fn subscribe(&mut self, link: Link, filter: &str, qos: Qos) -> Vec<Reason> {
        self.subscribe_with(
            link,
            filter,
            SubscriptionOptions {
                qos,
                ..Default::default()
            },
            None,
        )
    }

    fn subscribe_with(
        &mut self,
        link: Link,
        filter: &str,
        options: SubscriptionOptions,
        id: Option<u32>,
    ) -> Vec<Reason> {
        let packet_id = self.id();
        self.receive(
            link,
            Packet::Subscribe(Box::new(Subscribe {
                packet_id,
                id,
                filters: vec![(filter.to_owned(), options)],
                user_properties: Vec::new(),
            })),
        );
        let position = self.effects.iter().position(|effect| {
            matches!(
                effect,
                Effect::Send {
                    out: Out::Packet(Packet::SubAck(_)),
                    ..
                }
            )
        });
        match position.map(|position| self.effects.remove(position)) {
            Some(Effect::Send {
                out: Out::Packet(Packet::SubAck(ack)),
                ..
            }) => ack.reasons,
            _ => panic!("no SUBACK"),
        }
    }

    fn unsubscribe(&mut self, link: Link, filter: &str) {
        let packet_id = self.id();
        let filters = vec![filter.to_owned()];
        let unsubscribe = Unsubscribe {
            packet_id,
            filters,
            user_properties: Vec::new(),
        };
        self.receive(link, Packet::Unsubscribe(Box::new(unsubscribe)));
    }

    fn publish(&mut self, link: Link, topic: &str, payload: &str, qos: Qos) {
        let message = self.message(topic, payload, qos);
        self.receive(link, Packet::Publish(message));
    }

    fn retain(&mut self, link: Link, topic: &str, payload: &str) {
        let message = self.message(topic, payload, Qos::AtLeastOnce);
        self.receive(
            link,
            Packet::Publish(Publish {
                retain: true,
                ..message
            }),
        );
    }

    fn message(&mut self, topic: &str, payload: &str, qos: Qos) -> Publish {
        Publish {
            dup: false,
            qos,
            retain: false,
            topic: topic.into(),
            packet_id: (qos != Qos::AtMostOnce).then(|| self.id()),
            payload: payload.to_owned().into(),
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties: PublishProperties::default(),
        }
    }

    fn ack(&mut self, link: Link, kind: fn(Ack) -> Packet, packet_id: PacketId) {
        self.receive(
            link,
            kind(Ack {
                packet_id,
                reason: Reason::Success,
                reason_string: None,
            }),
        );
    }

    /// What was sent to this connection since the last look.
    fn sent(&mut self, link: Link) -> Vec<Out> {
        let (of_link, others) = std::mem::take(&mut self.effects)
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Send { link: to, .. } if *to == link));
        self.effects = others;
        let of_link: Vec<Effect> = of_link;
        let out = |effect| match effect {
            Effect::Send { out, .. } => Some(out),
            Effect::Close { .. } => None,
        };
        of_link.into_iter().filter_map(out).collect()
    }

    /// The payloads of the messages among it, with `!` if sent again and `*`
    /// if marked as retained.
    fn payloads(&mut self, link: Link) -> Vec<String> {
        let text = |out| match out {
            Out::Publish(sending) => Some(format!(
                "{}{}{}",
                String::from_utf8_lossy(&sending.delivery.message.payload),
                if sending.dup { "!" } else { "" },
                if sending.delivery.retain { "*" } else { "" },
            )),
            _ => None,
        };
        self.sent(link).into_iter().filter_map(text).collect()
    }

    /// The packet ids of the messages sent since the last look.
    fn ids(&mut self, link: Link) -> Vec<PacketId> {
        let id = |out| match out {
            Out::Publish(sending) => sending.packet_id,
            _ => None,
        };
        self.sent(link).into_iter().filter_map(id).collect()
    }

    fn acks(&mut self, link: Link) -> Vec<(&'static str, Reason)> {
        let ack = |out| match out {
            Out::Packet(Packet::PubAck(ack)) => Some(("PUBACK", ack.reason)),
            Out::Packet(Packet::PubRec(ack)) => Some(("PUBREC", ack.reason)),
            Out::Packet(Packet::PubRel(ack)) => Some(("PUBREL", ack.reason)),
            Out::Packet(Packet::PubComp(ack)) => Some(("PUBCOMP", ack.reason)),
            _ => None,
        };
        self.sent(link).into_iter().filter_map(ack).collect()
    }

    fn closed(&mut self) -> Vec<(Link, Reason)> {
        let closed = |effect: &Effect| match effect {
            Effect::Close { link, reason } => Some((*link, *reason)),
            Effect::Send { .. } => None,
        };
        self.effects.iter().filter_map(closed).collect()
    }

    fn session_present(&mut self, link: Link) -> bool {
        let sent = self.sent(link);
        let Some(Out::Packet(Packet::ConnAck(connack))) = sent.first() else {
            panic!("CONNACK is not the first packet");
        };
        connack.session_present
    }
}

fn client(id: &str, version: Version) -> Connect {
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

fn v5(id: &str) -> Connect {
    client(id, Version::V5)
}

fn v311(id: &str) -> Connect {
    client(id, Version::V311)
}

/// A client whose session outlives its connection.
fn lasting(id: &str) -> Connect {
    Connect {
        clean_start: false,
        session_expiry: Some(3600),
        ..v5(id)
    }
}

fn with_will(connect: Connect, delay: u32) -> Connect {
    let will = Will {
        topic: "wills".into(),
        payload: "gone".into(),
        qos: Qos::AtLeastOnce,
        retain: false,
        delay,
        properties: PublishProperties::default(),
    };
    Connect {
        will: Some(will),
        ..connect
    }
}

fn disconnect(reason: Reason) -> Packet {
    Packet::Disconnect(Disconnect {
        reason,
        ..Disconnect::default()
    })
}
