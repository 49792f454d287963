//! Buckets add up whichever way they are put together, and come back as they were.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::history::column::{DecodeError, EncodeError, seal, unseal};
use crate::history::sample::any::{self, damaged, hex, noise, printed};

/// The bytes of version 1. They never change: files hold them.
const FROZEN: [(&str, &str); 2] = [
    (
        "decimals",
        "010002d0e1b91c0802000608010002fe210cce86060200640ccb87060200000000010295010cb287060100458da68c",
    ),
    (
        "odd",
        "010002d0e1b91c08020006080100ff40ffffffffffffffffff010c81808080808080808001020040b8d68380918ff2b7fc010c9ceb81c0c887f98d3e010040e8cc99b3e6cc99d37f0ccc99b3e6cc99b3240200010d40b8d68380918ff2b7fc010c9ceb81c0c887f98d3e0100561d82df",
    ),
];

const HOUR: i64 = 3_600_000;
/// The begin of an hour.
const BEGIN: i64 = 497_222 * HOUR;

fn frozen_numbers(name: &str) -> Vec<(UtcMillis, f64)> {
    let times = (0..).map(|n| UtcMillis(BEGIN + n * 25_000));
    match name {
        "decimals" => times.zip([21.5, 21.25, 21.75, 20.0, 1013.25]).collect(),
        _ => times.zip([1e300, -0.0, 0.1 + 0.2, 5e-324, 7.0]).collect(),
    }
}

/// A day of a sensor that says a noisy temperature each second.
fn day() -> Vec<Rolled> {
    let mut noise = noise(5);
    let one = |second: i64| {
        let slow = (second as f64 / 14_000.0).sin() * 3.0;
        let number = printed(21.5 + slow + noise() * 0.1, 2);
        (UtcMillis(BEGIN + second * 1000), number)
    };
    roll(Period::Minute, (0..86_400).map(one))
}

fn bucket_of(numbers: &[f64]) -> Bucket {
    let buckets = numbers.iter().map(|number| Bucket::of(*number));
    buckets.reduce(Bucket::then).unwrap()
}

#[test]
fn the_bytes_of_version_1_stay_what_they_are() {
    for (name, frozen) in FROZEN {
        let rolled = roll(Period::Minute, frozen_numbers(name));
        let bytes = encode(Period::Minute, &rolled).unwrap();
        assert_eq!(hex(&bytes), frozen, "{name}");
        assert_eq!(decode(&bytes).unwrap(), (Period::Minute, rolled), "{name}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    for (name, _) in FROZEN {
        let rolled = roll(Period::Hour, frozen_numbers(name));
        let bytes = encode(Period::Hour, &rolled).unwrap();
        for damaged in damaged(&bytes) {
            assert_eq!(decode(&damaged), Err(DecodeError::Checksum));
        }
        let inner = unseal(&bytes).unwrap();
        for cut in 0..inner.len() {
            assert!(decode(&bytes[..cut]).is_err(), "{name}: {cut}");
            assert!(
                decode(&seal(inner[..cut].to_vec())).is_err(),
                "{name}: {cut}"
            );
        }
        let newer = seal([&[2], &inner[1..]].concat());
        assert_eq!(decode(&newer), Err(DecodeError::Version(2)));
    }
}

#[test]
fn periods_begin_at_whole_minutes_and_hours_of_utc() {
    let minutes = roll(Period::Minute, frozen_numbers("decimals"));
    let begins: Vec<i64> = minutes.iter().map(|one| one.start.0 - BEGIN).collect();
    assert_eq!(begins, [0, 60_000]);
    assert_eq!(minutes[0].bucket.count, 3);
    assert_eq!(minutes[0].bucket.mean(), 21.5);
    assert_eq!(Period::Hour.start(UtcMillis(-1)), UtcMillis(-HOUR));
    assert_eq!(
        Period::Minute.start(UtcMillis(i64::MIN)),
        UtcMillis(i64::MIN)
    );
}

#[test]
fn sums_of_decimals_do_not_drift() {
    let tenths = bucket_of(&[0.1; 86_400]);
    assert_eq!(tenths.mean(), 0.1);
    let exact = Sum::Exact {
        integer: 86_400,
        decimals: 1,
    };
    assert_eq!(tenths.sum, exact);
}

#[test]
fn sums_never_become_infinite() {
    let huge = bucket_of(&[f64::MAX, f64::MAX, f64::MIN]);
    assert!(huge.is_sound() && huge.mean().is_finite());
    let twice = huge.then(huge);
    assert!(twice.is_sound() && twice.mean().is_finite());
}

#[test]
fn a_day_of_minutes_takes_some_six_kilobytes() {
    let day = day();
    assert_eq!(day.len(), 1440);
    let bytes = encode(Period::Minute, &day).unwrap().len();
    assert!(bytes < 1440 * 4, "{bytes}");
    let hours = coarser(Period::Hour, &day);
    assert_eq!(hours.len(), 24);
    let whole = together(&hours).unwrap();
    assert_eq!(whole.count, 86_400);
    assert_eq!(Some(whole), together(&day));
}

#[test]
fn what_are_no_buckets_is_refused() {
    let one = day()[0];
    let none = Rolled {
        bucket: Bucket {
            count: 0,
            ..one.bucket
        },
        ..one
    };
    let between = Rolled {
        start: UtcMillis(one.start.0 + 1),
        ..one
    };
    let refused = |rolled: &[Rolled]| encode(Period::Minute, rolled).unwrap_err();
    assert_eq!(refused(&[]), EncodeError::Empty);
    assert_eq!(refused(&[one, one]), EncodeError::Unsorted);
    assert_eq!(refused(&[between]), EncodeError::Unsorted);
    assert_eq!(refused(&[none]), EncodeError::NotFinite);
    assert_eq!(together(&[]), None);
}

/// What does not depend on how a sum was rounded.
fn exact(bucket: Bucket) -> (u64, [u64; 3]) {
    let numbers = [bucket.min, bucket.max, bucket.last];
    (bucket.count, numbers.map(f64::to_bits))
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    vec(any::number(), 1..20)
}

fn timed() -> impl Strategy<Value = Vec<(UtcMillis, f64)>> {
    let one = (0..20 * HOUR, any::number());
    vec(one, 1..200).prop_map(|mut all| {
        all.sort_by_key(|(at, _)| *at);
        let all = all.into_iter();
        all.map(|(at, number)| (UtcMillis(BEGIN + at), number))
            .collect()
    })
}

proptest! {
    #[test]
    fn it_does_not_matter_who_is_put_together_first(
        a in numbers(), b in numbers(), c in numbers(),
    ) {
        let whole = bucket_of(&[&a[..], &b, &c].concat());
        let [a, b, c] = [a, b, c].map(|numbers| bucket_of(&numbers));
        let left = a.then(b).then(c);
        let right = a.then(b.then(c));
        prop_assert_eq!(exact(left), exact(right));
        prop_assert_eq!(exact(left), exact(whole));
        prop_assert!(left.is_sound() && left.mean() >= left.min && left.mean() <= left.max);
    }

    #[test]
    fn sums_of_decimals_are_exact_whichever_way(
        all in vec((-1_000_000..1_000_000_i64, 0..=6_i32), 3..60), cut: prop::sample::Index,
    ) {
        let numbers: Vec<f64> = all.iter().map(|(n, d)| *n as f64 / 10_f64.powi(*d)).collect();
        let cut = 1 + cut.index(numbers.len() - 1);
        let parts = bucket_of(&numbers[..cut]).then(bucket_of(&numbers[cut..]));
        prop_assert_eq!(parts, bucket_of(&numbers));
        let is_exact = matches!(parts.sum, Sum::Exact { .. });
        prop_assert!(is_exact);
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        prop_assert!((parts.mean() - mean).abs() <= mean.abs() * 1e-12 + 1e-6);
    }

    #[test]
    fn hours_of_minutes_are_hours(timed in timed()) {
        let minutes = roll(Period::Minute, timed.iter().copied());
        let hours = coarser(Period::Hour, &minutes);
        let direct = roll(Period::Hour, timed);
        prop_assert_eq!(hours.len(), direct.len());
        for (one, other) in hours.iter().zip(&direct) {
            prop_assert_eq!(one.start, other.start);
            prop_assert_eq!(exact(one.bucket), exact(other.bucket));
        }
    }

    #[test]
    fn buckets_come_back(timed in timed(), hours: bool) {
        let period = if hours { Period::Hour } else { Period::Minute };
        let rolled = roll(period, timed);
        let bytes = encode(period, &rolled).unwrap();
        let (read, back) = decode(&bytes).unwrap();
        prop_assert_eq!(read, period);
        for (one, other) in back.iter().zip(&rolled) {
            prop_assert_eq!(exact(one.bucket), exact(other.bucket));
        }
        prop_assert_eq!(back, rolled);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(&bytes).is_err());
        if let Ok((period, rolled)) = decode(&seal([&[1, 0], &bytes[..]].concat())) {
            prop_assert!(encode(period, &rolled).is_ok());
        }
    }

    #[test]
    fn any_change_is_read_or_refused(
        timed in timed(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let bytes = encode(Period::Minute, &roll(Period::Minute, timed)).unwrap();
        let mut inner = unseal(&bytes).unwrap().to_vec();
        for (place, byte) in changes {
            let place = place.index(inner.len());
            inner[place] = byte;
        }
        if let Ok((period, rolled)) = decode(&seal(inner)) {
            prop_assert!(rolled.iter().all(|one| one.bucket.mean().is_finite()));
            prop_assert!(encode(period, &rolled).is_ok());
        }
    }
}
