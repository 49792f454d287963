//! Limits that client and broker tell each other: packet size and topic
//! aliases, both ways (3.1.2.11, 3.2.2.3).

use super::client::Broker;
use super::wire::{
    PUBACK, Publish, V5, ack, connect, lasting, property, publish, suback, subscribe,
};

const TOPIC_ALIAS: u8 = 35;

fn alias_of(message: &Publish) -> Option<u16> {
    let found = message
        .properties
        .iter()
        .find(|(id, _)| *id == TOPIC_ALIAS)?;
    Some(u16::from_be_bytes(found.1[..].try_into().unwrap()))
}

/// [MQTT 5.0: 3.2.2-15]
#[test]
fn a_packet_above_the_maximum_ends_the_connection() {
    let broker = Broker::start();
    let (mut client, connack) = broker.connect_and_see(&connect(V5, "large"));
    let maximum = connack.property(39).expect("a Maximum Packet Size");
    let maximum = u32::from_be_bytes(maximum[..].try_into().unwrap()) as usize;
    client.subscribe("t", 0);
    let head = publish("t", "").bytes(V5).len() + 2;
    let largest = "x".repeat(maximum - head);
    client.publish(&publish("t", &largest));
    assert_eq!(client.payload(), largest);
    // The announcement is enough: nothing of the packet is waited for.
    let announced = &publish("t", &"x".repeat(maximum)).bytes(V5)[..5];
    client.send(announced);
    client.expect_dismissed(0x95);
}

/// [MQTT 5.0: 3.1.2-24 3.1.2-25]
#[test]
fn a_client_is_sent_no_packet_above_its_maximum() {
    let broker = Broker::start();
    let mut publisher = broker.client(V5, "publisher");
    let small = connect(V5, "small").with(property::maximum_packet_size(60));
    let mut sub = broker.connect(&small);
    sub.subscribe("t", 1);
    publisher.tell(publish("t", &"x".repeat(60)));
    publisher.tell(publish("t", "fits"));
    assert_eq!(sub.payload(), "fits");
    sub.expect_nothing();
}

/// The maximum holds for what was kept before the client said it, too.
///
/// [MQTT 5.0: 3.1.2-24 3.1.2-25]
#[test]
fn the_maximum_holds_for_what_was_kept() {
    let broker = Broker::start();
    let mut publisher = broker.client(V5, "publisher");
    let large = "x".repeat(60);
    let mut sub = broker.connect(&lasting(V5, "sub"));
    sub.subscribe("t", 1);
    publisher.tell(publish("t", &large));
    sub.message();
    sub.leave();
    publisher.tell(publish("t", &large));
    publisher.tell(publish("t", "fits"));
    publisher.tell(publish("kept", &large).retained());
    let small = lasting(V5, "sub").with(property::maximum_packet_size(60));
    let mut sub = broker.connect(&small);
    let message = sub.message();
    assert_eq!(message.payload, b"fits");
    sub.send(&ack(PUBACK, message.id));
    sub.subscribe("kept", 1);
    sub.expect_nothing();
    sub.leave();
    broker.connect(&lasting(V5, "sub")).expect_nothing();
}

/// [MQTT 5.0: 3.1.2-24]
#[test]
fn an_answer_above_the_maximum_ends_the_connection() {
    let broker = Broker::start();
    let small = connect(V5, "small").with(property::maximum_packet_size(40));
    let mut client = broker.connect(&small);
    let filters = ["t"; 60].map(|filter| (filter, 0));
    client.send(&subscribe(V5, 1, &[], &filters[..30]));
    client.expect(&suback(V5, 1, &[0; 30]));
    client.send(&subscribe(V5, 2, &[], &filters));
    client.expect_dismissed(0x95);
}

/// [MQTT 5.0: 3.1.2-24 3.2.2-19 3.2.2-20]
#[test]
fn a_client_that_cannot_take_connack_is_not_let_in() {
    let broker = Broker::start();
    let mut client = broker.dial(V5);
    let tiny = connect(V5, "tiny").with(property::maximum_packet_size(5));
    client.send(&tiny.bytes());
    client.expect(&[0x20, 3, 0, 0x95, 0]);
    client.expect_closed();
    let mut client = broker.dial(V5);
    let tinier = connect(V5, "tiny").with(property::maximum_packet_size(4));
    client.send(&tinier.bytes());
    client.expect_closed();
}

/// [MQTT 5.0: 3.3.2-8 3.3.2-9 3.2.2-17 3.2.2-18]
#[test]
fn an_alias_is_between_one_and_the_maximum() {
    let broker = Broker::start();
    for above in [0, 1] {
        let (mut client, connack) = broker.connect_and_see(&connect(V5, "alias"));
        let maximum = connack.short(34).expect("a Topic Alias Maximum");
        let alias = if above == 0 { 0 } else { maximum + 1 };
        client.publish(&publish("t", "").with(property::topic_alias(alias)));
        client.expect_dismissed(0x94);
    }
}

/// [MQTT 5.0: 3.3.2-12]
#[test]
fn every_alias_up_to_the_maximum_works() {
    let broker = Broker::start();
    let (mut client, connack) = broker.connect_and_see(&connect(V5, "alias"));
    client.subscribe("+", 0);
    for alias in 1..=connack.short(34).unwrap() {
        let alias_of = property::topic_alias(alias);
        client.publish(&publish(&format!("t{alias}"), "set").with(alias_of.clone()));
        client.publish(&publish("", "used").with(alias_of.clone()));
        client.publish(&publish("again", "set").with(alias_of.clone()));
        client.publish(&publish("", "used").with(alias_of));
        for (topic, payload) in [(format!("t{alias}"), "set"), (format!("t{alias}"), "used")] {
            assert_eq!(client.message(), publish(&topic, payload));
        }
        assert_eq!(client.message(), publish("again", "set"));
        assert_eq!(client.message(), publish("again", "used"));
    }
}

/// [MQTT 5.0: 3.3.2-7]
#[test]
fn an_alias_ends_with_its_connection() {
    let broker = Broker::start();
    let mut client = broker.connect(&lasting(V5, "alias"));
    client.publish(&publish("t", "").with(property::topic_alias(1)));
    client.leave();
    let mut client = broker.connect(&lasting(V5, "alias"));
    client.publish(&publish("", "").with(property::topic_alias(1)));
    client.expect_dismissed(0x82);
}

/// [MQTT 5.0: 3.1.2-27 3.3.2-11]
#[test]
fn who_takes_no_aliases_is_sent_none() {
    let broker = Broker::start();
    let zero = property::topic_alias_maximum(0);
    for connect in [connect(V5, "none"), connect(V5, "zero").with(zero)] {
        let mut client = broker.connect(&connect);
        client.subscribe("t", 0);
        for _ in 0..3 {
            client.publish(&publish("t", "x"));
            assert_eq!(client.message(), publish("t", "x"));
        }
    }
}

/// [MQTT 5.0: 3.1.2-26 3.3.2-11]
#[test]
fn aliases_stay_within_what_the_client_takes() {
    let broker = Broker::start();
    let two = connect(V5, "two").with(property::topic_alias_maximum(2));
    let mut client = broker.connect(&two);
    client.subscribe("+", 0);
    let mut known = std::collections::HashMap::new();
    for topic in ["a", "b", "c", "a", "b", "c"] {
        client.publish(&publish(topic, topic));
        let message = client.message();
        let alias = alias_of(&message);
        assert!(alias.is_none_or(|alias| (1..=2).contains(&alias)));
        if let (Some(alias), false) = (alias, message.topic.is_empty()) {
            known.insert(alias, message.topic.clone());
        }
        let meant = match message.topic.as_str() {
            "" => &known[&alias.expect("a topic or an alias")],
            topic => topic,
        };
        assert_eq!(meant.as_bytes(), message.payload);
    }
    assert_eq!(known.len(), 2, "both aliases are used");
}
