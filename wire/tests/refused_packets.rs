//! What the standard does not allow is refused, and the error names the field.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use hearth_wire::packet::{
    Connect, DecodeError, EncodeError, Field, Forwarded, Packet, Problem, Publish, Qos, Subscribe,
    Topic, TopicId, Will,
};

fn refused(octets: &[u8], field: Field, problem: Problem) {
    let error = DecodeError { field, problem };
    assert_eq!(Packet::decode(octets), Err(error), "{octets:02x?}");
}

#[test]
fn a_length_that_disagrees() {
    for octets in [
        &[0][..],
        &[1],
        &[2],
        &[3, 0x17],
        &[2, 0x17, 0],
        &[0, 0x17],
        &[1, 0, 5, 0x17],
    ] {
        let error = Packet::decode(octets).expect_err("the length is wrong");
        assert_eq!(error.field, Field::Length, "{octets:02x?}");
    }
    refused(&[], Field::Length, Problem::Missing);
    refused(&[1, 0, 3], Field::MsgType, Problem::Missing);
}

#[test]
fn the_long_form_of_a_short_packet_is_taken() {
    assert_eq!(Packet::decode(&[1, 0, 4, 0x17]), Ok(Packet::PingResp));
    // A forwarder's length has one octet (5.5).
    refused(
        &[1, 0, 8, 0xFE, 0, 1, 2, 0x17],
        Field::Length,
        Problem::NotAllowed,
    );
}

#[test]
fn reserved_types_of_messages() {
    for kind in (0x1E..=0xFF)
        .chain([0x03, 0x11, 0x19])
        .filter(|kind| *kind != 0xFE)
    {
        refused(&[2, kind], Field::MsgType, Problem::Reserved);
    }
}

#[test]
fn octets_behind_the_last_field() {
    refused(&[3, 0x17, 0], Field::Length, Problem::TooLong);
    refused(&[5, 0x18, 0, 1, 2], Field::Length, Problem::TooLong);
    refused(
        &[8, 0x12, 1, 0, 5, 2, 0, 0],
        Field::Length,
        Problem::TooLong,
    );
}

#[test]
fn the_protocol_id() {
    refused(
        b"\x07\x04\x00\x02\x00\x0Ax",
        Field::ProtocolId,
        Problem::NotAllowed,
    );
}

#[test]
fn client_ids_of_no_or_too_many_characters() {
    refused(&[6, 4, 0, 1, 0, 10], Field::ClientId, Problem::Empty);
    refused(
        b"\x1E\x04\x00\x01\x00\x0A123456789012345678901234",
        Field::ClientId,
        Problem::TooLong,
    );
    refused(
        b"\x07\x04\x00\x01\x00\x0A\xFF",
        Field::ClientId,
        Problem::NotUtf8,
    );
    refused(
        b"\x1A\x16123456789012345678901234",
        Field::ClientId,
        Problem::TooLong,
    );
    let characters = "é".repeat(23);
    let connect = Connect {
        will: false,
        clean_session: true,
        duration: 1,
        client_id: characters.as_str().into(),
    };
    let mut buffer = [0; 64];
    let length = Packet::Connect(connect)
        .encode(&mut buffer)
        .expect("23 characters are fine");
    assert_eq!(
        Packet::decode(&buffer[..length]),
        Ok(Packet::Connect(connect))
    );
}

#[test]
fn reserved_bits_and_values() {
    refused(
        &[7, 0x0C, 0b11, 0, 1, 0, 0],
        Field::TopicIdType,
        Problem::Reserved,
    );
    refused(
        &[7, 0x12, 0b11, 0, 1, 0, 1],
        Field::TopicIdType,
        Problem::Reserved,
    );
    refused(
        &[7, 0x14, 0b11, 0, 1, 0, 1],
        Field::TopicIdType,
        Problem::Reserved,
    );
    refused(&[3, 0x05, 4], Field::ReturnCode, Problem::Reserved);
    refused(
        &[7, 0x0D, 0, 1, 0, 1, 0xFF],
        Field::ReturnCode,
        Problem::Reserved,
    );
    refused(
        &[4, 0xFE, 0b100, 1, 2, 0x17],
        Field::Ctrl,
        Problem::Reserved,
    );
}

#[test]
fn minus_one_is_for_publish_alone() {
    refused(
        &[7, 0x12, 0x61, 0, 5, 2, 0],
        Field::Qos,
        Problem::NotAllowed,
    );
    refused(
        &[8, 0x13, 0x60, 3, 4, 0, 5, 0],
        Field::Qos,
        Problem::NotAllowed,
    );
    refused(b"\x04\x07\x60w", Field::Qos, Problem::NotAllowed);
    refused(b"\x04\x1A\x60w", Field::Qos, Problem::NotAllowed);
}

#[test]
fn what_is_acknowledged_has_an_id() {
    refused(
        &[7, 0x0C, 0x20, 0, 1, 0, 0],
        Field::MsgId,
        Problem::NotAllowed,
    );
    refused(
        &[7, 0x0C, 0x40, 0, 1, 0, 0],
        Field::MsgId,
        Problem::NotAllowed,
    );
}

#[test]
fn what_is_not_relevant_is_not_looked_at() {
    let Ok(Packet::Publish(publish)) = Packet::decode(&[7, 0x0C, 0x0C, 0, 1, 5, 5]) else {
        panic!("a PUBLISH of QoS 0 with an id, and flags of CONNECT");
    };
    assert_eq!(publish.msg_id, 0);
    assert!(
        Packet::decode(b"\x07\x04\xF3\x01\x00\x0Ax").is_ok(),
        "flags of PUBLISH"
    );
}

#[test]
fn empty_names() {
    refused(&[6, 0x0A, 0, 0, 0, 1], Field::TopicName, Problem::Empty);
    refused(&[5, 0x12, 0, 0, 5], Field::TopicName, Problem::Empty);
    refused(&[5, 0x14, 0, 0, 5], Field::TopicName, Problem::Empty);
    refused(&[3, 0x07, 0], Field::WillTopic, Problem::Empty);
    refused(&[3, 0x1A, 0], Field::WillTopic, Problem::Empty);
    refused(
        &[6, 0x12, 0, 0, 5, 0xFF],
        Field::TopicName,
        Problem::NotUtf8,
    );
}

#[test]
fn fields_that_are_cut_off() {
    refused(&[4, 0x00, 7, 3], Field::Duration, Problem::Missing);
    refused(&[2, 0x01], Field::Radius, Problem::Missing);
    refused(&[2, 0x02], Field::GwId, Problem::Missing);
    refused(&[2, 0x04], Field::Flags, Problem::Missing);
    refused(&[3, 0x18, 0], Field::Duration, Problem::Missing);
    refused(&[6, 0x12, 1, 0, 5, 2], Field::TopicId, Problem::Missing);
    refused(
        &[6, 0x12, 2, 0, 5, b'g'],
        Field::TopicName,
        Problem::Missing,
    );
    refused(&[2, 0xFE], Field::Ctrl, Problem::Missing);
    refused(&[5, 0xFE, 0, 1], Field::WirelessNodeId, Problem::Missing);
}

#[test]
fn a_forwarder_without_a_node_or_a_message_or_in_another() {
    refused(
        &[3, 0xFE, 0, 2, 0x17],
        Field::WirelessNodeId,
        Problem::Empty,
    );
    refused(&[2, 0xFE, 0, 2, 0x17], Field::Length, Problem::Disagrees);
    refused(&[4, 0xFE, 0, 1], Field::Message, Problem::Missing);
    refused(
        &[4, 0xFE, 0, 1, 3, 0x17],
        Field::Message,
        Problem::Disagrees,
    );
    refused(
        &[4, 0xFE, 0, 1, 4, 0xFE, 0, 1, 2, 0x17],
        Field::Message,
        Problem::NotAllowed,
    );
}

#[test]
fn what_would_be_refused_is_not_written() {
    let publish = Publish {
        dup: false,
        qos: Qos::AtLeastOnce,
        retain: false,
        topic: TopicId::Normal(1),
        msg_id: 0,
        data: b"",
    };
    let subscribe = Subscribe {
        dup: false,
        qos: Qos::WithoutConnection,
        msg_id: 1,
        topic: Topic::Predefined(1),
    };
    let nameless = Subscribe {
        qos: Qos::AtMostOnce,
        topic: Topic::Name("".into()),
        ..subscribe
    };
    let will = Will {
        qos: Qos::AtMostOnce,
        retain: false,
        topic: "".into(),
    };
    let far = Forwarded {
        radius: 4,
        node: &[1],
        message: &[2, 0x17],
    };
    let nobody = Forwarded {
        radius: 0,
        node: &[],
        ..far
    };
    let long = Forwarded {
        radius: 0,
        node: &[1; 253],
        ..far
    };
    let nested = Forwarded {
        radius: 0,
        message: &[4, 0xFE, 0, 1, 2, 0x17],
        ..far
    };
    for (packet, field, problem) in [
        (Packet::Publish(publish), Field::MsgId, Problem::NotAllowed),
        (
            Packet::Publish(Publish {
                qos: Qos::AtMostOnce,
                msg_id: 1,
                ..publish
            }),
            Field::MsgId,
            Problem::NotAllowed,
        ),
        (
            Packet::Subscribe(subscribe),
            Field::Qos,
            Problem::NotAllowed,
        ),
        (
            Packet::Subscribe(nameless),
            Field::TopicName,
            Problem::Empty,
        ),
        (
            Packet::WillTopic(Some(will)),
            Field::WillTopic,
            Problem::Empty,
        ),
        (
            Packet::PingReq(Some("".into())),
            Field::ClientId,
            Problem::Empty,
        ),
        (
            Packet::PingReq(Some("123456789012345678901234".into())),
            Field::ClientId,
            Problem::TooLong,
        ),
        (
            Packet::WillMsg(&[0; 65_532]),
            Field::Length,
            Problem::TooLong,
        ),
        (Packet::Forwarded(far), Field::Radius, Problem::NotAllowed),
        (
            Packet::Forwarded(nobody),
            Field::WirelessNodeId,
            Problem::Empty,
        ),
        (
            Packet::Forwarded(long),
            Field::WirelessNodeId,
            Problem::TooLong,
        ),
        (
            Packet::Forwarded(nested),
            Field::Message,
            Problem::NotAllowed,
        ),
    ] {
        let error = EncodeError::Invalid(DecodeError { field, problem });
        assert_eq!(
            packet.encode(&mut [0; 70_000]),
            Err(error),
            "{:?}",
            packet.kind()
        );
    }
}

#[test]
fn an_error_can_be_read() {
    let error = Packet::decode(&[6, 4, 0, 1, 0, 10]).expect_err("no client id");
    assert_eq!(error.to_string(), "ClientId is empty");
}
