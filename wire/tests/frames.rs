//! Frames: their frozen octets, what is refused, and what garbage costs.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use hearth_wire::frame::{
    DEFRAMER_SIZE, DELIMITER, Deframer, FrameError, MAX_FRAME, MAX_PACKET, encode_frame,
    frame_bytes, frame_room, send_frame,
};
use proptest::prelude::*;

/// All ways to make a frame give the same one.
fn frame(packet: &[u8]) -> Vec<u8> {
    let octets: Vec<u8> = frame_bytes(packet).collect();
    let mut sent = Vec::new();
    send_frame(packet, |octet| sent.push(octet));
    let expected = if packet.len() <= MAX_PACKET {
        &octets[..]
    } else {
        &[]
    };
    assert_eq!(sent, expected);
    octets
}

/// Everything that comes out of a deframer.
fn outcomes<const N: usize>(octets: &[u8]) -> Vec<Result<Vec<u8>, FrameError>> {
    let mut deframer = Deframer::<N>::new();
    let push = |&octet: &u8| {
        deframer
            .push(octet)
            .map(|packet| packet.map(<[u8]>::to_vec))
    };
    octets
        .iter()
        .map(push)
        .filter_map(Result::transpose)
        .collect()
}

fn packets(octets: &[u8]) -> Vec<Vec<u8>> {
    outcomes::<DEFRAMER_SIZE>(octets)
        .into_iter()
        .flatten()
        .collect()
}

/// PINGRESP, PUBLISH with zeros at every place that matters, the longest one without
/// zeros, and one of zeros alone.
fn samples() -> Vec<Vec<u8>> {
    let longest = (0..128).map(|n| n as u8 | 1).collect();
    vec![
        vec![2, 0x17],
        vec![0x0B, 0x0C, 0, 3, 4, 0, 0, b'2', b'1', b'.', b'5'],
        vec![0, 0x0C, 0, 0, 0],
        longest,
        vec![0; 60],
    ]
}

#[test]
fn frozen_octets() {
    // The checksums by long division: 0x58C9 of 02 17, 0xF078 of one zero.
    assert_eq!(frame(&[2, 0x17]), [0x05, 0x02, 0x17, 0xC9, 0x58, 0x00]);
    assert_eq!(frame(&[0]), [0x01, 0x03, 0x78, 0xF0, 0x00]);
    // 0x906E is the catalogue's check value of CRC-16/X-25.
    assert_eq!(frame(b"123456789"), b"\x0C123456789\x6E\x90\x00");
}

#[test]
fn runs_around_254_octets_come_back() {
    for length in (240..270).chain(500..520) {
        for zero in [None, Some(0), Some(252), Some(253), Some(254), Some(255)] {
            let mut packet = vec![7; length];
            if let Some(octet) = zero.and_then(|at: usize| packet.get_mut(at)) {
                *octet = 0;
            }
            let framed = frame(&packet);
            assert!(framed.len() <= frame_room(length), "{length}");
            assert_eq!(
                framed.iter().filter(|&&octet| octet == DELIMITER).count(),
                1
            );
            assert_eq!(outcomes::<1000>(&framed), [Ok(packet)]);
        }
    }
}

#[test]
fn the_longest_packet_fits_and_one_more_octet_does_not() {
    let longest = frame(&[0xAB; MAX_PACKET]);
    assert!(longest.len() <= MAX_FRAME);
    assert_eq!(packets(&longest), [[0xAB; MAX_PACKET]]);
    let longer = frame(&[0xAB; MAX_PACKET + 1]);
    assert_eq!(
        outcomes::<DEFRAMER_SIZE>(&longer),
        [Err(FrameError::TooLong)]
    );
}

#[test]
fn every_flip_of_one_bit_is_refused() {
    for sample in samples() {
        let framed = frame(&sample);
        for bit in 0..framed.len() * 8 {
            let mut damaged = framed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // What was not ended is ended by the next sender.
            damaged.push(DELIMITER);
            assert_eq!(packets(&damaged), [[0; 0]; 0], "bit {bit} of {framed:02x?}");
        }
    }
}

#[test]
fn every_truncation_is_refused_at_either_end() {
    for sample in samples() {
        let framed = frame(&sample);
        for length in 0..framed.len() - 1 {
            let mut begun = framed[..length].to_vec();
            begun.push(DELIMITER);
            assert_eq!(
                packets(&begun),
                [[0; 0]; 0],
                "{length} octets of {framed:02x?}"
            );
            let ended = &framed[length + 1..];
            assert_eq!(
                packets(ended),
                [[0; 0]; 0],
                "without {length} octets: {framed:02x?}"
            );
        }
    }
}

#[test]
fn empty_frames_are_nothing_and_frames_without_a_packet_are_refused() {
    assert_eq!(outcomes::<DEFRAMER_SIZE>(&[0, 0, 0]), []);
    for octets in [
        &[1, 0][..],
        &[1, 1, 0],
        &[2, 9, 0],
        &[1, 1, 1, 0],
        &frame(&[]),
    ] {
        assert_eq!(
            outcomes::<DEFRAMER_SIZE>(octets),
            [Err(FrameError::Checksum)]
        );
    }
    assert_eq!(
        outcomes::<DEFRAMER_SIZE>(&[5, 1, 2, 0]),
        [Err(FrameError::Cobs)]
    );
}

#[test]
fn what_is_too_long_is_said_once() {
    let mut octets = vec![0xFF; 10_000];
    octets.push(DELIMITER);
    octets.extend(frame(&[2, 0x17]));
    let expected = [Err(FrameError::TooLong), Ok(vec![2, 0x17])];
    assert_eq!(outcomes::<DEFRAMER_SIZE>(&octets), expected);
}

#[test]
fn a_buffer_of_just_the_length_is_enough_and_no_shorter_one() {
    for sample in samples() {
        let framed = frame(&sample);
        let mut exact = vec![0; framed.len()];
        assert_eq!(encode_frame(&sample, &mut exact), Some(framed.len()));
        assert_eq!(exact, framed);
        let short = framed.len() - 1;
        assert_eq!(encode_frame(&sample, &mut exact[..short]), None);
    }
}

proptest! {
    #[test]
    fn what_is_framed_comes_back(packet in prop::collection::vec(any::<u8>(), 1..=MAX_PACKET)) {
        let framed = frame(&packet);
        prop_assert!(framed.len() <= frame_room(packet.len()));
        prop_assert_eq!(outcomes::<DEFRAMER_SIZE>(&framed), [Ok(packet)]);
    }

    #[test]
    fn packets_of_many_zeros_come_back(packet in prop::collection::vec(0..2_u8, 1..=MAX_PACKET)) {
        prop_assert_eq!(outcomes::<DEFRAMER_SIZE>(&frame(&packet)), [Ok(packet)]);
    }

    #[test]
    fn a_frame_behind_any_garbage_is_found(
        garbage in prop::collection::vec(prop::num::u8::ANY, 0..600),
        packet in prop::collection::vec(any::<u8>(), 1..=MAX_PACKET),
    ) {
        let line = [&garbage[..], &[DELIMITER], &frame(&packet)].concat();
        prop_assert_eq!(packets(&line).pop(), Some(packet));
    }

    #[test]
    fn the_second_frame_behind_any_garbage_is_found_without_a_zero_in_front(
        garbage in prop::collection::vec(prop::num::u8::ANY, 0..600),
        packet in prop::collection::vec(any::<u8>(), 1..=MAX_PACKET),
    ) {
        let line = [&garbage[..], &frame(&[2, 0x17]), &frame(&packet)].concat();
        prop_assert_eq!(packets(&line).pop(), Some(packet));
    }
}
