//! What is encoded is decoded as it was, sized as announced, and not before all of
//! it is there.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{LIMIT, arbitrary, encoded};
use crate::broker::codec::*;

fn any_packet() -> impl Strategy<Value = (Version, Packet)> {
    arbitrary::version()
        .prop_flat_map(|version| arbitrary::packet(version).prop_map(move |it| (version, it)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_packet_comes_back_as_it_was((version, packet) in any_packet()) {
        let mut buffer = BytesMut::new();
        encode(&packet, version, &mut buffer);
        prop_assert_eq!(buffer.len(), encoded_len(&packet, version));
        let mut decoder = Decoder::with_version(version, LIMIT);
        prop_assert_eq!(decoder.decode(&mut buffer), Ok(Some(packet)));
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn a_packet_waits_for_its_last_byte((version, packet) in any_packet()) {
        let bytes = encoded(&packet, version);
        let mut decoder = Decoder::with_version(version, LIMIT);
        for end in 0..bytes.len() {
            let mut part = BytesMut::from(&bytes[..end]);
            prop_assert_eq!(decoder.decode(&mut part), Ok(None), "{} of {}", end, bytes.len());
            prop_assert_eq!(part.len(), end, "a part is left where it was");
        }
    }

    #[test]
    fn packets_in_a_row_come_one_by_one(
        packets in prop::collection::vec(arbitrary::packet(Version::V5), 1..6),
    ) {
        let mut buffer = BytesMut::new();
        for packet in &packets {
            encode(packet, Version::V5, &mut buffer);
        }
        let mut decoder = Decoder::with_version(Version::V5, LIMIT);
        for packet in packets {
            prop_assert_eq!(decoder.decode(&mut buffer), Ok(Some(packet)));
        }
        prop_assert_eq!(decoder.decode(&mut buffer), Ok(None));
    }

    #[test]
    fn what_3_1_1_cannot_say_is_left_out(packet in arbitrary::packet(Version::V5)) {
        prop_assume!(!matches!(packet, Packet::Connect(_)));
        prop_assume!(!matches!(&packet, Packet::Publish(it) if it.topic.is_empty()));
        let bytes = encoded(&packet, Version::V311);
        prop_assert_eq!(bytes.len(), encoded_len(&packet, Version::V311));
        match super::decode(&bytes, Version::V311) {
            Ok(Some(_)) => {}
            Ok(None) => prop_assert!(matches!(packet, Packet::Auth(_))),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

fn publish(payload: Vec<u8>) -> Packet {
    Packet::Publish(Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: "home/hall/light".into(),
        packet_id: None,
        payload: payload.into(),
        topic_alias: None,
        subscription_ids: Vec::new(),
        properties: PublishProperties::default(),
    })
}

fn decoded_payload(buffer: &mut BytesMut) -> Bytes {
    let mut decoder = Decoder::with_version(Version::V5, LIMIT);
    match decoder.decode(buffer) {
        Ok(Some(Packet::Publish(publish))) => publish.payload,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_small_payload_lets_go_of_the_read_buffer_and_a_large_one_is_not_copied() {
    for (size, shared) in [(100, false), (100_000, true)] {
        let mut buffer = BytesMut::with_capacity(LIMIT);
        encode(&publish(vec![7; size]), Version::V5, &mut buffer);
        let held = buffer.as_ptr_range();
        let payload = decoded_payload(&mut buffer);
        assert_eq!(held.contains(&payload.as_ptr()), shared, "{size} bytes");
    }
}

#[test]
fn text_too_long_for_its_length_field_is_cut_and_the_packet_stays_whole() {
    let long = "é".repeat(40_000);
    let packet = Packet::PubAck(Ack {
        packet_id: super::id(1),
        reason: Reason::QuotaExceeded,
        reason_string: Some(long.clone()),
    });
    let bytes = encoded(&packet, Version::V5);
    match super::decode(&bytes, Version::V5) {
        Ok(Some(Packet::PubAck(ack))) => assert_eq!(ack.reason_string, Some(long[..65_534].into())),
        other => panic!("{other:?}"),
    }
}
