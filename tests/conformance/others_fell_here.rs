//! Ordinary and hostile clients that brought other brokers down: every row of
//! the table in `docs/decisions/0001-own-broker-core.md`, and its neighbours.

use super::client::{Broker, Client};
use super::wire::{
    BOTH, Connect, PUBACK, PUBCOMP, PUBREC, PUBREL, Publish, V5, V311, ack, connect, lasting,
    property, publish, will,
};

/// The broker still lets in, takes and delivers.
fn still_serves(broker: &Broker) {
    for version in BOTH {
        let mut client = broker.client(version, "still here?");
        client.subscribe("still/here", 1);
        client.publish(&publish("still/here", "yes"));
        assert_eq!(client.payload(), "yes");
        client.leave();
    }
}

#[test]
fn topics_that_begin_with_other_letters() {
    let broker = Broker::start();
    for version in BOTH {
        let mut sub = broker.client(version, "sub");
        sub.subscribe("#", 0);
        for topic in ["étage/temp", "卧室/温度", "🏠", "ß"] {
            sub.publish(&publish(topic, "x").retained());
            assert_eq!(sub.message(), publish(topic, "x"));
            drop(broker.connect(&connect(version, "mortal").with_will(will(topic, "gone"))));
            assert_eq!(sub.message(), publish(topic, "gone"));
            sub.publish(&publish(topic, "").retained());
            sub.message();
        }
    }
    still_serves(&broker);
}

#[test]
fn client_ids_with_slashes_wildcards_and_dollars_connect_twice() {
    let broker = Broker::start();
    for version in BOTH {
        for id in ["a/b", "+", "#", "$SYS", "a/+/#/$", "é"] {
            let mut first = broker.client(version, id);
            first.expect_nothing();
            let mut second = broker.client(version, id);
            first.expect_dismissed(0x8e);
            second.expect_nothing();
        }
    }
    still_serves(&broker);
}

#[test]
fn a_5_0_property_for_a_3_1_1_subscriber_that_reconnects() {
    let broker = Broker::start();
    let mut sub = broker.connect(&lasting(V311, "sub"));
    sub.subscribe("t", 1);
    sub.leave();
    let mut publisher = broker.client(V5, "publisher");
    let message = publish("t", "x")
        .with(property::user("a", "b"))
        .with(property::message_expiry(600))
        .with(property::correlation(b"c"));
    publisher.tell(message);
    let mut sub = broker.connect(&lasting(V311, "sub"));
    let arrived = sub.message();
    assert_eq!(arrived, publish("t", "x").qos(1, arrived.id));
    still_serves(&broker);
}

#[test]
fn a_lost_member_of_a_shared_subscription_with_an_unacknowledged_message() {
    for version in BOTH {
        for qos in [1, 2] {
            let broker = Broker::start();
            let mut member = broker.connect(&lasting(version, "member"));
            member.subscribe("$share/group/t", 2);
            let mut publisher = broker.client(version, "publisher");
            publisher.publish(&publish("t", "x").qos(qos, 1));
            let message = member.message();
            drop(member);
            let mut member = broker.connect(&lasting(version, "member"));
            assert_eq!(member.message(), message.again());
            still_serves(&broker);
        }
    }
}

#[test]
fn two_hundred_clients_that_come_and_go_disturb_nobody() {
    let broker = Broker::start();
    let mut watcher = broker.client(V5, "watcher");
    watcher.subscribe("wills", 0);
    let settled = |number: usize| {
        let id = format!("settled {number}");
        broker.connect(&connect(V5, &id).with_will(will("wills", &id)))
    };
    let mut settled: Vec<Client> = (0..200).map(settled).collect();
    for round in 0..5 {
        let guest = |number: usize| broker.client(BOTH[number % 2], &format!("{round} {number}"));
        let guests: Vec<Client> = (0..40).map(guest).collect();
        // Half of them say goodbye, half of them are gone without a word.
        for (number, guest) in guests.into_iter().enumerate() {
            if number % 2 == 0 {
                guest.leave();
            }
        }
    }
    settled.iter_mut().for_each(Client::expect_nothing);
    watcher.expect_nothing();
}

#[test]
fn a_thousand_retained_messages_all_arrive() {
    let broker = Broker::start();
    let mut publisher = broker.client(V311, "publisher");
    for number in 0..1000 {
        publisher.publish(
            &publish(&format!("many/{number:04}"), "x")
                .qos(1, 1)
                .retained(),
        );
    }
    for _ in 0..1000 {
        publisher.packet();
    }
    for version in BOTH {
        for qos in [0, 1] {
            let mut sub = broker.client(version, "sub");
            sub.subscribe("many/+", qos);
            for number in 0..1000 {
                let message = sub.message();
                assert_eq!(message.topic, format!("many/{number:04}"));
                if qos == 1 {
                    sub.send(&ack(PUBACK, message.id));
                }
            }
            sub.expect_nothing();
        }
    }
}

#[test]
fn a_duplicate_does_not_push_out_the_next_message() {
    for version in BOTH {
        let broker = Broker::start();
        let mut sub = broker.client(version, "sub");
        sub.subscribe("t", 2);
        let mut publisher = broker.client(version, "publisher");
        let first = publish("t", "FIRST").qos(2, 1);
        let second = publish("t", "SECOND").qos(2, 2);
        for message in [first.clone(), first.again(), second] {
            publisher.publish(&message);
        }
        assert_eq!(sub.payload(), "FIRST");
        assert_eq!(sub.payload(), "SECOND");
        sub.expect_nothing();
    }
}

#[test]
fn a_keep_alive_of_zero_is_taken() {
    let broker = Broker::start();
    for version in BOTH {
        broker
            .connect(&connect(version, "zero").keep_alive(0))
            .expect_nothing();
    }
}

#[test]
fn a_subscription_to_sys_is_granted_and_the_connection_lives() {
    let broker = Broker::start();
    for version in BOTH {
        let mut client = broker.client(version, "curious");
        client.subscribe("t", 0);
        client.subscribe("$SYS/#", 0);
        client.publish(&publish("t", "x"));
        loop {
            let Publish { topic, .. } = client.message();
            if topic == "t" {
                break;
            }
            assert!(topic.starts_with("$SYS/"), "{topic}");
        }
    }
}

#[test]
fn a_topic_alias_maximum_of_zero_is_taken() {
    let broker = Broker::start();
    let zero = connect(V5, "zero").with(property::topic_alias_maximum(0));
    broker.connect(&zero).expect_nothing();
}

#[test]
fn qos_2_with_packet_id_zero_twice() {
    let broker = Broker::start();
    for version in BOTH {
        for _ in 0..2 {
            let mut client = broker.client(version, "zero");
            let message = publish("t", "x").qos(2, 0).bytes(version);
            client.send(&[message.clone(), message].concat());
            client.expect_dismissed(0x82);
        }
    }
    still_serves(&broker);
}

#[test]
fn a_session_resumed_with_a_receive_maximum_of_one() {
    let broker = Broker::start();
    let mut sub = broker.connect(&lasting(V5, "sub"));
    sub.subscribe("t", 2);
    let mut publisher = broker.client(V5, "publisher");
    publisher.tell(publish("t", "one"));
    publisher.publish(&publish("t", "two").qos(2, 50));
    publisher.packet();
    publisher.tell(publish("t", "three"));
    (0..3).for_each(|_| drop(sub.message()));
    drop(sub);
    let narrow: Connect = lasting(V5, "sub").with(property::receive_maximum(1));
    let mut sub = broker.connect(&narrow);
    let one = sub.message();
    assert_eq!(one.payload, b"one");
    sub.expect_nothing();
    sub.send(&ack(PUBACK, one.id));
    let two = sub.message();
    assert_eq!(two.payload, b"two");
    sub.send(&ack(PUBREC, two.id));
    sub.expect(&ack(PUBREL, two.id));
    sub.expect_nothing();
    sub.send(&ack(PUBCOMP, two.id));
    assert_eq!(sub.payload(), "three");
}

#[test]
fn six_bytes_that_announce_256_mib() {
    let broker = Broker::start();
    for first in [0x10, 0x30] {
        let mut client = broker.dial(V5);
        client.send(&[first, 0xff, 0xff, 0xff, 0x7f, 0]);
        client.expect_closed();
    }
    still_serves(&broker);
}
