//! The client over lines that lose, and against packets that are none: what was
//! acknowledged has arrived, and it believes nothing that the gateway's codec would refuse.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/mod.rs"]
mod support;

use bench::{Bench, Everything, connack, octets};
use hearth_wire::client::Event;
use hearth_wire::packet::{Packet, PubAck, Publish, Qos, ReturnCode, Topic, TopicId};
use proptest::prelude::*;

const MESSAGES: u8 = 12;
/// Until here the line loses.
const TROUBLE: u32 = 20_000;
const END: u32 = 60_000;

/// A gateway that keeps to the standard, and sends a numbered message at a time.
#[derive(Default)]
struct Gateway {
    session: bool,
    received: Vec<u8>,
    /// How many of its own messages were acknowledged.
    acknowledged: u8,
    resend: u32,
}

impl Gateway {
    fn receive(&mut self, packet: Packet<'_>) -> Option<Vec<u8>> {
        match packet {
            Packet::Connect(_) => {
                self.session = true;
                Some(connack())
            }
            _ if !self.session => Some(octets(Packet::Disconnect(None))),
            Packet::Publish(publish) => {
                self.received.push(publish.data[0]);
                let TopicId::Predefined(topic_id) = publish.topic else {
                    panic!("{publish:?}")
                };
                let ack = PubAck {
                    topic_id,
                    msg_id: publish.msg_id,
                    code: ReturnCode::Accepted,
                };
                Some(octets(Packet::PubAck(ack)))
            }
            Packet::PubAck(ack) => {
                if ack.msg_id == u16::from(self.acknowledged) + 1 {
                    self.acknowledged += 1;
                    self.resend = 0;
                }
                None
            }
            Packet::PingReq(None) => Some(octets(Packet::PingResp)),
            other => panic!("not expected of the client: {other:?}"),
        }
    }

    fn poll(&mut self, now: u32) -> Option<Vec<u8>> {
        if !self.session || self.acknowledged == MESSAGES || now < self.resend {
            return None;
        }
        let dup = self.resend != 0;
        self.resend = now + 1000;
        let publish = Publish {
            dup,
            qos: Qos::AtLeastOnce,
            retain: false,
            topic: TopicId::Predefined(0x0101),
            msg_id: u16::from(self.acknowledged) + 1,
            data: &[self.acknowledged],
        };
        Some(octets(Packet::Publish(publish)))
    }
}

/// An application that publishes one number after the other, each until it is done.
struct Application {
    bench: Bench<bench::Board>,
    next: u8,
    under_way: Option<u16>,
    received: Vec<u8>,
}

impl Application {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Connected | Event::Lost => self.under_way = None,
            Event::Message(message) => self.received.push(message.data[0]),
            Event::Done { msg_id, .. } if self.under_way == Some(msg_id) => {
                self.under_way = None;
                self.next += 1;
            }
            _ => {}
        }
    }

    fn publish(&mut self) {
        if self.under_way.is_none() && self.next < MESSAGES {
            let data = [self.next];
            let topic = TopicId::Predefined(1);
            let asked = self
                .bench
                .ask(|client, mut out| client.publish_surely(topic, &data, false, &mut out));
            self.under_way = asked.ok();
        }
    }
}

fn without_repetitions(mut numbers: Vec<u8>) -> Vec<u8> {
    numbers.dedup();
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn everything_arrives_in_order_over_a_line_that_loses(
        losses in prop::collection::vec(any::<bool>(), 1..200),
        restarts in prop::collection::vec(0..TROUBLE, 0..3),
    ) {
        let mut losses = losses.into_iter().cycle();
        let mut gateway = Gateway::default();
        let bench = Bench::new(bench::Board);
        let mut application =
            Application { bench, next: 0, under_way: None, received: Vec::new() };
        for moment in 0..END {
            let mut lost = || moment < TROUBLE && losses.next() == Some(true);
            if restarts.contains(&moment) {
                gateway.session = false;
            }
            let event = application.bench.wait(1);
            application.take(event);
            application.publish();
            let mut down: Vec<Vec<u8>> = gateway.poll(moment).into_iter().collect();
            for packet in std::mem::take(&mut application.bench.sent) {
                let packet = Packet::decode(&packet).expect("a client sends packets");
                if !lost() {
                    down.extend(gateway.receive(packet));
                }
            }
            for packet in down {
                if !lost() {
                    let mut bench = std::mem::replace(&mut application.bench, Bench::new(bench::Board));
                    let event = bench.receive(&packet);
                    application.bench = bench;
                    application.take(event);
                }
            }
            prop_assert!(application.received.len() >= usize::from(gateway.acknowledged));
            prop_assert!(gateway.received.len() >= usize::from(application.next));
        }
        let all: Vec<u8> = (0..MESSAGES).collect();
        prop_assert_eq!(without_repetitions(gateway.received), &all[..]);
        prop_assert_eq!(without_repetitions(application.received), &all[..]);
        prop_assert!(application.bench.client.is_connected());
    }
}

/// Clients in every state that can hear something.
fn clients() -> Vec<Bench<Everything>> {
    let mut connecting = Bench::new(Everything);
    connecting.poll();
    connecting.sent.clear();
    let mut asking = Bench::connected(Everything);
    asking
        .ask(|client, mut out| client.register(b"a/b", &mut out))
        .expect("there is a session");
    let mut falling = Bench::connected(Everything);
    falling
        .ask(|client, mut out| client.sleep(60, &mut out))
        .expect("there is a session");
    let mut awake = Bench::connected(Everything);
    awake
        .ask(|client, mut out| client.sleep(60, &mut out))
        .expect("there is a session");
    awake.receive(&octets(Packet::Disconnect(None)));
    awake
        .ask(|client, mut out| client.wake_up(&mut out))
        .expect("it is asleep");
    let mut subscribing = Bench::connected(Everything);
    subscribing
        .ask(|client, mut out| client.subscribe(Topic::Predefined(1), &mut out))
        .expect("there is a session");
    let mut clients = vec![
        connecting,
        subscribing,
        Bench::connected(Everything),
        asking,
        falling,
        awake,
    ];
    clients.iter_mut().for_each(|bench| bench.sent.clear());
    clients
}

/// Everything that changes by a packet that counts.
fn trace(bench: &Bench<Everything>) -> String {
    format!("{:?}", bench.client)
}

/// What the gateway's codec refuses does nothing at all; what it reads and the client
/// acts on means the same to both.
fn believes_only_packets(packet: &[u8]) {
    for mut bench in clients() {
        bench.now = bench.now.wrapping_add(1);
        assert_eq!(bench.poll(), Event::Nothing);
        let before = trace(&bench);
        let event = bench.receive(packet);
        match Packet::decode(packet) {
            Err(_) => {
                assert_eq!(
                    (event, bench.sent.len()),
                    (Event::Nothing, 0),
                    "{packet:02x?}"
                );
                assert!(trace(&bench) == before, "{packet:02x?}");
            }
            Ok(read) => means_the_same(event, read),
        }
        for sent in &bench.sent {
            assert!(Packet::decode(sent).is_ok(), "{sent:02x?}");
        }
    }
}

fn means_the_same(event: Event<'_>, packet: Packet<'_>) {
    match (event, packet) {
        (Event::Nothing, _) => {}
        (Event::Message(message), Packet::Publish(publish)) => {
            assert_eq!((message.topic, message.data), (publish.topic, publish.data));
            assert_eq!((message.dup, message.retain), (publish.dup, publish.retain));
        }
        (
            Event::Done {
                msg_id,
                topic_id,
                code,
            },
            Packet::PubAck(ack),
        ) => {
            assert_eq!(
                (msg_id, topic_id, code),
                (ack.msg_id, ack.topic_id, ack.code)
            );
        }
        (
            Event::Done {
                msg_id,
                topic_id,
                code,
            },
            Packet::RegAck(ack),
        ) => {
            assert_eq!(
                (msg_id, topic_id, code),
                (ack.msg_id, ack.topic_id, ack.code)
            );
        }
        (Event::Registration { topic_id, name }, Packet::Register(register)) => {
            assert_eq!((topic_id, name), (register.topic_id, register.name));
        }
        (Event::Connected, Packet::ConnAck(ReturnCode::Accepted))
        | (Event::Lost | Event::Asleep, Packet::Disconnect(_))
        | (Event::Asleep, Packet::PingResp) => {}
        (Event::Refused(code), Packet::ConnAck(read)) => assert_eq!(code, read),
        (event, packet) => panic!("{event:?} of {packet:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn packets_mean_the_same_to_client_and_gateway(parts in support::parts()) {
        let mut buffer = [0; 1024];
        let length = parts.packet().encode(&mut buffer).expect("it may be sent");
        believes_only_packets(&buffer[..length]);
    }

    #[test]
    fn octets_that_are_no_packet_do_nothing(kind in 0..0x20_u8, body in prop::collection::vec(any::<u8>(), 0..12)) {
        let length = u8::try_from(body.len() + 2).expect("it is short");
        believes_only_packets(&[&[length, kind], &body[..]].concat());
    }

    #[test]
    fn any_octets_are_survived(packet: Vec<u8>) {
        believes_only_packets(&packet);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn changes_of_one_octet_mean_the_same_to_client_and_gateway(parts in support::parts()) {
        let mut buffer = [0; 1024];
        let length = parts.packet().encode(&mut buffer).expect("it may be sent");
        let packet = &mut buffer[..length];
        for at in 0..length.min(8) {
            let was = packet[at];
            for change in 1..=255_u8 {
                packet[at] = was ^ change;
                believes_only_packets(packet);
            }
            packet[at] = was;
        }
    }
}
