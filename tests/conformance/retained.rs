//! Retained messages: kept, replaced, cleared, and to whom they go (3.3.1.3).

use super::client::Broker;
use super::wire::{BOTH, V5, V311, publish, suback, subscribe};

const AS_PUBLISHED: u8 = 0x08;
const IF_NEW: u8 = 0x10;
const NEVER: u8 = 0x20;

/// [MQTT 3.1.1: 3.3.1-5 3.3.1-6 3.3.1-8]
/// [MQTT 5.0: 3.3.1-5 3.3.1-9]
#[test]
fn the_last_retained_message_goes_to_new_subscribers() {
    for version in BOTH {
        let broker = Broker::start();
        let mut publisher = broker.client(version, "publisher");
        for payload in ["old", "new"] {
            publisher.tell(publish("a/b", payload).retained());
        }
        for filter in ["a/b", "a/+", "#"] {
            let mut sub = broker.client(version, "sub");
            sub.subscribe(filter, 2);
            let message = sub.message();
            assert_eq!(message, publish("a/b", "new").retained().qos(1, message.id));
            sub.expect_nothing();
        }
    }
}

/// [MQTT 3.1.1: 3.3.1-7]
/// [MQTT 5.0: 3.3.1-5]
#[test]
fn a_retained_message_keeps_its_qos() {
    for version in BOTH {
        let broker = Broker::start();
        let mut publisher = broker.client(version, "publisher");
        for (topic, qos) in [("t/0", 0), ("t/1", 1), ("t/2", 2)] {
            publisher.tell(publish(topic, "replaced").retained());
            let id = 100 * u16::from(qos);
            publisher.publish(&publish(topic, "x").qos(qos, id).retained());
            if qos > 0 {
                publisher.packet();
            }
        }
        let mut sub = broker.client(version, "sub");
        sub.subscribe("t/+", 2);
        for qos in 0..3 {
            let message = sub.message();
            assert_eq!((message.qos, message.payload), (qos, b"x".to_vec()));
        }
    }
}

/// [MQTT 3.1.1: 3.3.1-9]
/// [MQTT 5.0: 3.3.1-12]
#[test]
fn an_established_subscription_sees_no_retain_flag() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        client.subscribe("t", 0);
        client.publish(&publish("t", "x").retained());
        assert_eq!(client.message(), publish("t", "x"));
    }
}

/// [MQTT 5.0: 3.3.1-13]
#[test]
fn retain_as_published_keeps_the_flag_as_it_was() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.subscribe_with(&[], "t", AS_PUBLISHED);
    for message in [publish("t", "x"), publish("t", "x").retained()] {
        client.publish(&message);
        assert_eq!(client.message(), message);
    }
}

/// [MQTT 3.1.1: 3.3.1-10 3.3.1-11]
/// [MQTT 5.0: 3.3.1-6 3.3.1-7]
#[test]
fn an_empty_payload_is_delivered_and_clears_the_topic() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        client.tell(publish("t", "x").retained());
        client.subscribe("t", 0);
        client.message();
        client.publish(&publish("t", "").retained());
        assert_eq!(client.message(), publish("t", ""));
        let mut late = broker.client(version, "late");
        late.subscribe("t", 0);
        late.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.3.1-12]
/// [MQTT 5.0: 3.3.1-8]
#[test]
fn without_the_flag_nothing_is_kept_or_cleared() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        client.tell(publish("kept", "x").retained());
        for topic in ["kept", "other"] {
            client.tell(publish(topic, "passing"));
            client.tell(publish(topic, ""));
        }
        client.subscribe("#", 0);
        assert_eq!(client.message(), publish("kept", "x").retained());
        client.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.8.4-3 3.3.1-6]
/// [MQTT 5.0: 3.3.1-9 3.8.4-4]
#[test]
fn subscribing_again_sends_them_again() {
    for version in BOTH {
        let broker = Broker::start();
        let mut client = broker.client(version, "client");
        client.tell(publish("t", "x").retained());
        for _ in 0..2 {
            client.subscribe("t", 0);
            assert_eq!(client.message(), publish("t", "x").retained());
        }
        client.expect_nothing();
    }
}

/// [MQTT 5.0: 3.3.1-10]
#[test]
fn retain_handling_1_sends_them_to_new_subscriptions_only() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.tell(publish("t", "x").retained());
    client.subscribe_with(&[], "t", IF_NEW);
    assert_eq!(client.payload(), "x");
    client.subscribe_with(&[], "t", IF_NEW);
    client.expect_nothing();
    client.subscribe_with(&[], "+", IF_NEW);
    assert_eq!(client.payload(), "x");
}

/// [MQTT 5.0: 3.3.1-11]
#[test]
fn retain_handling_2_sends_none() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.tell(publish("t", "x").retained());
    client.subscribe_with(&[], "t", NEVER);
    client.subscribe_with(&[], "t", NEVER);
    client.expect_nothing();
    client.publish(&publish("t", "y"));
    assert_eq!(client.payload(), "y");
}

/// A shared subscription is sent none (MQTT 5.0, 4.8.2).
#[test]
fn a_shared_subscription_is_sent_none() {
    let broker = Broker::start();
    for version in [V5, V311] {
        let mut client = broker.client(version, "client");
        client.tell(publish("t", "x").retained());
        client.subscribe("$share/group/t", 0);
        client.expect_nothing();
    }
}

/// The answer to SUBSCRIBE comes before the messages that it brings.
#[test]
fn suback_comes_before_retained_messages() {
    let broker = Broker::start();
    for version in BOTH {
        let mut client = broker.client(version, "client");
        client.tell(publish("t", "x").retained());
        client.send(&subscribe(version, 5, &[], &[("t", 0), ("+", 0)]));
        client.expect(&suback(version, 5, &[0, 0]));
        client.message();
        client.message();
        client.expect_nothing();
    }
}
