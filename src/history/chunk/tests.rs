//! Chunks come back as they were, in the bytes of their version, and damage is seen.

#![expect(clippy::cast_possible_truncation, reason = "of noise, which is small")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::history::column::MOST;
use crate::history::sample::any::{self, damaged, hex, noise, printed, sample};

/// The bytes of version 1. They never change: files hold them.
const FROZEN: [(&str, &str); 4] = [
    (
        "numbers",
        "0180b083c59868b6e10428000001ae03ff343333333333d33f02d02101ae03ffea51b81e85398a400009d20fc1031ef080073ce0010f78c0031e0100820109343333333333d33fcc210802020c43310cc3300cc3300c01020100567a6599",
    ),
    (
        "odd numbers",
        "0180b083c59868904e06000001ae03ff0000000000000080ff9c7500883ce4377eff343333333333d33fff9c7500883ce4377e000de8070200010040808080808080c0b58001089085d7c7c2eb03400000000000000000b81e85eb5178ca3f549485738e5c02be46e17a14ae8735c013ae47e17a546200010201009399945e",
    ),
    (
        "switches",
        "0180b083c5986880e8070009000401000ee8070203902449010102020801000801020100e41196ac",
    ),
    (
        "everything",
        "0180b083c5986880e80706090301ae03ff0000000000000080ff9c7500883ce4377eff343333333333d33fff9c7500883ce4377e04010002cc00e8800b0880bcdffbd00f8000f8fcd027dc0977412fe805bda00709000802c1b40d020402c19c0340808080808080c0b58001089085d7c7c2eb03400000000000000000b81e85eb5178ca3f549485738e5c02be46e17a14ae8735c013ae47e17a5462000202080100080205726561647908c3a020706f696e74000802010104040801c10c04080a830304000802010104080a8303defbedea1b0000fec5080902c202b82afe3c40d6",
    ),
];

const BEGIN: i64 = 1_790_000_000_000;

fn frozen_samples(name: &str) -> Vec<Sample> {
    match name {
        "numbers" => decimals(),
        "odd numbers" => odd_numbers(),
        "switches" => switches(),
        _ => everything(),
    }
}

/// One of them is none.
fn decimals() -> Vec<Sample> {
    let number = |n| 21.5 + f64::from(n % 3) / 100.0;
    let numbers = (0..40).map(|n| if n == 9 { 0.1 + 0.2 } else { number(n) });
    let times = (0..).map(|n| BEGIN + n * 1000 + n % 4);
    let both = times.zip(numbers);
    both.map(|(at, number)| sample(at, Value::Number(number)))
        .collect()
}

fn odd_numbers() -> Vec<Sample> {
    let numbers = [21.5, 21.53, -0.0, 1e300, 5e-324, 0.1 + 0.2];
    let both = (BEGIN..).step_by(1000).zip(numbers);
    both.map(|(at, number)| sample(at, Value::Number(number)))
        .collect()
}

fn switches() -> Vec<Sample> {
    let one = |n: i64| sample(BEGIN + n * n * 1000, Value::Switch(n < 4));
    (0..9).map(one).collect()
}

/// Of all kinds; from the tenth on a board counts, and the clock is another.
fn everything() -> Vec<Sample> {
    let mut samples = [odd_numbers(), switches()].concat();
    for (after, text) in [(7, "ready"), (8, "à point"), (9, "ready")] {
        samples.push(sample(BEGIN + after, Value::Text(text.to_owned())));
    }
    for (nth, sample) in (0..).zip(&mut samples).skip(9) {
        sample.clock = ClockQuality::Rtc;
        sample.origin = Some(Origin {
            boot: 0xdead_beef,
            sequence: 70_000 + nth,
        });
    }
    samples.sort_by_key(|sample| sample.at);
    samples
}

#[test]
fn the_bytes_of_version_1_stay_what_they_are() {
    for (name, frozen) in FROZEN {
        let samples = frozen_samples(name);
        let bytes = encode(&samples).unwrap();
        assert_eq!(hex(&bytes), frozen, "{name}");
        assert_eq!(decode(&bytes).unwrap(), samples, "{name}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    for (name, _) in FROZEN {
        let bytes = encode(&frozen_samples(name)).unwrap();
        for damaged in damaged(&bytes) {
            assert_eq!(decode(&damaged), Err(DecodeError::Checksum));
            assert_eq!(summary(&damaged), Err(DecodeError::Checksum));
        }
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "{name}: {cut}");
        }
        let inner = unseal(&bytes).unwrap();
        for cut in 0..inner.len() {
            let resealed = seal(inner[..cut].to_vec());
            assert!(decode(&resealed).is_err(), "{name}: {cut}");
        }
        let longer = seal([inner, &[0]].concat());
        assert!(decode(&longer).is_err(), "{name}");
    }
}

#[test]
fn a_version_to_come_is_named() {
    let bytes = encode(&frozen_samples("numbers")).unwrap();
    let mut inner = unseal(&bytes).unwrap().to_vec();
    inner[0] = 2;
    let newer = seal(inner);
    assert_eq!(decode(&newer), Err(DecodeError::Version(2)));
    let said = summary(&newer).unwrap_err().to_string();
    assert!(said.starts_with("has format version 2"), "{said}");
}

#[test]
fn what_is_no_chunk_is_refused() {
    assert_eq!(encode(&[]), Err(EncodeError::Empty));
    let backwards = [
        sample(2, Value::Switch(true)),
        sample(1, Value::Switch(true)),
    ];
    assert_eq!(encode(&backwards), Err(EncodeError::Unsorted));
    let many = vec![sample(1, Value::Number(1.0)); MOST + 1];
    assert_eq!(encode(&many), Err(EncodeError::TooMany(MOST + 1)));
    let full = encode(&many[1..]).unwrap();
    assert_eq!(summary(&full).unwrap().count(), MOST);
    assert!(full.len() < 1000);
}

#[test]
fn a_summary_tells_what_is_inside() {
    let all = summary(&encode(&frozen_samples("everything")).unwrap()).unwrap();
    assert_eq!((all.count(), all.texts), (18, 3));
    assert_eq!(all.first_at, UtcMillis(1_790_000_000_000));
    assert_eq!(all.last_at, UtcMillis(1_790_000_064_000));
    let numbers = all.numbers.unwrap();
    assert_eq!((numbers.first, numbers.bucket.last), (21.5, 0.1 + 0.2));
    assert_eq!((numbers.bucket.min, numbers.bucket.max), (-0.0, 1e300));
    assert!(numbers.bucket.min.is_sign_negative());
    let switches = all.switches.unwrap();
    assert_eq!((switches.count, switches.on), (9, 4));
    assert!(switches.first && !switches.last);
}

/// A sensor that says a noisy temperature each second; its times are those of arrival.
fn noisy_temperatures() -> Vec<Sample> {
    let mut noise = noise(3);
    let one = |second: i64| {
        let at = 1_790_000_000_000 + second * 1000 + (noise().abs() * 12.0) as i64;
        let slow = (second as f64 / 900.0).sin();
        sample(at, Value::Number(printed(21.5 + slow + noise() * 0.2, 2)))
    };
    (0..3600).map(one).collect()
}

#[test]
fn an_hour_of_noise_takes_two_bytes_a_sample() {
    let bytes = encode(&noisy_temperatures()).unwrap().len();
    assert!(bytes < 3600 * 2, "{bytes}");
}

#[test]
fn an_hour_of_on_and_off_takes_as_many_bytes_as_it_has_changes() {
    let one = |n: i64| sample(n * 1000, Value::Switch(n / 300 % 2 == 0));
    let samples: Vec<Sample> = (0..3600).map(one).collect();
    let bytes = encode(&samples).unwrap().len();
    assert!(bytes < 100, "{bytes}");
}

proptest! {
    #[test]
    fn samples_come_back(samples in any::samples(300)) {
        let bytes = encode(&samples).unwrap();
        prop_assert_eq!(summary(&bytes).unwrap(), Summary::of(&samples));
        let (times, numbers) = numbers(&bytes).unwrap();
        let expected = samples.iter().filter_map(|one| Some((one.at, one.value.as_number()?)));
        prop_assert!(times.into_iter().zip(numbers).eq(expected));
        prop_assert_eq!(decode(&bytes).unwrap(), samples);
    }

    #[test]
    fn a_flipped_bit_is_seen(samples in any::samples(100), bit: prop::sample::Index) {
        let mut bytes = encode(&samples).unwrap();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(decode(&bytes), Err(DecodeError::Checksum));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300), version in 0..3_u8) {
        prop_assert!(decode(&bytes).is_err());
        let _ = decode(&seal([&[version], &bytes[..]].concat()));
    }

    #[test]
    fn any_change_is_read_or_refused(
        samples in any::samples(60),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let bytes = encode(&samples).unwrap();
        let mut inner = unseal(&bytes).unwrap().to_vec();
        for (place, byte) in changes {
            let place = place.index(inner.len());
            inner[place] = byte;
        }
        if let Ok(samples) = decode(&seal(inner)) {
            prop_assert!(encode(&samples).is_ok());
        }
    }
}
