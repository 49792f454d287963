//! Whatever may be sent is read as the same; whatever is cut or damaged stops nobody.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use hearth_wire::packet::{EncodeError, Packet};
use proptest::prelude::*;

mod support;

const ROOM: usize = 1024;

fn written(packet: &Packet<'_>) -> Vec<u8> {
    let mut buffer = [0xAA; ROOM];
    let length = packet.encode(&mut buffer).expect("it may be sent");
    buffer[..length].to_vec()
}

/// What was accepted can be written, and is then read as the same.
fn survives(octets: &[u8]) {
    if let Ok(packet) = Packet::decode(octets) {
        assert_eq!(Packet::decode(&written(&packet)), Ok(packet));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_is_read_as_the_same(parts in support::parts()) {
        let packet = parts.packet();
        let octets = written(&packet);
        prop_assert_eq!(Packet::decode(&octets), Ok(packet));
    }

    #[test]
    fn a_buffer_of_just_the_length_is_enough_and_no_shorter_one(parts in support::parts()) {
        let packet = parts.packet();
        let octets = written(&packet);
        let mut exact = vec![0; octets.len()];
        prop_assert_eq!(packet.encode(&mut exact), Ok(octets.len()));
        prop_assert_eq!(&exact, &octets);
        for shorter in 0..octets.len() {
            prop_assert_eq!(packet.encode(&mut exact[..shorter]), Err(EncodeError::NoRoom));
        }
    }

    #[test]
    fn no_beginning_of_a_packet_is_a_packet(parts in support::parts()) {
        let octets = written(&parts.packet());
        for length in 0..octets.len() {
            prop_assert!(Packet::decode(&octets[..length]).is_err());
        }
    }

    #[test]
    fn any_octets_are_survived(octets: Vec<u8>) {
        survives(&octets);
    }

    #[test]
    fn bodies_of_any_octets_are_survived(kind: u8, body in prop::collection::vec(any::<u8>(), 0..40)) {
        let length = u8::try_from(body.len() + 2).expect("it is short");
        survives(&[&[length, kind], &body[..]].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_change_of_one_octet_is_survived(parts in support::parts()) {
        let mut octets = written(&parts.packet());
        for at in 0..octets.len().min(40) {
            let was = octets[at];
            for change in 1..=255_u8 {
                octets[at] = was ^ change;
                survives(&octets);
            }
            octets[at] = was;
        }
    }
}
