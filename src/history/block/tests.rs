//! Blocks come back as they were, in the bytes of their version, and damage is seen.

#![expect(clippy::cast_possible_truncation, reason = "of noise, which is small")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::history::sample::any::{self, damaged, hex, noise, printed};

/// The bytes of version 1. They never change: files hold them.
const FROZEN: &str = "01017369787465656e206279746573202e2efbdddb01a0cc84c598680c030e08fa0d0b00bc1b0001c1f407069f9c01092aca00906f00c83700e41b00f20d0000005213a41e00006ed6b74c0a0300080201010c0c0501000afeffffff1f0300090200140c09010002cc21090200029aaf0c0000010101066a616d6d656400e07de2c6";

const HEADER: Header = Header {
    boot: *b"sixteen bytes ..",
    now: Now {
        moment: Moment(3_600_123),
        utc: UtcMillis(1_790_000_010_000),
    },
    clock: ClockQuality::Rtc,
};

fn entry(series: u32, at: i64, value: Value) -> Entry {
    Entry {
        series,
        at: UtcMillis(at),
        value,
        origin: None,
    }
}

/// Two sensors and a switch; one reading is late, one board counts.
fn frozen_entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    for second in 0..5 {
        let at = 1_790_000_000_000 + second * 1000;
        let warmer = second as f64 / 100.0;
        entries.push(entry(7, at, Value::Number(printed(21.5 + warmer, 2))));
        entries.push(entry(900, at + 21, Value::Number(1013.25)));
    }
    let late = 1_789_999_000_000;
    entries.push(entry(12, late, Value::Switch(true)));
    entries.push(entry(
        12,
        late + 86_400_000,
        Value::Text("jammed".to_owned()),
    ));
    entries[3].origin = Some(Origin {
        boot: 5,
        sequence: u32::MAX,
    });
    entries
}

#[test]
fn the_bytes_of_version_1_stay_what_they_are() {
    let bytes = encode(&HEADER, &frozen_entries()).unwrap();
    assert_eq!(hex(&bytes), FROZEN);
    assert_eq!(decode(&bytes).unwrap(), (HEADER, frozen_entries()));
    assert_eq!(header(&bytes).unwrap(), HEADER);
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    let bytes = encode(&HEADER, &frozen_entries()).unwrap();
    for damaged in damaged(&bytes) {
        assert_eq!(decode(&damaged), Err(DecodeError::Checksum));
        assert_eq!(header(&damaged), Err(DecodeError::Checksum));
    }
    let inner = unseal(&bytes).unwrap();
    for cut in 0..inner.len() {
        assert!(decode(&bytes[..cut]).is_err(), "{cut}");
        assert!(decode(&seal(inner[..cut].to_vec())).is_err(), "{cut}");
    }
    assert!(decode(&seal([inner, &[0]].concat())).is_err());
}

#[test]
fn a_version_to_come_is_named() {
    let bytes = encode(&HEADER, &frozen_entries()).unwrap();
    let mut inner = unseal(&bytes).unwrap().to_vec();
    inner[0] = 9;
    assert_eq!(decode(&seal(inner)), Err(DecodeError::Version(9)));
}

#[test]
fn nothing_is_no_block() {
    assert_eq!(encode(&HEADER, &[]), Err(EncodeError::Empty));
    let endless = entry(1, 0, Value::Number(f64::INFINITY));
    assert_eq!(encode(&HEADER, &[endless]), Err(EncodeError::NotFinite));
}

/// Twenty sensors that walk, each at its own moment of each second.
fn walk(per_second: i64) -> Vec<Entry> {
    let mut noise = noise(4);
    let mut degrees = [21.5; 20];
    let mut entries = Vec::new();
    for turn in 0..10 * per_second {
        let at = 1_790_000_000_000 + turn * 1000 / per_second;
        for (series, degrees) in (1..).zip(&mut degrees) {
            *degrees += noise() * 0.05;
            let late = (noise().abs() * 30.0) as i64;
            let at = at + i64::from(series) * 40 / per_second + late;
            let value = Value::Number(printed(*degrees, 2));
            entries.push(entry(series, at, value));
        }
    }
    entries.sort_by_key(|entry| entry.at);
    entries
}

#[test]
fn a_sample_of_a_walk_takes_some_two_bytes() {
    let entries = walk(1);
    let bytes = encode(&HEADER, &entries).unwrap().len();
    assert!(bytes < entries.len() * 5 / 2, "{bytes}");
    let entries = walk(20);
    let bytes = encode(&HEADER, &entries).unwrap().len();
    assert!(bytes < entries.len() * 2, "{bytes}");
}

fn entries(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    let series = prop_oneof![4 => 0..6_u32, 1 => any::<u32>()];
    let at = prop_oneof![
        4 => (-60_000..60_000_i64).prop_map(|after| 1_790_000_010_000 + after),
        1 => any::<i64>(),
    ];
    let one = (series, at, any::value(), any::origin());
    let one = one.prop_map(|(series, at, value, origin)| Entry {
        series,
        at: UtcMillis(at),
        value,
        origin,
    });
    vec(one, 1..=most)
}

fn headers() -> impl Strategy<Value = Header> {
    let header = (any::<[u8; 16]>(), any::<u64>(), any::<i64>(), any::clock());
    header.prop_map(|(boot, moment, utc, clock)| Header {
        boot,
        now: Now {
            moment: Moment(moment),
            utc: UtcMillis(utc),
        },
        clock,
    })
}

proptest! {
    #[test]
    fn entries_come_back_in_their_order(header in headers(), entries in entries(200)) {
        let bytes = encode(&header, &entries).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), (header, entries));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(decode(&bytes).is_err());
        let begun = [&[VERSION, 2], &[0; 16][..], &bytes].concat();
        let _ = decode(&seal(begun));
    }

    #[test]
    fn any_change_is_read_or_refused(
        entries in entries(60),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let bytes = encode(&HEADER, &entries).unwrap();
        let mut inner = unseal(&bytes).unwrap().to_vec();
        for (place, byte) in changes {
            let place = place.index(inner.len());
            inner[place] = byte;
        }
        if let Ok((header, entries)) = decode(&seal(inner)) {
            prop_assert!(encode(&header, &entries).is_ok());
        }
    }
}
