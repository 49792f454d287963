//! Every column comes back as it was, and no bytes are too strange to be read.

#![expect(clippy::cast_possible_truncation, reason = "of noise, which is small")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::bytes::{Input, put_number, put_signed, put_varint};
use super::*;
use crate::history::sample::any;
use crate::home::Value;

fn ints_of(values: &[i64]) -> Vec<u8> {
    let mut out = Vec::new();
    ints::write(&mut out, values);
    out
}

fn numbers_of(values: &[f64]) -> Vec<u8> {
    let mut out = Vec::new();
    numbers::write(&mut out, values);
    out
}

/// Reads a column to its end.
fn all<'a, T>(
    bytes: &'a [u8],
    read: impl Fn(&mut Input<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut input = Input::new(bytes);
    let read = read(&mut input)?;
    input.end().map(|()| read)
}

/// Integers as columns have them: noise around a line, with a common step.
fn series() -> impl Strategy<Value = Vec<i64>> {
    let shape = (any::<i32>(), -5000..5000_i64, 1..1000_i64, 0..40_u32);
    (shape, vec(any::<i64>(), 0..400)).prop_map(|((from, slope, step, shift), noise)| {
        let place = |(at, noise): (usize, i64)| {
            let noise = noise >> (63 - shift);
            let far = (slope * at as i64).wrapping_add(noise);
            i64::from(from).wrapping_add(far.wrapping_mul(step))
        };
        noise.into_iter().enumerate().map(place).collect()
    })
}

#[test]
fn what_is_regular_costs_nothing() {
    let times: Vec<i64> = (0..3600).map(|n| 1_790_000_000_000 + n * 1000).collect();
    // A group of 128 takes 7 bits.
    assert!(ints_of(&times).len() <= 40, "{}", ints_of(&times).len());
    // A clock that runs a little slow, and a board that takes longer and longer.
    let slow: Vec<i64> = (0..3600).map(|n| n * 1001).collect();
    assert!(ints_of(&slow).len() <= 40, "{}", ints_of(&slow).len());
    let longer: Vec<i64> = (0..3600).map(|n| n * (n + 2000)).collect();
    assert!(
        ints_of(&longer).len() <= 3600 / 2,
        "{}",
        ints_of(&longer).len()
    );
}

#[test]
fn few_surprises_cost_little() {
    let mut same = vec![21_i64; 3600];
    same.iter_mut().step_by(90).for_each(|value| *value += 1);
    assert!(ints_of(&same).len() < 160, "{}", ints_of(&same).len());
}

#[test]
fn a_glitch_costs_its_own_bytes_only() {
    let mut noise = any::noise(6);
    let mut numbers: Vec<f64> = (0..600)
        .map(|_| any::printed(21.5 + noise() * 0.05, 2))
        .collect();
    let before = numbers_of(&numbers).len();
    // A DS18B20 without power says 85, one without a wire −127.
    (numbers[7], numbers[400]) = (85.0, -127.0);
    let after = numbers_of(&numbers).len();
    assert!(after <= before + 24, "{before}, {after}");
}

#[test]
fn steps_of_a_sensor_are_found() {
    // A DS18B20 says sixteenths: four decimals, but few values.
    let mut noise = any::noise(1);
    let sixteenths: Vec<f64> = (0..3600)
        .map(|_| 21.0 + (noise() * 4.0).round() / 16.0)
        .collect();
    let bytes = numbers_of(&sixteenths).len();
    assert!(bytes < 3600 / 2, "{bytes}");
    let widened: Vec<f64> = (0..3600)
        .map(|_| f64::from((21.0 + noise()) as f32))
        .collect();
    let bytes = numbers_of(&widened).len();
    assert!(bytes < 3600 * 3, "{bytes}");
}

#[test]
fn one_odd_number_does_not_spoil_a_column() {
    let mut numbers: Vec<f64> = (0..600).map(|n| 21.0 + f64::from(n % 3) / 10.0).collect();
    let before = numbers_of(&numbers).len();
    (numbers[7], numbers[400]) = (0.1 + 0.2, -0.0);
    let bytes = numbers_of(&numbers);
    assert!(bytes.len() < before + 40, "{before}, {}", bytes.len());
    let read = all(&bytes, |input| numbers::read(input, 600)).unwrap();
    assert!(read[400].is_sign_negative() && read[400] == 0.0);
    assert_eq!(read[7], 0.1 + 0.2);
}

#[test]
fn noise_that_has_no_end_takes_no_more_than_it_is() {
    let mut noise = any::noise(2);
    let mut wild = || f64::from_bits((noise() * 9e18) as i64 as u64 & !(1 << 62));
    let numbers: Vec<f64> = (0..1000).map(|_| wild()).collect();
    let bytes = numbers_of(&numbers).len();
    assert!(bytes <= 1000 * 8 + 32, "{bytes}");
}

#[test]
fn lengths_are_bounded() {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, MOST as u64 + 1);
    let count = Input::new(&bytes).count();
    assert_eq!(count, Err(DecodeError::TooMany(65_537)));
    assert!(Input::new(&[0xff; 11]).varint().is_err());
    assert_eq!(Input::new(&[]).byte(), Err(DecodeError::TooShort));
}

#[test]
fn a_number_that_is_none_is_refused() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let value = Value::Number(number);
        let refused = values::check([&value].into_iter());
        assert_eq!(refused, Err(EncodeError::NotFinite));
        let mut bytes = vec![0xff];
        bytes.extend_from_slice(&number.to_le_bytes());
        assert!(Input::new(&bytes).number().is_err());
        let mut column = vec![0x40];
        column.extend(ints_of(&[number.to_bits().cast_signed() & i64::MAX]));
        assert!(all(&column, |input| numbers::read(input, 1)).is_err());
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let text = Value::Text("x".repeat(257));
    let refused = values::check([&text].into_iter());
    assert_eq!(refused, Err(EncodeError::TextTooLong(257)));
    let many = vec![Value::Switch(true); MOST + 1];
    let refused = values::check(many.iter());
    assert_eq!(refused, Err(EncodeError::TooMany(MOST + 1)));
    assert_eq!(values::check([].into_iter()), Err(EncodeError::Empty));
}

proptest! {
    #[test]
    fn integers_come_back(values in prop_oneof![
        series(),
        vec(any::<i64>(), 0..300),
        vec(prop::sample::select(vec![0, 0, 0, 0, 0, 0, 1, -1, i64::MIN, i64::MAX]), 0..300),
    ]) {
        let bytes = ints_of(&values);
        prop_assert_eq!(all(&bytes, |input| ints::read(input, values.len())), Ok(values));
    }

    #[test]
    fn numbers_come_back_to_the_last_bit(values in vec(any::number(), 1..300)) {
        let bytes = numbers_of(&values);
        let read = all(&bytes, |input| numbers::read(input, values.len())).unwrap();
        let bits = |values: &[f64]| values.iter().map(|one| one.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read), bits(&values));
    }

    #[test]
    fn decimals_come_back(
        from in -1_000_000_i64..1_000_000,
        steps in vec(-50..50_i64, 1..300),
        decimals in 0..=6_i32,
    ) {
        let integers = steps.iter().scan(from, |sum, step| { *sum += step; Some(*sum) });
        let values: Vec<f64> = integers.map(|n| n as f64 / 10_f64.powi(decimals)).collect();
        let bytes = numbers_of(&values);
        prop_assert!(bytes.len() <= 12 + values.len() * 9 / 8 + 1);
        prop_assert_eq!(all(&bytes, |input| numbers::read(input, values.len())), Ok(values));
    }

    #[test]
    fn single_numbers_come_back(number in any::number(), integer in any::<i64>()) {
        let mut bytes = Vec::new();
        put_number(&mut bytes, number);
        put_signed(&mut bytes, integer);
        let mut input = Input::new(&bytes);
        prop_assert_eq!(input.number().unwrap().to_bits(), number.to_bits());
        prop_assert_eq!(input.signed(), Ok(integer));
        prop_assert!(input.end().is_ok());
    }

    #[test]
    fn states_texts_and_origins_come_back(
        states in vec(0..3_u8, 1..200),
        words in vec("[ab]{0,2}|\\PC{0,40}", 0..60),
        origins in vec(any::origin(), 1..60),
    ) {
        let mut bytes = Vec::new();
        runs::write(&mut bytes, &states);
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        texts::write(&mut bytes, &texts);
        origins::write(&mut bytes, &origins);
        let mut input = Input::new(&bytes);
        prop_assert_eq!(runs::read(&mut input, states.len(), 2), Ok(states));
        prop_assert_eq!(texts::read(&mut input, texts.len()), Ok(texts));
        prop_assert_eq!(origins::read(&mut input, origins.len()), Ok(origins));
        prop_assert!(input.end().is_ok());
    }

    #[test]
    fn values_come_back_group_by_group(groups in vec(vec(any::value(), 0..20), 1..8)) {
        let lengths: Vec<usize> = groups.iter().map(Vec::len).collect();
        let all_values: Vec<Value> = groups.concat();
        prop_assume!(!all_values.is_empty());
        let mut bytes = Vec::new();
        values::write(&mut bytes, &all_values.iter().collect::<Vec<_>>(), &lengths);
        prop_assert_eq!(all(&bytes, |input| values::read(input, &lengths)), Ok(all_values));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200), count in 0..600_usize) {
        let input = || Input::new(&bytes);
        let ints = ints::read(&mut input(), count);
        prop_assert!(ints.is_err() || ints.is_ok_and(|ints| ints.len() == count));
        if let Ok(numbers) = numbers::read(&mut input(), count) {
            prop_assert!(numbers.len() == count && numbers.iter().all(|one| one.is_finite()));
        }
        if let Ok(states) = runs::read(&mut input(), count, 2) {
            prop_assert!(states.len() == count && states.iter().all(|state| *state <= 2));
        }
        if let Ok(texts) = texts::read(&mut input(), count) {
            prop_assert_eq!(texts.len(), count);
        }
        if let Ok(origins) = origins::read(&mut input(), count) {
            prop_assert_eq!(origins.len(), count);
        }
        if let Ok(values) = values::read(&mut input(), &[count / 2, count / 3]) {
            prop_assert!(values.len() == count / 2 + count / 3);
        }
    }
}
