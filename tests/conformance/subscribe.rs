//! SUBSCRIBE and UNSUBSCRIBE, their answers and their effect (3.8 to 3.11).

use super::client::Broker;
use super::wire::{
    BOTH, PUBACK, PUBREC, PUBREL, V5, ack, lasting, property, publish, suback, subscribe, unsuback,
    unsubscribe,
};

const NO_LOCAL: u8 = 0x04;

/// [MQTT 3.1.1: 2.3.1-7 3.8.4-1 3.8.4-2 3.8.4-4 3.8.4-5 3.9.3-1 3.9.3-2]
/// [MQTT 5.0: 2.2.1-6 3.8.4-1 3.8.4-2 3.8.4-5 3.8.4-6 3.8.4-7 3.9.3-1 3.9.3-2]
#[test]
fn one_answer_names_what_each_filter_is_granted() {
    let broker = Broker::start();
    for version in BOTH {
        let mut client = broker.client(version, "client");
        let filters = [("a", 2), ("b", 0), ("c/#", 1), ("a", 1)];
        client.send(&subscribe(version, 0xabcd, &[], &filters));
        client.expect(&suback(version, 0xabcd, &[2, 0, 1, 1]));
        for topic in ["a", "b", "c"] {
            client.publish(&publish(topic, topic));
            assert_eq!(client.payload(), topic);
        }
    }
}

/// A filter that is refused leaves the others in force.
///
/// [MQTT 3.1.1: 3.8.4-5 3.9.3-1 3.9.3-2]
/// [MQTT 5.0: 3.8.4-6 3.8.4-7 3.9.3-1 3.9.3-2]
#[test]
fn a_refused_filter_is_told_in_its_place() {
    let broker = Broker::start();
    let deep = "a/".repeat(5000);
    for version in BOTH {
        let mut client = broker.client(version, "client");
        let refused = if version == V5 { 0x8f } else { 0x80 };
        client.send(&subscribe(
            version,
            3,
            &[],
            &[("a", 1), (&deep, 1), ("b", 2)],
        ));
        client.expect(&suback(version, 3, &[1, refused, 2]));
        client.publish(&publish("b", "x"));
        assert_eq!(client.payload(), "x");
    }
}

/// [MQTT 3.1.1: 3.8.4-3]
/// [MQTT 5.0: 3.8.4-3 3.8.4-4]
#[test]
fn the_same_filter_replaces_its_subscription() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        client.subscribe("t", 2);
        client.subscribe("t", 0);
        client.publish(&publish("t", "x").qos(1, 100));
        assert_eq!(client.message(), publish("t", "x"));
        client.packet();
        client.expect_nothing();
    }
}

/// [MQTT 5.0: 3.8.4-3]
#[test]
fn a_replaced_subscription_loses_its_identifier() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.subscribe_with(&[property::subscription_id(5)], "t", 0);
    client.publish(&publish("t", "x"));
    let expected = publish("t", "x").with(property::subscription_id(5));
    assert_eq!(client.message(), expected);
    client.subscribe("t", 0);
    client.publish(&publish("t", "x"));
    assert_eq!(client.message(), publish("t", "x"));
}

/// [MQTT 3.1.1: 3.8.4-3]
/// [MQTT 5.0: 3.8.4-4]
#[test]
fn replacing_a_subscription_loses_nothing() {
    for version in BOTH {
        let broker = Broker::start();
        let mut sub = broker.client(version, "sub");
        sub.subscribe("t", 1);
        let mut publisher = broker.client(version, "publisher");
        for number in 0..50_u16 {
            publisher.publish(&publish("t", &number.to_string()).qos(1, number + 1));
            sub.send(&subscribe(version, number + 10, &[], &[("t", 1)]));
        }
        let mut next = 0_u16;
        while next < 50 {
            let packet = sub.packet();
            if packet.first >> 4 == 3 {
                let message = super::wire::Publish::of(&packet, version);
                assert_eq!(message.payload, next.to_string().into_bytes());
                sub.send(&ack(PUBACK, message.id));
                next += 1;
            }
        }
    }
}

/// [MQTT 3.1.1: 3.8.4-6]
/// [MQTT 5.0: 3.8.4-8]
#[test]
fn a_message_comes_at_the_lower_of_both_qos() {
    for version in BOTH {
        for granted in 0..3 {
            for published in 0..3 {
                let broker = Broker::start();
                let mut sub = broker.client(version, "sub");
                sub.subscribe("t", granted);
                let id = u16::from(published > 0);
                let message = publish("t", "x").qos(published, id);
                broker.client(version, "publisher").publish(&message);
                assert_eq!(sub.message().qos, granted.min(published));
            }
        }
    }
}

/// [MQTT 5.0: 3.8.3-3]
#[test]
fn no_local_spares_a_client_its_own_messages() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.subscribe_with(&[], "t", NO_LOCAL);
    client.publish(&publish("t", "own"));
    client.expect_nothing();
    broker.client(V5, "other").publish(&publish("t", "other's"));
    assert_eq!(client.payload(), "other's");
}

/// [MQTT 3.1.1: 3.10.4-1 3.10.4-2 3.10.4-4 3.10.4-5 3.10.4-6 2.3.1-7]
/// [MQTT 5.0: 3.10.4-1 3.10.4-2 3.10.4-4 3.10.4-5 3.10.4-6 3.11.3-1 3.11.3-2 2.2.1-6]
#[test]
fn unsubscribe_ends_exactly_the_filters_it_names() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        for filter in ["a/+", "a/b", "A/b", "c"] {
            client.subscribe(filter, 0);
        }
        client.send(&unsubscribe(version, 0xbeef, &["a/b", "none", "c", "a/#"]));
        client.expect(&unsuback(version, 0xbeef, &[0, 0x11, 0, 0x11]));
        client.publish(&publish("c", "x"));
        client.expect_nothing();
        for topic in ["a/b", "A/b"] {
            client.publish(&publish(topic, topic));
            assert_eq!(client.payload(), topic);
            client.expect_nothing();
        }
    }
}

/// [MQTT 3.1.1: 3.10.4-3]
/// [MQTT 5.0: 3.10.4-3]
#[test]
fn unsubscribe_lets_what_was_begun_come_to_its_end() {
    for version in BOTH {
        let broker = Broker::start();
        let mut sub = broker.connect(&lasting(version, "sub"));
        sub.subscribe("t", 2);
        let mut publisher = broker.client(version, "publisher");
        publisher.publish(&publish("t", "x").qos(2, 1));
        let message = sub.message();
        sub.send(&unsubscribe(version, 9, &["t"]));
        sub.expect(&unsuback(version, 9, &[0]));
        publisher.packet();
        publisher.tell(publish("t", "no more"));
        drop(sub);
        let mut sub = broker.connect(&lasting(version, "sub"));
        assert_eq!(sub.message(), message.clone().again());
        sub.send(&ack(PUBREC, message.id));
        sub.expect(&ack(PUBREL, message.id));
        sub.expect_nothing();
    }
}
