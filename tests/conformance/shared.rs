//! Shared subscriptions: each message to one member (MQTT 5.0, 4.8.2).

use super::client::{Broker, Client};
use super::wire::{
    PUBACK, PUBCOMP, PUBREC, PUBREL, V5, ack, ack_because, connect, lasting, publish, subscribe,
};

const FILTER: &str = "$share/group/t";

fn member(broker: &Broker, id: &str) -> Client {
    let mut member = broker.connect(&lasting(V5, id));
    member.subscribe(FILTER, 2);
    member
}

/// [MQTT 5.0: 4.8.2-1 4.8.2-2]
#[test]
fn a_shared_filter_names_its_group_and_its_topics() {
    let broker = Broker::start();
    for filter in [
        "$share/",
        "$share/g",
        "$share/g/",
        "$share//t",
        "$share/+/t",
        "$share/#/t",
    ] {
        let mut client = broker.client(V5, "client");
        client.send(&subscribe(V5, 1, &[], &[(filter, 0)]));
        client.expect_dismissed(0x8f);
    }
    broker.client(V5, "client").subscribe("$share/g//t", 0);
}

/// [MQTT 5.0: 3.8.3-4]
#[test]
fn a_shared_subscription_cannot_be_no_local() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.send(&subscribe(V5, 1, &[], &[(FILTER, 0x04)]));
    client.expect_dismissed(0x82);
}

/// [MQTT 5.0: 4.8.2-3]
#[test]
fn each_member_gets_what_its_own_subscription_grants() {
    let broker = Broker::start();
    let mut members = [broker.client(V5, "zero"), broker.client(V5, "one")];
    for (qos, member) in members.iter_mut().enumerate() {
        member.subscribe(FILTER, u8::try_from(qos).unwrap());
    }
    let mut publisher = broker.client(V5, "publisher");
    for id in 1..=4 {
        publisher.publish(&publish("t", "x").qos(2, id));
        publisher.packet();
    }
    for (qos, member) in members.iter_mut().enumerate() {
        for _ in 0..2 {
            assert_eq!(usize::from(member.message().qos), qos);
        }
        member.expect_nothing();
    }
}

/// [MQTT 5.0: 4.8.2-4]
#[test]
fn a_qos_2_message_that_was_begun_waits_for_its_member() {
    let broker = Broker::start();
    let (mut one, mut other) = (member(&broker, "one"), member(&broker, "other"));
    let mut publisher = broker.client(V5, "publisher");
    publisher.publish(&publish("t", "x").qos(2, 1));
    publisher.expect(&ack(PUBREC, 1));
    let begun = one.message();
    drop(one);
    let mut one = broker.connect(&lasting(V5, "one"));
    assert_eq!(one.message(), begun.clone().again());
    one.send(&ack(PUBREC, begun.id));
    one.expect(&ack(PUBREL, begun.id));
    one.send(&ack(PUBCOMP, begun.id));
    one.expect_nothing();
    other.expect_nothing();
}

/// [MQTT 5.0: 4.8.2-5]
#[test]
fn a_qos_2_message_that_was_begun_ends_with_its_member() {
    let broker = Broker::start();
    let (mut one, mut other) = (member(&broker, "one"), member(&broker, "other"));
    let mut publisher = broker.client(V5, "publisher");
    publisher.publish(&publish("t", "x").qos(2, 1));
    one.message();
    // A clean start ends the old session.
    broker.connect(&connect(V5, "one")).expect_nothing();
    other.expect_nothing();
}

/// [MQTT 5.0: 4.8.2-6]
#[test]
fn a_message_that_a_member_refuses_goes_to_no_other() {
    let broker = Broker::start();
    let (mut one, mut other) = (member(&broker, "one"), member(&broker, "other"));
    let mut publisher = broker.client(V5, "publisher");
    publisher.publish(&publish("t", "x").qos(1, 1));
    let message = one.message();
    one.send(&ack_because(PUBACK, message.id, 0x83));
    one.expect_nothing();
    publisher.publish(&publish("t", "y").qos(2, 2));
    let message = other.message();
    other.send(&ack_because(PUBREC, message.id, 0x97));
    other.expect_nothing();
    drop(one);
    other.expect_nothing();
    broker.connect(&lasting(V5, "one")).expect_nothing();
}

/// A QoS 1 message that a lost member has not acknowledged goes to another.
#[test]
fn a_lost_members_messages_go_to_another() {
    let broker = Broker::start();
    let (mut one, mut other) = (member(&broker, "one"), member(&broker, "other"));
    let mut publisher = broker.client(V5, "publisher");
    publisher.tell(publish("t", "x"));
    assert_eq!(one.payload(), "x");
    one.leave();
    assert_eq!(other.payload(), "x");
    broker.connect(&lasting(V5, "one")).expect_nothing();
}
