//! What MQTT 5.0 adds to a message travels unaltered (3.3.2.3).

use super::client::Broker;
use super::wire::{V5, V311, connect, lasting, property, publish};

/// [MQTT 5.0: 3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-18 3.3.2-20]
#[test]
fn properties_reach_every_subscriber_unaltered() {
    let broker = Broker::start();
    let message = publish("t", "x")
        .with(property::byte(1, 1))
        .with(property::string(3, "text/plain; charset=utf-8"))
        .with(property::string(8, "answers/é"))
        .with(property::correlation(&[0, 0xff]))
        .with(property::user("b", "2"))
        .with(property::user("a", "1"))
        .with(property::user("b", ""))
        .with(property::user("b", "2"));
    let mut subs = [
        broker.client(V5, "one"),
        broker.connect(&lasting(V5, "other")),
    ];
    subs.iter_mut().for_each(|sub| sub.subscribe("t", 0));
    let mut publisher = broker.client(V5, "publisher");
    publisher.tell(message.clone().retained());
    subs.iter_mut()
        .for_each(|sub| assert_eq!(sub.message(), message));
    let mut late = broker.client(V5, "late");
    late.subscribe("t", 0);
    assert_eq!(late.message(), message.retained());
}

/// [MQTT 5.0: 3.3.2-4]
#[test]
fn a_payload_format_of_zero_is_kept_too() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.subscribe("t", 0);
    let message = publish("t", "x").with(property::byte(1, 0));
    client.publish(&message);
    assert_eq!(client.message(), message);
}

/// What claims to be text is text: the broker may check it (3.3.2.3.2).
///
/// [MQTT 5.0: 3.4.2-1]
#[test]
fn a_payload_that_is_not_the_text_it_claims_to_be_is_refused() {
    let broker = Broker::start();
    let mut client = broker.client(V5, "client");
    client.subscribe("t", 0);
    let mut message = publish("t", "").qos(1, 1).with(property::byte(1, 1));
    message.payload = vec![0xff];
    client.publish(&message);
    client.expect(&super::wire::ack_because(0x40, 1, 0x99));
    client.expect_nothing();
}

/// 3.1.1 has no words for properties; the message arrives without them.
#[test]
fn a_3_1_1_subscriber_gets_the_bare_message() {
    let broker = Broker::start();
    let mut sub = broker.client(V311, "sub");
    sub.subscribe("t", 0);
    let message = publish("t", "x").with(property::user("a", "b"));
    broker.client(V5, "publisher").publish(&message);
    assert_eq!(sub.message(), publish("t", "x"));
}

/// [MQTT 5.0: 3.1.2-29]
#[test]
fn who_wants_no_explanations_gets_none() {
    let broker = Broker::start();
    let terse = connect(V5, "terse").with(property::byte(23, 0));
    let mut client = broker.connect(&terse);
    // Exactly these bytes: a reason, and no properties.
    client.publish(&publish("$SYS/forged", "x").qos(1, 1));
    client.expect(&[0x40, 3, 0, 1, 0x87]);
    client.publish(&publish("$SYS/forged", "x").qos(2, 2));
    client.expect(&[0x50, 3, 0, 2, 0x87]);
    client.send(&super::wire::subscribe(V5, 3, &[], &[("t", 0)]));
    client.expect(&[0x90, 4, 0, 3, 0, 0]);
    client.send(&super::wire::unsubscribe(V5, 4, &["x"]));
    client.expect(&[0xb0, 4, 0, 4, 0, 0x11]);
}
