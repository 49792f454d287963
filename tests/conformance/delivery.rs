//! Messages on their way out: packet ids, repetition, order (4.3, 4.4, 4.6).

use super::client::{Broker, Client};
use super::wire::{
    BOTH, PUBACK, PUBCOMP, PUBREC, PUBREL, Packet, Publish, V5, Version, ack, ack_because, connect,
    lasting, packet, properties, property, publish, text,
};

/// A broker, a publisher, and a subscriber of `t` at QoS 2 whose session lasts.
fn pair(version: Version) -> (Broker, Client, Client) {
    let broker = Broker::start();
    let publisher = broker.client(V5, "publisher");
    let mut sub = broker.connect(&lasting(version, "sub"));
    sub.subscribe("t", 2);
    (broker, publisher, sub)
}

/// QoS 1 and 2 by turns.
fn one_or_two(id: u16) -> u8 {
    if id.is_multiple_of(2) { 1 } else { 2 }
}

fn back(broker: &Broker, version: Version) -> Client {
    broker.connect(&lasting(version, "sub"))
}

/// [MQTT 3.1.1: 2.3.1-5 4.3.1-1]
/// [MQTT 5.0: 2.2.1-2 2.2.2-1 4.3.1-1]
#[test]
fn a_qos_0_message_is_these_bytes() {
    for version in BOTH {
        let (_broker, mut publisher, mut sub) = pair(version);
        publisher.publish(&publish("t", "x"));
        let body = [text("t"), properties(version, &[]), b"x".to_vec()].concat();
        sub.expect(&packet(0x30, &body));
    }
}

/// [MQTT 3.1.1: 2.3.1-1 2.3.1-4 4.3.2-1 4.3.3-1]
/// [MQTT 5.0: 2.2.1-4 4.3.2-1 4.3.2-2 4.3.3-1 4.3.3-2]
#[test]
fn every_message_on_its_way_has_an_id_of_its_own() {
    for version in BOTH {
        let (_broker, mut publisher, mut sub) = pair(version);
        let mut ids = Vec::new();
        for round in 1..=20 {
            publisher.publish(&publish("t", "x").qos(one_or_two(round), round));
            let arrived = sub.message();
            assert!(!arrived.dup && arrived.id != 0);
            ids.push(arrived.id);
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 20, "ids in use twice");
    }
}

/// [MQTT 3.1.1: 2.3.1-4 3.3.1-1 4.3.2-1 4.4.0-1 4.6.0-1 4.6.0-6]
/// [MQTT 5.0: 3.3.1-1 4.3.2-3 4.3.3-3 4.4.0-1 4.6.0-1]
#[test]
fn what_was_not_acknowledged_comes_again_in_order() {
    for version in BOTH {
        let (broker, mut publisher, mut sub) = pair(version);
        for (id, payload) in [(1, "one"), (2, "two"), (3, "three")] {
            publisher.publish(&publish("t", payload).qos(one_or_two(id), id));
        }
        let sent: Vec<Publish> = (0..3).map(|_| sub.message()).collect();
        sub.expect_nothing();
        drop(sub);
        let mut sub = back(&broker, version);
        for message in sent {
            assert_eq!(sub.message(), message.again());
        }
        sub.expect_nothing();
    }
}

/// [MQTT 3.1.1: 4.3.2-1 4.4.0-1]
/// [MQTT 5.0: 4.4.0-1]
#[test]
fn what_was_acknowledged_does_not_come_again() {
    for version in BOTH {
        let (broker, mut publisher, mut sub) = pair(version);
        publisher.tell(publish("t", "one"));
        publisher.tell(publish("t", "two"));
        let one = sub.message();
        sub.send(&ack(PUBACK, one.id));
        let two = sub.message();
        sub.expect_nothing();
        drop(sub);
        let mut sub = back(&broker, version);
        assert_eq!(sub.message(), two.again());
        sub.expect_nothing();
    }
}

/// [MQTT 3.1.1: 2.3.1-6 4.3.3-1 4.4.0-1]
/// [MQTT 5.0: 2.2.1-5 3.6.2-1 4.3.3-4 4.3.3-5 4.3.3-6 4.4.0-1]
#[test]
fn after_pubrec_only_pubrel_comes_again() {
    for version in BOTH {
        let (broker, mut publisher, mut sub) = pair(version);
        publisher.publish(&publish("t", "x").qos(2, 1));
        let id = sub.message().id;
        sub.send(&ack(PUBREC, id));
        sub.expect(&ack(PUBREL, id));
        sub.expect_nothing();
        drop(sub);
        let mut sub = back(&broker, version);
        sub.expect(&ack(PUBREL, id));
        sub.send(&ack(PUBCOMP, id));
        sub.expect_nothing();
        drop(sub);
        back(&broker, version).expect_nothing();
    }
}

/// [MQTT 5.0: 4.4.0-2]
#[test]
fn a_message_that_its_receiver_refuses_is_over() {
    let (broker, mut publisher, mut sub) = pair(V5);
    publisher.publish(&publish("t", "x").qos(1, 1));
    publisher.publish(&publish("t", "y").qos(2, 2));
    let (one, two) = (sub.message(), sub.message());
    sub.send(&ack_because(PUBACK, one.id, 0x80));
    sub.send(&ack_because(PUBREC, two.id, 0x97));
    sub.expect_nothing();
    drop(sub);
    back(&broker, V5).expect_nothing();
}

/// [MQTT 5.0: 3.6.2-1]
#[test]
fn pubrec_for_an_unknown_id_is_answered() {
    let (_broker, _publisher, mut sub) = pair(V5);
    sub.send(&ack(PUBREC, 77));
    sub.expect(&ack_because(PUBREL, 77, 0x92));
}

/// Acknowledgements of what was never sent change nothing.
///
/// [MQTT 3.1.1: 4.3.2-1]
/// [MQTT 5.0: 4.3.2-3]
#[test]
fn a_stray_acknowledgement_changes_nothing() {
    for version in BOTH {
        let (broker, mut publisher, mut sub) = pair(version);
        publisher.tell(publish("t", "x"));
        let message = sub.message();
        for kind in [PUBCOMP, PUBACK] {
            sub.send(&ack(kind, message.id + 1));
        }
        sub.send(&ack(PUBCOMP, message.id));
        sub.expect_nothing();
        drop(sub);
        assert_eq!(back(&broker, version).message(), message.again());
    }
}

/// [MQTT 5.0: 3.3.4-9 4.9.0-1 4.9.0-2]
#[test]
fn no_more_are_on_their_way_than_the_client_takes() {
    let broker = Broker::start();
    let mut publisher = broker.client(V5, "publisher");
    let narrow = connect(V5, "sub").with(property::receive_maximum(2));
    let mut sub = broker.connect(&narrow);
    sub.subscribe("t", 2);
    for id in 1..=4 {
        publisher.publish(&publish("t", "x").qos(one_or_two(id), id));
        publisher.packet();
    }
    let (qos_2, qos_1) = (sub.message(), sub.message());
    sub.expect_nothing();
    sub.send(&ack(PUBACK, qos_1.id));
    sub.message();
    // PUBREC does not make room, PUBCOMP does.
    sub.send(&ack(PUBREC, qos_2.id));
    sub.expect(&ack(PUBREL, qos_2.id));
    sub.expect_nothing();
    sub.send(&ack(PUBCOMP, qos_2.id));
    sub.message();
    sub.expect_nothing();
}

/// [MQTT 3.1.1: 4.6.0-5 4.6.0-6]
/// [MQTT 5.0: 4.6.0-5 4.6.0-6]
#[test]
fn messages_arrive_in_the_order_in_which_they_were_sent() {
    for version in BOTH {
        for qos in [0, 1, 2] {
            let (_broker, mut publisher, mut sub) = pair(version);
            for number in 1..=100 {
                publisher.publish(&publish("t", &number.to_string()).qos(qos, number));
            }
            for number in 1..=100 {
                let message = sub.next_message();
                assert_eq!(message.payload, number.to_string().into_bytes());
                sub.acknowledge(&message);
            }
        }
    }
}

/// [MQTT 3.1.1: 4.6.0-6]
/// [MQTT 5.0: 4.6.0-5]
#[test]
fn order_holds_across_a_lost_connection() {
    for version in BOTH {
        let (broker, mut publisher, mut sub) = pair(version);
        publisher.tell(publish("t", "1"));
        publisher.tell(publish("t", "2"));
        sub.message();
        drop(sub);
        publisher.tell(publish("t", "3"));
        let mut sub = back(&broker, version);
        publisher.tell(publish("t", "4"));
        for expected in ["1", "2", "3", "4"] {
            assert_eq!(sub.payload(), expected);
        }
    }
}

/// [MQTT 3.1.1: 3.3.5-1]
/// [MQTT 5.0: 3.3.4-2 3.3.4-3 3.3.4-4 3.3.4-5]
#[test]
fn overlapping_subscriptions_bring_one_message_at_their_highest_qos() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "both");
        let id = |id| match version {
            V5 => vec![property::subscription_id(id)],
            Version::V311 => Vec::new(),
        };
        client.subscribe_with(&id(1), "a/#", 1);
        client.subscribe_with(&id(268_435_455), "a/+", 2);
        client.subscribe("a/b", 0);
        client.publish(&publish("a/b", "x").qos(2, 1));
        let message = client.message();
        assert_eq!(message.qos, 2);
        assert_eq!(message.properties, [id(1), id(268_435_455)].concat());
        client.expect(&ack(PUBREC, 1));
        client.expect_nothing();
    }
}

/// [MQTT 5.0: 3.3.2-5 3.3.2-6 4.3.3-7]
#[test]
fn a_message_expires_until_it_is_sent() {
    let (broker, mut publisher, sub) = pair(V5);
    drop(sub);
    let mut begun = back(&broker, V5);
    let dying = |payload| publish("t", payload).with(property::message_expiry(1));
    publisher.publish(&dying("begun").qos(2, 1));
    let message = begun.message();
    publisher.packet();
    drop(begun);
    let mut begun = back(&broker, V5);
    begun.message();
    begun.leave();
    publisher.tell(dying("too late"));
    publisher.tell(publish("t", "in time").with(property::message_expiry(60)));
    std::thread::sleep(std::time::Duration::from_millis(1600));
    let mut sub = back(&broker, V5);
    let again = sub.message();
    assert_eq!((again.payload, again.id), (message.payload, message.id));
    let in_time = sub.message();
    assert_eq!(in_time.payload, b"in time");
    let (id, left) = &in_time.properties[0];
    assert_eq!(*id, 2);
    let left = u32::from_be_bytes(left[..].try_into().unwrap());
    assert!((1..60).contains(&left), "{left} s left of 60");
    sub.expect_nothing();
}

impl Client {
    /// The next PUBLISH, past PUBRELs, which are answered.
    fn next_message(&mut self) -> Publish {
        loop {
            let Packet { first, body } = self.packet();
            if first != PUBREL {
                return Publish::of(&Packet { first, body }, self.version);
            }
            self.send(&packet(PUBCOMP, &body));
        }
    }

    fn acknowledge(&mut self, message: &Publish) {
        match message.qos {
            1 => self.send(&ack(PUBACK, message.id)),
            2 => self.send(&ack(PUBREC, message.id)),
            _ => {}
        }
    }
}
