//! Samples as houses have them, and as they should not have them.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Origin, Sample};
use crate::clock::{ClockQuality, UtcMillis};
use crate::home::Value;

/// A number at a time, counted by nobody.
pub fn sample(at: i64, value: Value) -> Sample {
    Sample {
        at: UtcMillis(at),
        value,
        origin: None,
        clock: ClockQuality::Synchronised,
    }
}

/// Any finite number; most are short decimals.
pub fn number() -> impl Strategy<Value = f64> {
    let decimal = (-100_000_i64..100_000, 0..5_i32);
    let decimal = decimal.prop_map(|(integer, decimals)| integer as f64 / 10_f64.powi(decimals));
    let odd = prop::sample::select(vec![
        0.0,
        -0.0,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        0.1 + 0.2,
        1e15,
        1e16,
        9_007_199_254_740_993.0,
    ]);
    let bits = any::<u64>().prop_map(f64::from_bits);
    let finite = bits.prop_filter("finite", |number| number.is_finite());
    prop_oneof![6 => decimal, 1 => odd, 1 => finite]
}

/// Any value that is kept.
pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => number().prop_map(Value::Number),
        2 => any::<bool>().prop_map(Value::Switch),
        1 => "[a-z]{0,3}".prop_map(Value::Text),
        1 => "\\PC{0,64}".prop_map(Value::Text),
    ]
}

pub fn origin() -> impl Strategy<Value = Option<Origin>> {
    let origin = (0..3_u32, any::<u32>()).prop_map(|(boot, sequence)| Origin { boot, sequence });
    prop::option::of(origin)
}

pub fn clock() -> impl Strategy<Value = ClockQuality> {
    let all = [
        ClockQuality::Synchronised,
        ClockQuality::Rtc,
        ClockQuality::Unknown,
    ];
    prop::sample::select(all.to_vec())
}

/// Samples of one series in order of time, some of them in the same millisecond.
pub fn samples(most: usize) -> impl Strategy<Value = Vec<Sample>> {
    let times = prop_oneof![
        4 => (0..3_600_000_i64).prop_map(|at| 1_790_000_000_000 + at),
        1 => any::<i64>(),
    ];
    let one = (times, value(), origin(), clock());
    let one = one.prop_map(|(at, value, origin, clock)| Sample {
        at: UtcMillis(at),
        value,
        origin,
        clock,
    });
    vec(one, 1..=most).prop_map(|mut samples| {
        samples.sort_by_key(|sample| sample.at);
        samples
    })
}

/// Noise from −1 to 1 that is the same in every run.
pub fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

/// A number with so many decimals, as a sensor's driver prints it.
pub fn printed(number: f64, decimals: usize) -> f64 {
    format!("{number:.decimals$}").parse().unwrap()
}

/// Bytes as they stand in a test.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What bit rot makes of them: each bit the other way round, one at a time.
pub fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut damaged = bytes.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        damaged
    })
}
