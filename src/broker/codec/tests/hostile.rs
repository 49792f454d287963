//! Ten thousand random and ten thousand mutated inputs: an answer to each, no
//! panic, and never more memory than the input is worth.

use bytes::BytesMut;
use proptest::prelude::*;

use super::{LIMIT, arbitrary, encoded};
use crate::broker::codec::*;

/// Decodes until nothing more comes; fails when that takes more than the input.
fn drain(bytes: &[u8], mut decoder: Decoder) -> Result<(), TestCaseError> {
    let mut buffer = BytesMut::from(bytes);
    loop {
        let before = buffer.len();
        let capacity = buffer.capacity();
        match decoder.decode(&mut buffer) {
            Ok(Some(_)) => prop_assert!(buffer.len() < before, "a packet of no bytes"),
            Ok(None) => {
                prop_assert!(buffer.capacity() <= capacity, "reserved for a promise");
                return Ok(());
            }
            Err(error) => {
                prop_assert!(error.reason.is_error());
                prop_assert!(error.to_string().len() < 400, "{}", error);
                return Ok(());
            }
        }
    }
}

fn drain_all(bytes: &[u8]) -> Result<(), TestCaseError> {
    drain(bytes, Decoder::new(LIMIT))?;
    drain(bytes, Decoder::with_version(Version::V311, LIMIT))?;
    drain(bytes, Decoder::with_version(Version::V5, LIMIT))
}

/// One way of damaging a packet.
#[derive(Clone, Debug)]
enum Damage {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Truncate(prop::sample::Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Damage::Set(at, value) => bytes[at.index(length)] = *value,
            Damage::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Damage::Insert(at, value) => bytes.insert(at.index(length), *value),
            Damage::Remove(at) => drop(bytes.remove(at.index(length))),
            Damage::Truncate(at) => bytes.truncate(at.index(length)),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, value)| Damage::Set(at, value)),
        (at(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (at(), any::<u8>()).prop_map(|(at, value)| Damage::Insert(at, value)),
        at().prop_map(Damage::Remove),
        at().prop_map(Damage::Truncate),
    ]
}

/// The bytes of a valid packet with up to four damages.
pub(super) fn damaged(version: Version) -> impl Strategy<Value = Vec<u8>> {
    let damages = prop::collection::vec(damage(), 1..5);
    (arbitrary::packet(version), damages).prop_map(move |(packet, damages)| {
        let mut bytes = encoded(&packet, version);
        for damage in damages {
            damage.apply(&mut bytes);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn random_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        drain_all(&bytes)?;
    }

    #[test]
    fn damaged_packets_get_an_answer(
        bytes in arbitrary::version().prop_flat_map(damaged),
    ) {
        drain_all(&bytes)?;
    }
}

#[test]
fn a_stranger_who_announces_256_megabytes_is_refused_at_once() {
    let mut buffer = BytesMut::from(&b"\x10\xff\xff\xff\x7f\x00"[..]);
    let capacity = buffer.capacity();
    let error = Decoder::new(4096).decode(&mut buffer).unwrap_err();
    assert_eq!(error.reason, Reason::PacketTooLarge);
    assert_eq!(buffer.capacity(), capacity);
    let text = "CONNECT: it announces 268435460 bytes; at most 4096 are taken";
    assert!(error.to_string().starts_with(text), "{error}");
}

#[test]
fn the_limit_counts_the_whole_packet() {
    let ping_of = |limit| {
        Decoder::with_version(Version::V5, limit).decode(&mut BytesMut::from(&b"\xc0\x00"[..]))
    };
    assert_eq!(ping_of(2), Ok(Some(Packet::PingReq)));
    assert_eq!(ping_of(1).unwrap_err().reason, Reason::PacketTooLarge);
}

#[test]
fn a_raised_limit_holds_from_the_next_packet_on() {
    let mut decoder = Decoder::new(20);
    let mut buffer = BytesMut::from(&b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"[..]);
    assert!(matches!(
        decoder.decode(&mut buffer),
        Ok(Some(Packet::Connect(_)))
    ));
    buffer.extend_from_slice(b"\x30\x1e\x00\x01a");
    buffer.extend_from_slice(&[b'x'; 27]);
    let refused = decoder.clone().decode(&mut buffer.clone()).unwrap_err();
    assert_eq!(refused.reason, Reason::PacketTooLarge);
    decoder.set_limit(1024);
    assert!(matches!(
        decoder.decode(&mut buffer),
        Ok(Some(Packet::Publish(_)))
    ));
}
