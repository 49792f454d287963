//! Bytes that never change, written by hand from the standards: CONNECT, CONNACK
//! and PUBLISH in each version.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::{decode, decode_first, encoded, id};
use crate::broker::codec::*;

pub(super) fn check(packet: Packet, version: Version, bytes: &[u8]) {
    assert_eq!(encoded(&packet, version), bytes, "encoding {packet:?}");
    assert_eq!(encoded_len(&packet, version), bytes.len(), "{packet:?}");
    let decoded = match packet {
        Packet::Connect(_) => decode_first(bytes),
        _ => decode(bytes, version),
    };
    assert_eq!(decoded, Ok(Some(packet)), "decoding {bytes:02x?}");
}

fn plain_connect(version: Version) -> Connect {
    Connect {
        version,
        client_id: "c".into(),
        clean_start: true,
        keep_alive: 60,
        username: None,
        password: None,
        will: None,
        session_expiry: None,
        receive_maximum: None,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: true,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    }
}

fn will(properties: PublishProperties) -> Will {
    Will {
        topic: "w".into(),
        payload: Bytes::from_static(b"gone"),
        qos: Qos::AtLeastOnce,
        retain: true,
        delay: 0,
        properties,
    }
}

#[test]
fn connect() {
    check(
        Packet::Connect(Box::new(plain_connect(Version::V311))),
        Version::V311,
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c",
    );
    check(
        Packet::Connect(Box::new(plain_connect(Version::V5))),
        Version::V5,
        b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01c",
    );
    let full = Connect {
        clean_start: false,
        username: Some("u".into()),
        password: Some(Bytes::from_static(b"p\xff")),
        will: Some(will(PublishProperties::default())),
        ..plain_connect(Version::V311)
    };
    check(
        Packet::Connect(Box::new(full)),
        Version::V311,
        b"\x10\x1d\x00\x04MQTT\x04\xec\x00\x3c\x00\x01c\x00\x01w\x00\x04gone\x00\x01u\x00\x02p\xff",
    );
}

#[test]
fn connect_with_properties() {
    let rare = RareProperties {
        payload_is_utf8: Some(true),
        content_type: Some("t".into()),
        ..RareProperties::default()
    };
    let last = Will {
        delay: 5,
        ..will(PublishProperties {
            message_expiry: Some(9),
            rare: Some(Arc::new(rare)),
        })
    };
    let full = Connect {
        will: Some(last),
        session_expiry: Some(u32::MAX),
        receive_maximum: NonZeroU16::new(10),
        maximum_packet_size: Some(1024),
        topic_alias_maximum: 7,
        request_response_information: true,
        request_problem_information: false,
        user_properties: vec![("k".into(), "v".into())],
        authentication_method: Some("m".into()),
        authentication_data: Some(Bytes::from_static(b"d")),
        ..plain_connect(Version::V5)
    };
    check(
        Packet::Connect(Box::new(full)),
        Version::V5,
        b"\x10\x4b\x00\x04MQTT\x05\x2e\x00\x3c\x23\
          \x11\xff\xff\xff\xff\x21\x00\x0a\x27\x00\x00\x04\x00\x22\x00\x07\x19\x01\x17\x00\
          \x15\x00\x01m\x16\x00\x01d\x26\x00\x01k\x00\x01v\
          \x00\x01c\
          \x10\x18\x00\x00\x00\x05\x02\x00\x00\x00\x09\x01\x01\x03\x00\x01t\
          \x00\x01w\x00\x04gone",
    );
}

#[test]
fn connack() {
    let refusal = ConnAck {
        reason: Reason::NotAuthorized,
        ..ConnAck::default()
    };
    let present = ConnAck {
        session_present: true,
        ..ConnAck::default()
    };
    for (connack, v311, v5) in [
        (present, b"\x20\x02\x01\x00", b"\x20\x03\x01\x00\x00"),
        (refusal, b"\x20\x02\x00\x05", b"\x20\x03\x00\x87\x00"),
    ] {
        check(
            Packet::ConnAck(Box::new(connack.clone())),
            Version::V311,
            v311,
        );
        check(Packet::ConnAck(Box::new(connack)), Version::V5, v5);
    }
}

#[test]
fn connack_with_properties() {
    let full = ConnAck {
        session_expiry: Some(1),
        receive_maximum: Some(2),
        maximum_qos: Some(Qos::AtLeastOnce),
        retain_available: Some(true),
        maximum_packet_size: Some(3),
        assigned_client_id: Some("i".into()),
        topic_alias_maximum: Some(4),
        reason_string: Some("r".into()),
        user_properties: vec![("k".into(), "v".into())],
        wildcard_subscription_available: Some(true),
        subscription_ids_available: Some(true),
        shared_subscription_available: Some(false),
        server_keep_alive: Some(5),
        response_information: Some("R".into()),
        server_reference: Some("s".into()),
        authentication_method: Some("m".into()),
        authentication_data: Some(Bytes::from_static(b"d")),
        ..ConnAck::default()
    };
    check(
        Packet::ConnAck(Box::new(full)),
        Version::V5,
        b"\x20\x3f\x00\x00\x3c\x11\x00\x00\x00\x01\x21\x00\x02\x24\x01\x25\x01\
          \x27\x00\x00\x00\x03\x12\x00\x01i\x22\x00\x04\x1f\x00\x01r\x28\x01\x29\x01\x2a\x00\
          \x13\x00\x05\x1a\x00\x01R\x1c\x00\x01s\x15\x00\x01m\x16\x00\x01d\x26\x00\x01k\x00\x01v",
    );
}

#[test]
fn publish() {
    let bare = Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: true,
        topic: "é".into(),
        packet_id: None,
        payload: Bytes::from_static(b"on"),
        topic_alias: None,
        subscription_ids: Vec::new(),
        properties: PublishProperties::default(),
    };
    check(
        Packet::Publish(bare.clone()),
        Version::V311,
        b"\x31\x06\x00\x02\xc3\xa9on",
    );
    check(
        Packet::Publish(bare.clone()),
        Version::V5,
        b"\x31\x07\x00\x02\xc3\xa9\x00on",
    );
    let again = Publish {
        dup: true,
        qos: Qos::ExactlyOnce,
        packet_id: Some(id(258)),
        ..bare
    };
    check(
        Packet::Publish(again.clone()),
        Version::V311,
        b"\x3d\x08\x00\x02\xc3\xa9\x01\x02on",
    );
    check(
        Packet::Publish(again),
        Version::V5,
        b"\x3d\x09\x00\x02\xc3\xa9\x01\x02\x00on",
    );
}

fn rich() -> Publish {
    Publish {
        dup: false,
        qos: Qos::AtLeastOnce,
        retain: false,
        topic: "t".into(),
        packet_id: Some(id(1)),
        payload: Bytes::from_static(b"x"),
        topic_alias: NonZeroU16::new(3),
        subscription_ids: vec![1, 200],
        properties: PublishProperties {
            message_expiry: Some(60),
            rare: Some(Arc::new(RareProperties {
                payload_is_utf8: Some(false),
                response_topic: Some("r".into()),
                correlation_data: Some(Bytes::from_static(b"\x00\x01")),
                content_type: Some("c".into()),
                user_properties: vec![("k".into(), "v".into()), ("k".into(), "".into())],
            })),
        },
    }
}

#[test]
fn publish_with_properties() {
    check(
        Packet::Publish(rich()),
        Version::V5,
        b"\x32\x30\x00\x01t\x00\x01\x29\x23\x00\x03\x0b\x01\x0b\xc8\x01\x02\x00\x00\x00\x3c\
          \x01\x00\x03\x00\x01c\x08\x00\x01r\x09\x00\x02\x00\x01\
          \x26\x00\x01k\x00\x01v\x26\x00\x01k\x00\x00x",
    );
    let v311 = encoded(&Packet::Publish(rich()), Version::V311);
    assert_eq!(
        v311, b"\x32\x06\x00\x01t\x00\x01x",
        "3.1.1 has no properties"
    );
}

#[test]
fn each_subscriber_gets_its_own_head_on_the_same_message() {
    let message = rich();
    let head = PublishHead {
        qos: Qos::AtLeastOnce,
        packet_id: Some(id(7)),
        subscription_ids: &[5],
        message_expiry_left: Some(58),
        ..PublishHead::default()
    };
    let plain = PublishProperties {
        message_expiry: Some(60),
        rare: None,
    };
    let mut out = BytesMut::new();
    encode_publish(&mut out, Version::V5, &head, &message.topic, b"x", &plain);
    assert_eq!(
        &out[..],
        b"\x32\x0e\x00\x01t\x00\x07\x07\x0b\x05\x02\x00\x00\x00\x3ax"
    );
    let announced = publish_len(Version::V5, &head, &message.topic, 1, &plain);
    assert_eq!(announced, out.len());
}

#[test]
fn a_legal_topic_alias_maximum_of_0_is_legal() {
    let bytes = b"\x10\x11\x00\x04MQTT\x05\x02\x00\x3c\x03\x22\x00\x00\x00\x01c";
    match decode_first(bytes) {
        Ok(Some(Packet::Connect(connect))) => assert_eq!(connect.topic_alias_maximum, 0),
        other => panic!("{other:?}"),
    }
}
