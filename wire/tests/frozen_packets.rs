//! The octets of every message, laid out by hand from the tables of the standard: what
//! was released once must be read and written like this for ever.

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
    Connect, Forwarded, Packet, PubAck, Publish, Qos, RegAck, Register, ReturnCode, SubAck,
    Subscribe, Topic, TopicId, Unsubscribe, Will,
};

fn frozen(packet: Packet<'_>, octets: &[u8]) {
    let mut buffer = [0xAA; 512];
    let length = packet.encode(&mut buffer).expect("it can be written");
    assert_eq!(&buffer[..length], octets, "{packet:?}");
    assert_eq!(Packet::decode(octets), Ok(packet));
}

#[test]
fn advertise_5_4_1() {
    let packet = Packet::Advertise {
        gw_id: 7,
        duration: 900,
    };
    frozen(packet, &[5, 0x00, 7, 0x03, 0x84]);
}

#[test]
fn searchgw_5_4_2() {
    frozen(Packet::SearchGw { radius: 1 }, &[3, 0x01, 1]);
}

#[test]
fn gwinfo_5_4_3() {
    frozen(
        Packet::GwInfo {
            gw_id: 7,
            address: &[],
        },
        &[3, 0x02, 7],
    );
    let of_a_client = Packet::GwInfo {
        gw_id: 7,
        address: &[192, 168, 1, 2],
    };
    frozen(of_a_client, &[7, 0x02, 7, 192, 168, 1, 2]);
}

#[test]
fn connect_5_4_4() {
    let plain = Connect {
        will: false,
        clean_session: false,
        duration: 10,
        client_id: "uno-1".into(),
    };
    frozen(Packet::Connect(plain), b"\x0B\x04\x00\x01\x00\x0Auno-1");
    let other = Connect {
        will: true,
        clean_session: true,
        duration: 0x1234,
        client_id: "é".into(),
    };
    frozen(Packet::Connect(other), b"\x08\x04\x0C\x01\x12\x34\xC3\xA9");
}

#[test]
fn connack_5_4_5() {
    frozen(Packet::ConnAck(ReturnCode::Accepted), &[3, 0x05, 0]);
    frozen(Packet::ConnAck(ReturnCode::Congestion), &[3, 0x05, 1]);
    frozen(Packet::ConnAck(ReturnCode::InvalidTopicId), &[3, 0x05, 2]);
    frozen(Packet::ConnAck(ReturnCode::NotSupported), &[3, 0x05, 3]);
}

#[test]
fn willtopicreq_5_4_6() {
    frozen(Packet::WillTopicReq, &[2, 0x06]);
}

#[test]
fn willtopic_5_4_7() {
    let will = Will {
        qos: Qos::AtLeastOnce,
        retain: true,
        topic: "w/t".into(),
    };
    frozen(Packet::WillTopic(Some(will)), b"\x06\x07\x30w/t");
    frozen(Packet::WillTopic(None), &[2, 0x07]);
}

#[test]
fn willmsgreq_5_4_8() {
    frozen(Packet::WillMsgReq, &[2, 0x08]);
}

#[test]
fn willmsg_5_4_9() {
    frozen(Packet::WillMsg(b"gone"), b"\x06\x09gone");
    frozen(Packet::WillMsg(b""), &[2, 0x09]);
}

#[test]
fn register_5_4_10() {
    let register = Register {
        topic_id: 0,
        msg_id: 0x0102,
        name: "a/b".into(),
    };
    frozen(Packet::Register(register), b"\x09\x0A\x00\x00\x01\x02a/b");
}

#[test]
fn regack_5_4_11() {
    let ack = RegAck {
        topic_id: 0x0304,
        msg_id: 0x0102,
        code: ReturnCode::Accepted,
    };
    frozen(Packet::RegAck(ack), &[7, 0x0B, 3, 4, 1, 2, 0]);
}

#[test]
fn publish_5_4_12() {
    let first = Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: TopicId::Normal(0x0304),
        msg_id: 0,
        data: b"21.5",
    };
    frozen(Packet::Publish(first), b"\x0B\x0C\x00\x03\x04\x00\x0021.5");
    let at_least_once = Publish {
        dup: true,
        qos: Qos::AtLeastOnce,
        msg_id: 9,
        ..first
    };
    let at_least_once = Publish {
        topic: TopicId::Predefined(0x0101),
        ..at_least_once
    };
    frozen(
        Packet::Publish(at_least_once),
        b"\x0B\x0C\xA1\x01\x01\x00\x0921.5",
    );
    let exactly_once = Publish {
        qos: Qos::ExactlyOnce,
        retain: true,
        msg_id: 0x1001,
        ..first
    };
    frozen(
        Packet::Publish(exactly_once),
        b"\x0B\x0C\x50\x03\x04\x10\x0121.5",
    );
    let short = TopicId::Short(*b"gt");
    let unconnected = Publish {
        qos: Qos::WithoutConnection,
        topic: short,
        data: b"",
        ..first
    };
    frozen(Packet::Publish(unconnected), b"\x07\x0C\x62gt\x00\x00");
}

#[test]
fn puback_5_4_13() {
    let ack = PubAck {
        topic_id: 0x0304,
        msg_id: 9,
        code: ReturnCode::InvalidTopicId,
    };
    frozen(Packet::PubAck(ack), &[7, 0x0D, 3, 4, 0, 9, 2]);
}

#[test]
fn pubrec_pubrel_pubcomp_5_4_14() {
    frozen(Packet::PubRec(0x1001), &[4, 0x0F, 0x10, 0x01]);
    frozen(Packet::PubRel(0x1001), &[4, 0x10, 0x10, 0x01]);
    frozen(Packet::PubComp(0x1001), &[4, 0x0E, 0x10, 0x01]);
}

#[test]
fn subscribe_5_4_15() {
    let name = Subscribe {
        dup: false,
        qos: Qos::ExactlyOnce,
        msg_id: 5,
        topic: Topic::Name("a/#".into()),
    };
    frozen(Packet::Subscribe(name), b"\x08\x12\x40\x00\x05a/#");
    let predefined = Subscribe {
        dup: true,
        qos: Qos::AtLeastOnce,
        topic: Topic::Predefined(0x0200),
        ..name
    };
    frozen(
        Packet::Subscribe(predefined),
        &[7, 0x12, 0xA1, 0, 5, 0x02, 0x00],
    );
    let short = Subscribe {
        qos: Qos::AtMostOnce,
        topic: Topic::Short(*b"gt"),
        ..name
    };
    frozen(Packet::Subscribe(short), b"\x07\x12\x02\x00\x05gt");
}

#[test]
fn suback_5_4_16() {
    let ack = SubAck {
        qos: Qos::AtLeastOnce,
        topic_id: 0x0304,
        msg_id: 5,
        code: ReturnCode::Accepted,
    };
    frozen(Packet::SubAck(ack), &[8, 0x13, 0x20, 3, 4, 0, 5, 0]);
}

#[test]
fn unsubscribe_5_4_17() {
    let name = Unsubscribe {
        msg_id: 6,
        topic: Topic::Name("a/#".into()),
    };
    frozen(Packet::Unsubscribe(name), b"\x08\x14\x00\x00\x06a/#");
    let predefined = Unsubscribe {
        msg_id: 6,
        topic: Topic::Predefined(0x0200),
    };
    frozen(Packet::Unsubscribe(predefined), &[7, 0x14, 1, 0, 6, 2, 0]);
    let short = Unsubscribe {
        msg_id: 6,
        topic: Topic::Short(*b"gt"),
    };
    frozen(Packet::Unsubscribe(short), b"\x07\x14\x02\x00\x06gt");
}

#[test]
fn unsuback_5_4_18() {
    frozen(Packet::UnsubAck(6), &[4, 0x15, 0, 6]);
}

#[test]
fn pingreq_5_4_19() {
    frozen(Packet::PingReq(None), &[2, 0x16]);
    frozen(Packet::PingReq(Some("uno-1".into())), b"\x07\x16uno-1");
}

#[test]
fn pingresp_5_4_20() {
    frozen(Packet::PingResp, &[2, 0x17]);
}

#[test]
fn disconnect_5_4_21() {
    frozen(Packet::Disconnect(None), &[2, 0x18]);
    frozen(Packet::Disconnect(Some(3600)), &[4, 0x18, 0x0E, 0x10]);
}

#[test]
fn willtopicupd_5_4_22() {
    let will = Will {
        qos: Qos::ExactlyOnce,
        retain: false,
        topic: "w".into(),
    };
    frozen(Packet::WillTopicUpd(Some(will)), b"\x04\x1A\x40w");
    frozen(Packet::WillTopicUpd(None), &[2, 0x1A]);
}

#[test]
fn willmsgupd_5_4_23() {
    frozen(Packet::WillMsgUpd(b"bye"), b"\x05\x1Cbye");
}

#[test]
fn willtopicresp_5_4_24() {
    frozen(Packet::WillTopicResp(ReturnCode::Accepted), &[3, 0x1B, 0]);
}

#[test]
fn willmsgresp_5_4_25() {
    frozen(Packet::WillMsgResp(ReturnCode::NotSupported), &[3, 0x1D, 3]);
}

#[test]
fn forwarder_encapsulation_5_5() {
    let forwarded = Forwarded {
        radius: 2,
        node: &[0x12, 0x34],
        message: &[2, 0x17],
    };
    frozen(
        Packet::Forwarded(forwarded),
        &[5, 0xFE, 2, 0x12, 0x34, 2, 0x17],
    );
    assert_eq!(forwarded.packet(), Ok(Packet::PingResp));
}

#[test]
fn the_long_form_begins_at_256_octets_5_2_1() {
    let mut longest_short = vec![255, 0x09];
    longest_short.resize(255, b'x');
    frozen(Packet::WillMsg(&longest_short[2..]), &longest_short);
    // 254 octets of body: 256 with the short header, so 258 with the long one.
    let mut shortest_long = vec![1, 0x01, 0x02, 0x09];
    shortest_long.resize(258, b'x');
    frozen(Packet::WillMsg(&shortest_long[4..]), &shortest_long);
}
