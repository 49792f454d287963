//! CONNECT and CONNACK: who is let in, and what both sides learn.

use hearth::broker::access::Access;

use super::client::{Broker, Client, PASSWORD, USER};
use super::read::ConnAck;
use super::wire::{
    BOTH, Connect, PINGREQ, V5, V311, Version, binary, connect, packet, property, publish,
    subscribe, will,
};

/// Sends this CONNECT, which must be refused with this code, or without a
/// word where there is none.
pub fn refused(broker: &Broker, connect: &Connect, code: Option<u8>) {
    let mut client = broker.dial(connect.version);
    client.send(&connect.bytes());
    expect_refusal(&mut client, code);
}

fn expect_refusal(client: &mut Client, code: Option<u8>) {
    if let Some(code) = code {
        let connack = ConnAck::of(&client.packet(), client.version);
        assert_eq!((connack.flags, connack.code), (0, code));
    }
    client.expect_closed();
}

/// A CONNECT that breaks a rule: 3.1.1 forbids an answer, 5.0 allows one.
fn broken(broker: &Broker, connect: &Connect) {
    let code = (connect.version == V5).then_some(0x81);
    refused(broker, connect, code);
}

/// [MQTT 3.1.1: 3.1.0-1]
/// [MQTT 5.0: 3.1.0-1 3.14.0-1]
#[test]
fn the_first_packet_is_connect() {
    let broker = Broker::start();
    for version in BOTH {
        for first in [
            publish("t", "x").bytes(version),
            subscribe(version, 1, &[], &[("t", 0)]),
            PINGREQ.to_vec(),
            packet(0xe0, &[]),
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        ] {
            let mut client = broker.dial(version);
            client.send(&first);
            client.expect_closed();
        }
    }
}

/// [MQTT 3.1.1: 3.1.0-2]
/// [MQTT 5.0: 3.1.0-2 3.2.0-2]
#[test]
fn connect_comes_once() {
    let broker = Broker::start();
    for version in BOTH {
        let mut client = broker.client(version, "twice");
        client.send(&connect(version, "twice").bytes());
        client.expect_dismissed(0x82);
    }
}

/// [MQTT 3.1.1: 3.1.2-1 3.1.2-2]
/// [MQTT 5.0: 3.1.2-1 3.1.2-2]
#[test]
fn other_protocols_are_refused() {
    let broker = Broker::start();
    for (name, level) in [
        ("MQTT", 3),
        ("MQTT", 6),
        ("MQIsdp", 3),
        ("mqtt", 4),
        ("hj", 5),
    ] {
        let mut client = broker.dial(V311);
        client.send(&connect(V311, "old").bytes_as(name, level));
        expect_refusal(&mut client, Some(1));
    }
}

/// [MQTT 3.1.1: 3.1.2-3 3.1.4-1]
/// [MQTT 5.0: 3.1.2-3 3.1.4-1]
#[test]
fn the_reserved_flag_is_zero() {
    let broker = Broker::start();
    for version in BOTH {
        let mut connect = connect(version, "flags");
        connect.more_flags = 1;
        broken(&broker, &connect);
    }
}

/// [MQTT 3.1.1: 3.1.2-9 3.1.2-11 3.1.2-13 3.1.2-14 3.1.2-15 3.1.4-1]
/// [MQTT 5.0: 3.1.2-9 3.1.2-11 3.1.2-12 3.1.2-13 3.1.4-1]
#[test]
fn will_flags_agree_with_each_other_and_with_the_fields() {
    let broker = Broker::start();
    let (will_flag, qos_1, qos_3, retain) = (0x04, 0x08, 0x18, 0x20);
    for version in BOTH {
        for more_flags in [qos_1, retain, will_flag] {
            let without_will = connect(version, "will");
            broken(
                &broker,
                &Connect {
                    more_flags,
                    ..without_will
                },
            );
        }
        let mut with_will = connect(version, "will").with_will(will("w", "x"));
        with_will.more_flags = qos_3;
        broken(&broker, &with_will);
    }
}

/// [MQTT 3.1.1: 3.1.2-11 3.1.2-18 3.1.2-19 3.1.2-20 3.1.2-21 3.1.4-1]
/// [MQTT 5.0: 3.1.2-16 3.1.2-17 3.1.2-18 3.1.2-19 3.1.4-1]
#[test]
fn the_payload_has_the_fields_that_the_flags_announce() {
    let broker = Broker::start();
    for version in BOTH {
        for missing in [0x80, 0xc0] {
            let mut connect = connect(version, "fields");
            connect.more_flags = missing;
            broken(&broker, &connect);
        }
        let mut bytes = connect(version, "fields").bytes();
        bytes.extend(binary(b"unannounced"));
        bytes[1] += 13;
        let mut client = broker.dial(version);
        client.send(&bytes);
        expect_refusal(&mut client, (version == V5).then_some(0x81));
    }
}

/// [MQTT 3.1.1: 3.1.2-22]
#[test]
fn a_password_alone_is_for_5_0_only() {
    let broker = Broker::start();
    for version in BOTH {
        let mut connect = connect(version, "password");
        connect.password = Some(b"secret".to_vec());
        match version {
            V311 => refused(&broker, &connect, None),
            // Understood, and nobody's.
            V5 => refused(&broker, &connect, Some(0x86)),
        }
    }
}

/// [MQTT 3.1.1: 3.1.3-1 3.1.3-3 3.1.2-19 3.1.2-21]
/// [MQTT 5.0: 3.1.3-1 3.1.3-3 3.1.2-17 3.1.2-19]
#[test]
fn all_fields_are_read_in_their_order() {
    let broker = Broker::guarded(Access::default());
    for version in BOTH {
        let mut watcher = broker.client(version, "watcher");
        watcher.subscribe("w", 0);
        let full = connect(version, "full").with_will(will("w", "gone"));
        drop(broker.connect(&full.login(USER, PASSWORD)));
        assert_eq!(watcher.message(), publish("w", "gone"));
    }
}

/// [MQTT 3.1.1: 3.1.3-4 3.1.3-10 3.1.3-11]
/// [MQTT 5.0: 3.1.3-4 3.1.3-11 3.1.3-12]
#[test]
fn client_id_will_topic_and_user_name_must_be_utf8() {
    let broker = Broker::start();
    let bad = || vec![b'a', 0xff];
    for version in BOTH {
        let mut id = connect(version, "");
        id.id = bad();
        let mut topic = connect(version, "a").with_will(will("w", "x"));
        topic.will.as_mut().unwrap().topic = bad();
        let mut username = connect(version, "a");
        username.username = Some(bad());
        [id, topic, username]
            .iter()
            .for_each(|connect| broken(&broker, connect));
    }
}

/// [MQTT 3.1.1: 3.1.3-5]
/// [MQTT 5.0: 3.1.3-5]
#[test]
fn client_ids_of_the_plain_alphabet_are_allowed() {
    let broker = Broker::start();
    for version in BOTH {
        for id in [
            "a",
            "0123456789abcdefghijklm",
            "nopqrstuvwxyzABCDEFGHIJ",
            "KLMNOPQRSTUVWXYZ",
        ] {
            broker.client(version, id).expect_nothing();
        }
    }
}

/// [MQTT 3.1.1: 3.1.3-6]
#[test]
fn a_client_without_a_name_is_given_one() {
    let broker = Broker::start();
    let mut first = broker.client(V311, "");
    let mut second = broker.client(V311, "");
    first.expect_nothing();
    second.expect_nothing();
}

/// [MQTT 5.0: 3.1.3-6 3.1.3-7 3.2.2-16]
#[test]
fn a_given_name_is_told_and_works_as_any_other() {
    let broker = Broker::start();
    let name = |connack: ConnAck| {
        let name = connack.property(18).expect("an Assigned Client Identifier");
        String::from_utf8(name[2..].to_vec()).unwrap()
    };
    let lasting = connect(V5, "")
        .clean(false)
        .with(property::session_expiry(60));
    let (mut first, connack) = broker.connect_and_see(&lasting);
    let (_second, other) = broker.connect_and_see(&connect(V5, ""));
    let own = name(connack);
    assert_ne!(own, name(other));
    first.subscribe("t", 1);
    let back = connect(V5, &own).clean(false);
    let (_first, connack) = broker.connect_and_see(&back);
    assert!(connack.session_present());
    first.expect_dismissed(0x8e);
}

/// [MQTT 3.1.1: 3.1.3-7 3.1.3-8 3.1.3-9 3.2.2-4 3.2.2-5]
#[test]
fn a_3_1_1_client_without_a_name_cannot_keep_a_session() {
    refused(&Broker::start(), &connect(V311, "").clean(false), Some(2));
}

/// [MQTT 3.1.1: 3.2.2-6 3.1.4-1]
/// [MQTT 5.0: 3.1.4-1 3.2.2-6 3.2.2-7 3.2.2-8 3.14.0-1]
#[test]
fn a_connect_that_says_too_little_is_refused_as_its_version_asks() {
    let broker = Broker::start();
    for version in BOTH {
        let mut bytes = connect(version, "short").bytes();
        bytes.truncate(bytes.len() - 2);
        bytes[1] -= 2;
        let mut client = broker.dial(version);
        client.send(&bytes);
        expect_refusal(&mut client, (version == V5).then_some(0x81));
    }
}

/// [MQTT 5.0: 3.1.4-1 3.2.2-8]
#[test]
fn connect_properties_have_values_that_mean_something() {
    let broker = Broker::start();
    for property in [
        property::receive_maximum(0),
        property::maximum_packet_size(0),
        property::byte(23, 2),
        property::byte(25, 2),
    ] {
        refused(&broker, &connect(V5, "values").with(property), Some(0x82));
    }
    let data_alone = connect(V5, "values").with((22, binary(b"x")));
    refused(&broker, &data_alone, Some(0x82));
}

/// [MQTT 3.1.1: 3.1.4-5]
/// [MQTT 5.0: 3.1.4-6]
#[test]
fn what_follows_a_refused_connect_is_not_read() {
    let broker = Broker::start();
    let refusals = [
        (connect(V311, "").clean(false), 2),
        (
            connect(V5, "auth").with(property::string(21, "GS2-KRB5")),
            0x8c,
        ),
    ];
    for (refusal, code) in refusals {
        let mut watcher = broker.client(V5, "watcher");
        watcher.subscribe("t", 0);
        let mut client = broker.dial(refusal.version);
        let message = publish("t", "x").bytes(refusal.version);
        client.send(&[refusal.bytes(), message].concat());
        expect_refusal(&mut client, Some(code));
        watcher.expect_nothing();
    }
}

/// [MQTT 3.1.1: 3.1.4-4 3.2.0-1]
/// [MQTT 5.0: 3.1.4-5 3.2.0-1 3.2.0-2 3.2.2-1]
#[test]
fn connack_comes_first_and_once() {
    let broker = Broker::start();
    for version in BOTH {
        let mut first = broker.client(version, "publisher");
        first.publish(&publish("t", "x").retained());
        // Sent in one piece, the answers still come in order.
        let mut client = broker.dial(version);
        let hurry = [
            connect(version, "hurry").bytes(),
            subscribe(version, 1, &[], &[("t", 0)]),
        ];
        client.send(&hurry.concat());
        let connack = ConnAck::of(&client.packet(), version);
        assert_eq!((connack.flags, connack.code), (0, 0));
        client.expect(&super::wire::suback(version, 1, &[0]));
        client.expect_nothing_but_retained();
    }
}

/// [MQTT 5.0: 4.12.0-1 4.12.0-4 3.2.2-6 3.2.2-7 4.13.2-1]
#[test]
fn an_authentication_method_is_refused() {
    let method = connect(V5, "auth").with(property::string(21, "SCRAM-SHA-256"));
    refused(&Broker::start(), &method, Some(0x8c));
}

/// [MQTT 5.0: 4.12.0-6 3.1.2-28]
#[test]
fn connack_says_nothing_that_was_not_asked() {
    let broker = Broker::start();
    for asked in [None, Some(0)] {
        let mut connect = connect(V5, "modest");
        connect
            .properties
            .extend(asked.map(|value| property::byte(25, value)));
        let (_client, connack) = broker.connect_and_see(&connect);
        let (method, response_information) = (connack.property(21), connack.property(26));
        assert_eq!((method, response_information), (None, None));
    }
}

/// [MQTT 3.1.1: 3.1.3-2]
/// [MQTT 5.0: 3.1.3-2]
#[test]
fn state_belongs_to_the_client_id() {
    let broker = Broker::start();
    for version in BOTH {
        let mut one = broker.client(version, "one");
        let mut other = broker.client(version, "One");
        one.subscribe("t", 0);
        other.tell(publish("t", "x"));
        assert_eq!(one.payload(), "x");
        other.expect_nothing();
    }
}

impl Client {
    fn expect_nothing_but_retained(&mut self) {
        assert_eq!(self.message(), publish("t", "x").retained());
        self.expect_nothing();
    }
}

#[test]
fn versions_may_meet_under_one_name() {
    let broker = Broker::start();
    let both: [Version; 2] = BOTH;
    let mut old = broker.client(both[0], "same");
    let _new = broker.client(both[1], "same");
    old.expect_closed();
}
