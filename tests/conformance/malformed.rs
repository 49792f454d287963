//! Packets that the standards do not allow: the connection ends, and 5.0 is
//! told why. Nothing else changes.

use super::client::Broker;
use super::wire::{
    BOTH, PUBACK, PUBREC, V5, V311, Version, ack, binary, packet, properties, property, publish,
    subscribe, unsubscribe,
};

const MALFORMED: u8 = 0x81;
const PROTOCOL: u8 = 0x82;
const FILTER: u8 = 0x8f;
const TOPIC: u8 = 0x90;

/// Each of these, sent by a client that is let in, ends its connection.
fn refused(version: Version, reason: u8, packets: &[Vec<u8>]) {
    let broker = Broker::start();
    for packet in packets {
        let mut client = broker.client(version, "rude");
        client.send(packet);
        client.expect_dismissed(reason);
    }
}

/// PUBLISH, SUBSCRIBE and UNSUBSCRIBE with these bytes where a string is due.
fn with_string(version: Version, string: &[u8]) -> [Vec<u8>; 3] {
    let (none, string) = (properties(version, &[]), binary(string));
    let id = [0, 1].as_slice();
    [
        packet(0x30, &[&string, none.as_slice()].concat()),
        packet(0x82, &[id, &none, &string, &[0]].concat()),
        packet(0xa2, &[id, &none, &string].concat()),
    ]
}

/// [MQTT 3.1.1: 1.5.3-1 3.3.2-1 3.8.3-1 3.10.3-1]
/// [MQTT 5.0: 1.5.4-1 3.3.2-1 3.8.3-1 3.10.3-1]
#[test]
fn a_string_must_be_utf8() {
    let surrogate = [0xed, 0xa0, 0x80];
    let overlong = [0xc0, 0xaf];
    for version in BOTH {
        for string in [[0xff].as_slice(), &surrogate, &overlong, &[0xe2, 0x82]] {
            refused(version, MALFORMED, &with_string(version, string));
        }
    }
}

/// [MQTT 3.1.1: 1.5.3-2 4.7.3-2]
/// [MQTT 5.0: 1.5.4-2 4.7.3-2]
#[test]
fn a_string_holds_no_null_character() {
    for version in BOTH {
        refused(version, MALFORMED, &with_string(version, b"a\0b"));
    }
}

/// [MQTT 5.0: 1.5.7-1]
#[test]
fn both_strings_of_a_user_property_must_be_utf8() {
    let good = binary(b"name");
    for bad in [binary(&[0xff]), binary(&[0])] {
        let pairs = [
            [good.clone(), bad.clone()].concat(),
            [bad, good.clone()].concat(),
        ];
        let packets = pairs.map(|pair| publish("t", "").with((38, pair)).bytes(V5));
        refused(V5, MALFORMED, &packets);
    }
}

/// [MQTT 5.0: 1.5.5-1]
#[test]
fn a_length_takes_as_few_bytes_as_it_can() {
    let ping = vec![0xc0, 0x80, 0];
    let five_bytes = vec![0xc0, 0x80, 0x80, 0x80, 0x80, 0];
    let in_properties = packet(0x30, b"\x00\x01t\x80\x00");
    refused(V5, MALFORMED, &[ping, five_bytes.clone(), in_properties]);
    refused(V311, MALFORMED, &[five_bytes]);
}

/// [MQTT 3.1.1: 2.2.2-1 2.2.2-2 3.6.1-1 3.8.1-1 3.10.1-1 3.14.1-1]
/// [MQTT 5.0: 2.1.3-1 3.6.1-1 3.8.1-1 3.10.1-1 3.14.1-1 3.15.1-1]
#[test]
fn reserved_bits_of_the_first_byte_are_as_the_standard_sets_them() {
    for version in BOTH {
        let mut packets = vec![
            ack(0x41, 1),
            ack(0x52, 1),
            ack(0x60, 1),
            ack(0x63, 1),
            ack(0x78, 1),
            packet(0xc1, &[]),
            packet(0xe1, &[]),
        ];
        for first in [0x80, 0x83, 0xa0, 0xa3] {
            let good = match first & 0xf0 {
                0x80 => subscribe(version, 1, &[], &[("t", 0)]),
                _ => unsubscribe(version, 1, &["t"]),
            };
            packets.push([&[first], &good[1..]].concat());
        }
        if version == V5 {
            packets.push(packet(0xf1, &[]));
        }
        refused(version, MALFORMED, &packets);
    }
}

/// [MQTT 3.1.1: 2.3.1-1]
/// [MQTT 5.0: 2.2.1-3]
#[test]
fn a_packet_id_is_never_zero() {
    for version in BOTH {
        let packets = [
            publish("t", "").qos(1, 0).bytes(version),
            publish("t", "").qos(2, 0).bytes(version),
            subscribe(version, 0, &[], &[("t", 0)]),
            unsubscribe(version, 0, &["t"]),
        ];
        refused(version, PROTOCOL, &packets);
    }
}

/// [MQTT 3.1.1: 3.3.1-4]
/// [MQTT 5.0: 3.3.1-4]
#[test]
fn there_is_no_qos_3() {
    for version in BOTH {
        refused(
            version,
            MALFORMED,
            &[publish("t", "").qos(3, 1).bytes(version)],
        );
    }
}

/// [MQTT 3.1.1: 3.3.1-2]
/// [MQTT 5.0: 3.3.1-2]
#[test]
fn a_qos_0_message_is_no_duplicate() {
    for version in BOTH {
        refused(
            version,
            MALFORMED,
            &[publish("t", "").again().bytes(version)],
        );
    }
}

/// [MQTT 3.1.1: 3.3.2-2 4.7.1-1]
/// [MQTT 5.0: 3.3.2-2 4.7.0-1]
#[test]
fn a_topic_name_holds_no_wildcard() {
    for version in BOTH {
        let topics = ["+", "#", "a/+/b", "a/#", "a+"];
        refused(
            version,
            TOPIC,
            &topics.map(|topic| publish(topic, "").bytes(version)),
        );
    }
}

/// [MQTT 3.1.1: 4.7.3-1]
/// [MQTT 5.0: 4.7.3-1]
#[test]
fn topics_and_filters_are_not_empty() {
    for version in BOTH {
        refused(version, PROTOCOL, &[publish("", "x").bytes(version)]);
        let filters = [
            subscribe(version, 1, &[], &[("", 0)]),
            unsubscribe(version, 1, &[""]),
        ];
        refused(version, FILTER, &filters);
    }
}

/// [MQTT 3.1.1: 4.7.1-2 4.7.1-3]
/// [MQTT 5.0: 4.7.1-1 4.7.1-2]
#[test]
fn a_wildcard_fills_a_whole_level() {
    for version in BOTH {
        for filter in ["a#", "#/a", "a/#/b", "##", "a+", "+a/b", "a/b+", "a/++"] {
            refused(
                version,
                FILTER,
                &[subscribe(version, 1, &[], &[(filter, 0)])],
            );
        }
    }
}

/// [MQTT 3.1.1: 3.8.3-3 3.10.3-2]
/// [MQTT 5.0: 3.8.3-2 3.10.3-2]
#[test]
fn one_subscribes_to_something() {
    for version in BOTH {
        let packets = [
            subscribe(version, 1, &[], &[]),
            unsubscribe(version, 1, &[]),
        ];
        refused(version, PROTOCOL, &packets);
    }
}

/// [MQTT 3.1.1: 3.8.3-4]
/// [MQTT 5.0: 3.8.3-5]
#[test]
fn reserved_bits_of_subscription_options_are_zero() {
    let to = |version, options| subscribe(version, 1, &[], &[("t", options)]);
    refused(
        V311,
        0,
        &[0x04, 0x08, 0x10, 0x40, 0x80, 0x03].map(|bits| to(V311, bits)),
    );
    refused(V5, MALFORMED, &[0x40, 0x80].map(|bits| to(V5, bits)));
    let qos_3_and_handling_3 = [0x03, 0x30];
    refused(V5, PROTOCOL, &qos_3_and_handling_3.map(|bits| to(V5, bits)));
}

/// [MQTT 3.1.1: 4.8.0-1]
/// [MQTT 5.0: 4.13.1-1]
#[test]
fn a_packet_is_neither_shorter_nor_longer_than_its_fields() {
    for version in BOTH {
        let packets = [
            packet(0xc0, &[0]),
            packet(PUBACK, &[0]),
            packet(0x00, &[]),
            packet(0x30, &[0, 9, b't']),
            packet(0x82, &[0, 1, 0, 0, 5, b't', 0]),
            packet(0x32, &[0, 1, b't', 0]),
        ];
        refused(version, MALFORMED, &packets);
    }
    let after_the_id = [
        packet(PUBREC, &[0, 1, 0]),
        packet(0xe0, &[0]),
        packet(0xf0, &[]),
    ];
    refused(V311, MALFORMED, &after_the_id);
}

/// [MQTT 3.1.1: 4.8.0-1]
/// [MQTT 5.0: 4.13.1-1 4.12.0-7]
#[test]
fn a_client_does_not_speak_for_the_server() {
    for version in BOTH {
        let connack = match version {
            V311 => packet(0x20, &[0, 0]),
            V5 => packet(0x20, &[0, 0, 0]),
        };
        let unsuback = super::wire::unsuback(version, 1, &[0]);
        let suback = super::wire::suback(version, 1, &[0]);
        refused(
            version,
            PROTOCOL,
            &[connack, suback, unsuback, packet(0xd0, &[])],
        );
    }
    let auth = packet(0xf0, &[0x19, 4, 21, 0, 1, b'x']);
    refused(V5, PROTOCOL, &[auth]);
}

/// [MQTT 5.0: 4.13.1-1]
#[test]
fn properties_stand_where_they_belong_and_once() {
    let with = |property| publish("t", "").with(property).bytes(V5);
    let misplaced = [
        with(property::session_expiry(1)),
        with(property::will_delay(1)),
        with((99, vec![])),
        subscribe(V5, 1, &[property::message_expiry(1)], &[("t", 0)]),
        packet(0xe0, &[0, 3, 33, 0, 1]),
    ];
    refused(V5, MALFORMED, &misplaced);
    let expiry = property::message_expiry(1);
    let twice = [
        publish("t", "").with(expiry.clone()).with(expiry).bytes(V5),
        with(property::byte(1, 2)),
        subscribe(V5, 1, &[property::subscription_id(0)], &[("t", 0)]),
    ];
    refused(V5, PROTOCOL, &twice);
}

/// [MQTT 5.0: 3.3.4-6]
#[test]
fn a_client_publishes_without_a_subscription_identifier() {
    let message = publish("t", "").with(property::subscription_id(1));
    refused(V5, PROTOCOL, &[message.bytes(V5)]);
}

/// [MQTT 5.0: 3.3.2-13 3.3.2-14]
#[test]
fn a_response_topic_is_a_topic() {
    let to = |topic| publish("t", "").with(property::string(8, topic)).bytes(V5);
    refused(V5, TOPIC, &["a/#", "+", ""].map(to));
    let not_utf8 = publish("t", "").with((8, binary(&[0xff])));
    refused(V5, MALFORMED, &[not_utf8.bytes(V5)]);
}

/// [MQTT 5.0: 3.3.2-19]
#[test]
fn a_content_type_must_be_utf8() {
    let not_utf8 = publish("t", "").with((3, binary(&[0xff])));
    refused(V5, MALFORMED, &[not_utf8.bytes(V5)]);
}

/// [MQTT 5.0: 4.13.1-1]
#[test]
fn a_reason_belongs_to_its_packet() {
    let with = |first, reason| packet(first, &[0, 1, reason]);
    let packets = [
        with(PUBACK, 0x92),
        with(0x62, 0x80),
        with(PUBREC, 0x01),
        with(0x70, 0xff),
    ];
    refused(V5, PROTOCOL, &packets);
    refused(
        V5,
        PROTOCOL,
        &[packet(0xe0, &[0x8c]), packet(0xe0, &[0x01])],
    );
}

/// [MQTT 3.1.1: 4.8.0-1]
/// [MQTT 5.0: 4.13.2-1 3.14.2-1 3.14.2-2 3.14.4-1 3.14.4-2]
#[test]
fn a_fault_ends_its_connection_and_no_other() {
    for version in BOTH {
        let broker = Broker::start();
        let mut other = broker.client(version, "other");
        other.subscribe("t", 0);
        let mut rude = broker.client(version, "rude");
        let good = publish("t", "before the fault").bytes(version);
        let bad = packet(0x00, &[]);
        let lost = publish("t", "after the fault").bytes(version);
        rude.send(&[good, bad, lost].concat());
        rude.expect_dismissed(MALFORMED);
        assert_eq!(other.payload(), "before the fault");
        other.expect_nothing();
    }
}
