//! The router against the reference broker: whatever clients do, everyone sees
//! the same from both.

#[path = "../../../../fuzz/properties/disk.rs"]
mod disk;
mod operations;

use std::sync::Arc;

use proptest::prelude::*;

use super::super::Counters;
use super::reference::{Awaiting, Reference, Seen, Who, beginning};
use super::*;
use crate::broker::codec::SubAck;
use crate::broker::journal::Journal;
use crate::broker::outbound;
use disk::Disk;
use operations::{CLIENTS, Do, operation};

/// Both brokers, and how to tell what they did apart.
struct Pair {
    router: Router,
    reference: Reference,
    /// Where the router keeps what must survive.
    disk: Option<Disk>,
    now: Now,
    /// Every connection that there was, the present one of a client last.
    links: Vec<(Link, Who)>,
    /// Packet ids of each client's messages in flight, the oldest first.
    ids: [Vec<PacketId>; CLIENTS],
    published: u32,
}

fn limits() -> Limits {
    Limits {
        inflight: 3,
        receive_maximum: 2,
        subscriptions: 4,
        queue: outbound::Limits {
            messages: 6,
            bytes: 250_000,
        },
        ..Limits::default()
    }
}

impl Pair {
    fn new() -> Pair {
        Pair {
            router: Router::new(limits()),
            reference: Reference::new(limits()),
            disk: None,
            now: Now::default(),
            links: Vec::new(),
            ids: Default::default(),
            published: 0,
        }
    }

    fn with_disk() -> Pair {
        let mut pair = Pair {
            disk: Some(Disk::default()),
            ..Pair::new()
        };
        pair.restart();
        pair
    }

    /// Writes everything, and with it lets go of everything.
    fn write(&mut self) {
        while let Some(disk) = &mut self.disk
            && self.router.has_unwritten()
        {
            if let Some(batch) = self.router.take_last_batch() {
                disk.write(&batch);
                self.router.written(batch.generation, 0);
            }
        }
    }

    fn restart(&mut self) {
        let Some(disk) = &self.disk else { return };
        let state = disk.state();
        self.router = Router::new(limits());
        let journal = Journal::new(Duration::from_secs(60));
        self.router.restore(state, journal, self.now);
        self.reference.restart(self.now);
        self.links.clear();
    }

    fn link(&self, who: Who) -> Option<Link> {
        self.reference.version(who)?;
        let newest = self.links.iter().rfind(|(_, of)| *of == who);
        newest.map(|(link, _)| *link)
    }

    fn step(&mut self, operation: Do) {
        let now = self.now;
        match operation {
            Do::Connect(who, connect) => {
                let link = self
                    .router
                    .connect(connect.clone(), Origin::Outside, now)
                    .unwrap();
                self.links.push((link, who));
                self.reference.connect(who, connect, now);
            }
            Do::LostAgain(who) => {
                let live = self.link(who);
                let of_client = self.links.iter().filter(|(_, of)| *of == who);
                for (link, _) in of_client.filter(|(link, _)| Some(*link) != live) {
                    self.router.lost(*link, now);
                }
            }
            Do::Pass(seconds) => {
                self.now = now + Duration::from_secs(seconds);
                self.router.wake(self.now);
                self.reference.wake(self.now);
            }
            Do::Restart => self.restart(),
            of_a_connection => self.step_connected(of_a_connection),
        }
        self.write();
        self.compare();
    }

    fn step_connected(&mut self, operation: Do) {
        let (Do::Subscribe(who, ..)
        | Do::Unsubscribe(who, ..)
        | Do::Publish(who, ..)
        | Do::Release(who, ..)
        | Do::Acknowledge(who, ..)
        | Do::Stray(who, ..)
        | Do::Drained(who)
        | Do::Disconnect(who, ..)
        | Do::Lost(who)) = operation
        else {
            return;
        };
        let Some(link) = self.link(who) else { return };
        let now = self.now;
        match operation {
            Do::Subscribe(_, filters, id) => {
                let filters = filters.into_iter().map(|(filter, mut options)| {
                    options.no_local &= !filter.starts_with("$SHARE");
                    (own_group(filter, who), options)
                });
                let subscribe = Subscribe {
                    packet_id: PacketId::MIN,
                    id,
                    filters: filters.collect(),
                    user_properties: Vec::new(),
                };
                self.reference.subscribe(who, &subscribe, now);
                self.router
                    .receive(link, Packet::Subscribe(Box::new(subscribe)), now);
            }
            Do::Unsubscribe(_, filters) => {
                let filters = filters.into_iter().map(|filter| own_group(filter, who));
                let unsubscribe = Unsubscribe {
                    packet_id: PacketId::MIN,
                    filters: filters.collect(),
                    user_properties: Vec::new(),
                };
                self.reference.unsubscribe(who, &unsubscribe.filters);
                self.router
                    .receive(link, Packet::Unsubscribe(Box::new(unsubscribe)), now);
            }
            Do::Publish(_, mut publish) => {
                self.published += 1;
                if publish.payload == "small" {
                    publish.payload = self.published.to_string().into();
                }
                self.reference.publish(who, &publish, now);
                self.router.receive(link, Packet::Publish(publish), now);
            }
            Do::Release(_, id) => {
                self.reference.release(who, id);
                self.router
                    .receive(link, Packet::PubRel(ack(id, Reason::Success)), now);
            }
            Do::Acknowledge(_, place) => self.acknowledge(who, link, place),
            Do::Stray(_, place, kind, reason) => self.answer(who, link, place, kind, reason),
            Do::Drained(_) => {
                self.reference.drained(who, now);
                self.router.drained(link, now);
            }
            Do::Disconnect(_, disconnect) => {
                self.reference.disconnect(who, &disconnect, now);
                self.router
                    .receive(link, Packet::Disconnect(disconnect), now);
            }
            Do::Lost(_) => {
                self.reference.lost(who, now);
                self.router.lost(link, now);
            }
            Do::Connect(..) | Do::LostAgain(_) | Do::Pass(_) | Do::Restart => {}
        }
    }

    fn acknowledge(&mut self, who: Who, link: Link, place: usize) {
        let place = place % self.ids[who].len().max(1);
        let kind = match self.reference.stage(who, place) {
            Some(Awaiting::PubAck) => "PUBACK",
            Some(Awaiting::PubRec) => "PUBREC",
            Some(Awaiting::PubComp) => "PUBCOMP",
            None => return,
        };
        self.answer(who, link, place, kind, Reason::Success);
    }

    fn answer(&mut self, who: Who, link: Link, place: usize, kind: &'static str, reason: Reason) {
        // An id that nothing has, where nothing is at this place.
        let id = self.ids[who].get(place).copied().unwrap_or(PacketId::MAX);
        let packet = match kind {
            "PUBACK" => Packet::PubAck(ack(id, reason)),
            "PUBREC" => Packet::PubRec(ack(id, reason)),
            _ => Packet::PubComp(ack(id, reason)),
        };
        if self
            .reference
            .acknowledge(who, place, kind, reason, self.now)
        {
            self.ids[who].remove(place);
        }
        self.router.receive(link, packet, self.now);
    }

    /// Both have shown everyone the same, and count the same.
    fn compare(&mut self) {
        for (who, place) in self.reference.given_up.drain(..) {
            self.ids[who].remove(place);
        }
        let effects = std::mem::take(self.router.effects());
        let shown: Vec<_> = effects
            .into_iter()
            .map(|effect| self.look(effect))
            .collect();
        let expected = std::mem::take(&mut self.reference.seen);
        let with_disk = self.disk.is_some();
        for who in 0..CLIENTS {
            let of = |seen: &[(Who, Seen)]| -> Vec<Seen> {
                let of_client = seen.iter().filter(|(to, _)| *to == who);
                let mut seen: Vec<Seen> = of_client.map(|(_, seen)| seen.clone()).collect();
                // What waits for the disk may be overtaken by what need not.
                seen.sort_by_key(|one| with_disk && waits_for_no_disk(one));
                seen
            };
            assert_eq!(of(&shown), of(&expected), "client {who}: router, reference");
        }
        assert_eq!(
            counted(&self.router.counters()),
            counted(&self.reference.counters)
        );
        let retained = self.router.retained("#", self.now).len()
            + self.router.retained("$x/#", self.now).len();
        let counts = (
            self.router.sessions.len(),
            self.router.subscriptions.len(),
            retained,
        );
        assert_eq!(counts, self.reference.counts(self.now));
        assert_eq!(self.router.clients.len(), self.router.sessions.len());
    }

    fn look(&mut self, effect: Effect) -> (Who, Seen) {
        let (Effect::Send { link, .. } | Effect::Close { link, .. }) = &effect;
        let who = self.links.iter().rfind(|(one, _)| one == link).unwrap().1;
        let seen = match effect {
            Effect::Close { reason, .. } => Seen::Closed(reason),
            Effect::Send {
                out: Out::Fence, ..
            } => Seen::Fence,
            Effect::Send {
                out: Out::Publish(sending),
                ..
            } => self.look_at(who, sending),
            Effect::Send {
                out: Out::Packet(packet),
                ..
            } => self.look_at_packet(who, packet),
        };
        (who, seen)
    }

    fn look_at(&mut self, who: Who, sending: outbound::Sending) -> Seen {
        let delivery = sending.delivery;
        assert_eq!(sending.packet_id.is_some(), delivery.qos != Qos::AtMostOnce);
        if let Some(id) = sending.packet_id {
            let is_known = self.ids[who].contains(&id);
            assert!(sending.dup || !is_known, "an id is used twice");
            if !is_known {
                self.ids[who].push(id);
            }
        }
        let mut subscription_ids = delivery.subscription_ids;
        subscription_ids.sort_unstable();
        Seen::Message {
            topic: Arc::clone(&delivery.message.topic),
            payload: beginning(&delivery.message.payload),
            qos: delivery.qos,
            retain: delivery.retain,
            dup: sending.dup,
            expiry_left: sending.expiry_left,
            subscription_ids,
        }
    }

    fn look_at_packet(&mut self, who: Who, packet: Packet) -> Seen {
        match packet {
            Packet::ConnAck(connack) => {
                if !connack.session_present {
                    self.ids[who].clear();
                }
                Seen::Welcome {
                    present: connack.session_present,
                }
            }
            Packet::Disconnect(disconnect) => Seen::Goodbye(disconnect.reason),
            Packet::SubAck(SubAck { reasons, .. }) => Seen::Granted(reasons),
            Packet::UnsubAck(SubAck { reasons, .. }) => Seen::Removed(reasons),
            Packet::PubAck(ack) => Seen::Ack("PUBACK", ack.packet_id, ack.reason),
            Packet::PubRec(ack) => Seen::Ack("PUBREC", ack.packet_id, ack.reason),
            Packet::PubComp(ack) => Seen::Ack("PUBCOMP", ack.packet_id, ack.reason),
            Packet::PubRel(ack) => {
                let known = self.ids[who].contains(&ack.packet_id);
                assert!(known || ack.reason.is_error(), "PUBREL for another id");
                Seen::Release(ack.reason)
            }
            other => panic!("a broker does not send {other:?}"),
        }
    }
}

/// A shared subscription of each client's own, so that it is always its turn.
fn own_group(filter: &str, who: Who) -> String {
    filter.replace("$SHARE", &format!("$share/group-{who}"))
}

fn waits_for_no_disk(seen: &Seen) -> bool {
    match seen {
        Seen::Message { qos, .. } => *qos == Qos::AtMostOnce,
        Seen::Welcome { .. } | Seen::Goodbye(_) | Seen::Closed(_) => true,
        _ => false,
    }
}

/// What both count.
fn counted(counters: &Counters) -> [u64; 7] {
    [
        counters.received,
        counters.sent,
        counters.dropped_queue_full,
        counters.dropped_expired,
        counters.dropped_too_large,
        counters.refused,
        counters.refused_subscriptions,
    ]
}

fn ack(packet_id: PacketId, reason: Reason) -> Ack {
    Ack {
        packet_id,
        reason,
        reason_string: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_router_does_what_the_reference_does(
        operations in prop::collection::vec(operation(), 1..80),
    ) {
        let mut pair = Pair::new();
        for operation in operations {
            pair.step(operation);
        }
    }

    #[test]
    fn a_restart_changes_nothing_but_the_connections(
        operations in prop::collection::vec(operation(), 1..80),
    ) {
        let mut pair = Pair::with_disk();
        for operation in operations {
            pair.step(operation);
        }
    }
}
