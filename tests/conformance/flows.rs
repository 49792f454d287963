//! Messages on their way in: acknowledgements, packet ids, duplicates (4.3).

use super::client::{Broker, Client};
use super::wire::{
    BOTH, PUBACK, PUBCOMP, PUBREC, PUBREL, V5, V311, Version, ack, ack_because, property, publish,
    suback, subscribe,
};

/// A broker, a publisher, and a subscriber of `t` at QoS 2.
fn pair(version: Version) -> (Broker, Client, Client) {
    let broker = Broker::start();
    let publisher = broker.client(version, "publisher");
    let mut sub = broker.client(version, "sub");
    sub.subscribe("t", 2);
    (broker, publisher, sub)
}

/// A broker and one client that nobody listens to.
fn alone(version: Version) -> (Broker, Client) {
    let broker = Broker::start();
    let client = broker.client(version, "alone");
    (broker, client)
}

/// [MQTT 3.1.1: 2.3.1-6 3.3.4-1 4.3.2-2]
/// [MQTT 5.0: 2.2.1-5 3.3.4-1 3.4.2-1 4.3.2-4]
#[test]
fn qos_1_is_answered_with_puback() {
    for version in BOTH {
        let (_broker, mut publisher, mut sub) = pair(version);
        publisher.publish(&publish("t", "x").qos(1, 0xfffe));
        publisher.expect(&ack(PUBACK, 0xfffe));
        assert_eq!(sub.payload(), "x");
    }
}

/// [MQTT 3.1.1: 3.3.4-1]
/// [MQTT 5.0: 3.3.4-1]
#[test]
fn qos_0_is_not_answered() {
    for version in BOTH {
        let (_broker, mut publisher, mut sub) = pair(version);
        publisher.publish(&publish("t", "x"));
        publisher.expect_nothing();
        assert_eq!(sub.payload(), "x");
    }
}

/// [MQTT 3.1.1: 4.3.2-2]
/// [MQTT 5.0: 4.3.2-5]
#[test]
fn after_puback_the_id_belongs_to_a_new_message() {
    for version in BOTH {
        let (_broker, mut publisher, mut sub) = pair(version);
        for message in [publish("t", "one"), publish("t", "two").again()] {
            publisher.publish(&message.qos(1, 7));
            publisher.expect(&ack(PUBACK, 7));
        }
        assert_eq!(sub.payload(), "one");
        assert_eq!(sub.payload(), "two");
    }
}

/// [MQTT 3.1.1: 2.3.1-6 3.3.4-1 4.3.3-2]
/// [MQTT 5.0: 2.2.1-5 3.3.4-1 3.5.2-1 3.7.2-1 4.3.3-8 4.3.3-11]
#[test]
fn qos_2_takes_four_packets() {
    for version in BOTH {
        let (_broker, mut publisher, mut sub) = pair(version);
        publisher.publish(&publish("t", "x").qos(2, 9));
        publisher.expect(&ack(PUBREC, 9));
        publisher.send(&ack(PUBREL, 9));
        publisher.expect(&ack(PUBCOMP, 9));
        assert_eq!(sub.payload(), "x");
    }
}

/// [MQTT 3.1.1: 4.3.3-2]
/// [MQTT 5.0: 4.3.3-10 4.3.3-12]
#[test]
fn qos_2_is_delivered_once_until_pubrel_and_again_after_it() {
    for version in BOTH {
        let (_broker, mut publisher, mut sub) = pair(version);
        let first = publish("t", "first").qos(2, 9);
        for message in [first.clone(), first.clone().again(), first] {
            publisher.publish(&message);
            publisher.expect(&ack(PUBREC, 9));
        }
        publisher.send(&ack(PUBREL, 9));
        publisher.expect(&ack(PUBCOMP, 9));
        publisher.publish(&publish("t", "second").qos(2, 9).again());
        publisher.expect(&ack(PUBREC, 9));
        assert_eq!(sub.payload(), "first");
        assert_eq!(sub.payload(), "second");
        sub.expect_nothing();
    }
}

/// [MQTT 3.1.1: 4.3.3-2 4.4.0-1]
/// [MQTT 5.0: 4.3.3-10 4.4.0-1]
#[test]
fn qos_2_is_delivered_once_across_connections() {
    for version in BOTH {
        let broker = Broker::start();
        let mut sub = broker.client(version, "sub");
        sub.subscribe("t", 0);
        let publisher = super::wire::lasting(version, "publisher");
        let mut first = broker.connect(&publisher);
        first.publish(&publish("t", "x").qos(2, 9));
        first.expect(&ack(PUBREC, 9));
        drop(first);
        let mut second = broker.connect(&publisher);
        second.publish(&publish("t", "x").qos(2, 9).again());
        second.expect(&ack(PUBREC, 9));
        second.send(&ack(PUBREL, 9));
        second.expect(&ack(PUBCOMP, 9));
        assert_eq!(sub.payload(), "x");
        sub.expect_nothing();
    }
}

/// [MQTT 3.1.1: 4.3.3-2]
/// [MQTT 5.0: 3.7.2-1 4.3.3-11]
#[test]
fn pubrel_is_always_answered() {
    for version in BOTH {
        let (_broker, mut client) = alone(version);
        client.send(&ack(PUBREL, 1));
        client.expect(&match version {
            V311 => ack(PUBCOMP, 1),
            V5 => ack_because(PUBCOMP, 1, 0x92),
        });
    }
}

/// [MQTT 5.0: 4.3.3-13]
#[test]
fn qos_2_goes_on_after_its_message_expired() {
    let (_broker, mut publisher, _sub) = pair(V5);
    publisher.publish(
        &publish("t", "x")
            .qos(2, 3)
            .with(property::message_expiry(1)),
    );
    publisher.expect(&ack(PUBREC, 3));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    publisher.send(&ack(PUBREL, 3));
    publisher.expect(&ack(PUBCOMP, 3));
}

/// [MQTT 3.1.1: 3.3.5-2]
#[test]
fn a_refused_3_1_1_message_is_acknowledged_all_the_same() {
    let (_broker, mut publisher, mut sub) = pair(V311);
    sub.subscribe("$SYS/forged", 2);
    publisher.publish(&publish("$SYS/forged", "x").qos(1, 1));
    publisher.expect(&ack(PUBACK, 1));
    publisher.publish(&publish("$SYS/forged", "x").qos(2, 2));
    publisher.expect(&ack(PUBREC, 2));
    publisher.send(&ack(PUBREL, 2));
    publisher.expect(&ack(PUBCOMP, 2));
    sub.expect_nothing();
}

/// [MQTT 5.0: 3.4.2-1 3.5.2-1 4.3.3-9]
#[test]
fn a_refused_message_frees_its_id() {
    let (_broker, mut publisher, mut sub) = pair(V5);
    publisher.publish(&publish("$SYS/forged", "x").qos(1, 5));
    publisher.expect(&ack_because(PUBACK, 5, 0x87));
    publisher.publish(&publish("$SYS/forged", "x").qos(2, 5));
    publisher.expect(&ack_because(PUBREC, 5, 0x87));
    publisher.publish(&publish("t", "new").qos(2, 5));
    publisher.expect(&ack(PUBREC, 5));
    assert_eq!(sub.payload(), "new");
}

/// [MQTT 5.0: 3.4.2-1 3.5.2-1]
#[test]
fn a_message_that_nobody_wants_is_taken_and_said_to_be_so() {
    let (_broker, mut publisher) = alone(V5);
    publisher.publish(&publish("t", "x").qos(1, 1));
    publisher.expect(&ack_because(PUBACK, 1, 0x10));
    publisher.publish(&publish("t", "x").qos(2, 2));
    publisher.expect(&ack_because(PUBREC, 2, 0x10));
}

/// [MQTT 3.1.1: 3.3.1-3]
/// [MQTT 5.0: 3.3.1-3 4.3.2-2 4.3.3-2]
#[test]
fn a_duplicate_coming_in_is_no_duplicate_going_out() {
    for version in BOTH {
        let (_broker, mut publisher, mut sub) = pair(version);
        publisher.publish(&publish("t", "x").qos(1, 1).again());
        assert!(!sub.message().dup);
        publisher.publish(&publish("t", "x").qos(2, 2).again());
        assert!(!sub.message().dup);
    }
}

/// [MQTT 5.0: 3.3.4-7]
#[test]
fn a_client_keeps_within_the_receive_maximum() {
    let broker = Broker::start();
    let (mut client, connack) = broker.connect_and_see(&super::wire::connect(V5, "eager"));
    let maximum = connack.short(33).expect("a Receive Maximum");
    for id in 1..=maximum {
        client.publish(&publish("t", "").qos(2, id));
        client.expect(&ack_because(PUBREC, id, 0x10));
    }
    client.publish(&publish("t", "").qos(2, maximum + 1));
    client.expect_dismissed(0x93);
}

/// A client that floods past the limit still hears why it is dismissed.
///
/// [MQTT 5.0: 4.13.2-1 3.14.4-2]
#[test]
fn a_reason_reaches_a_client_that_is_still_sending() {
    let (_broker, mut client) = alone(V5);
    let flood: Vec<u8> = (1..=400)
        .flat_map(|id| publish("t", "x").qos(2, id).bytes(V5))
        .collect();
    client.send(&flood);
    let reason = loop {
        let packet = client.packet();
        match packet.first {
            PUBREC => client.send(&[&[PUBREL, 2], &packet.body[..2]].concat()),
            _ => break packet,
        }
    };
    assert_eq!((reason.first, reason.body[0]), (0xe0, 0x93));
}

/// [MQTT 5.0: 4.9.0-3 3.3.4-10]
#[test]
fn a_full_window_holds_up_nothing_but_messages() {
    let broker = Broker::start();
    let slow = super::wire::connect(V5, "slow").with(property::receive_maximum(1));
    let mut sub = broker.connect(&slow);
    sub.subscribe("t", 1);
    let mut publisher = broker.client(V5, "publisher");
    publisher.tell(publish("t", "one"));
    publisher.tell(publish("t", "two"));
    let first = sub.message();
    sub.expect_nothing();
    sub.send(&subscribe(V5, 9, &[], &[("other", 0)]));
    sub.expect(&suback(V5, 9, &[0]));
    sub.publish(&publish("t2", "x").qos(1, 10));
    sub.expect(&ack_because(PUBACK, 10, 0x10));
    sub.send(&ack(PUBACK, first.id));
    assert_eq!(sub.payload(), "two");
}
