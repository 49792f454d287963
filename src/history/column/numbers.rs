//! A column of numbers, each restored to the last bit.
//!
//! What sensors say are decimals with few digits: scaled by a power of ten they are
//! integers, and dividing by it again gives the same number, which is checked for each. A
//! few that are no such decimals stand beside the column. Where there are many, the
//! numbers' own bits are taken as integers, in the order of the numbers.

use super::bytes::{Input, put_count};
use super::{DecodeError, ints};

/// More decimals are not tried.
pub const DECIMALS: u8 = 12;
const BITS: u8 = 0x40;
const HAS_EXCEPTIONS: u8 = 0x80;
/// Above this, neighbouring integers are no longer all numbers.
const LARGEST: i64 = 1 << 53;
const POWERS: [f64; DECIMALS as usize + 1] = [
    1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
];

/// Writes a column of finite numbers.
pub fn write(out: &mut Vec<u8>, numbers: &[f64]) {
    let Some(decimals) = common_decimals(numbers) else {
        return write_bits(out, numbers);
    };
    let mut column = Vec::with_capacity(numbers.len());
    let mut exceptions = Vec::new();
    for (place, &number) in numbers.iter().enumerate() {
        match scaled(number, decimals) {
            Some(integer) => column.push(integer),
            None => {
                exceptions.push((place, number));
                column.push(column.last().copied().unwrap_or_default());
            }
        }
    }
    if exceptions.is_empty() {
        out.push(decimals);
    } else {
        out.push(decimals | HAS_EXCEPTIONS);
        put_count(out, exceptions.len());
        for (place, number) in exceptions {
            put_count(out, place);
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
    ints::write(out, &column);
}

/// Reads a column of `count` numbers.
pub fn read(input: &mut Input<'_>, count: usize) -> Result<Vec<f64>, DecodeError> {
    let kind = input.byte()?;
    if kind == BITS {
        return ints::read(input, count)?
            .into_iter()
            .map(number_of)
            .collect();
    }
    let decimals = kind & !HAS_EXCEPTIONS;
    if decimals > DECIMALS {
        return Err(DecodeError::Malformed("numbers are of no known kind"));
    }
    let mut exceptions = Vec::new();
    if kind & HAS_EXCEPTIONS != 0 {
        for _ in 0..input.count()? {
            let place = input.count()?;
            exceptions.push((place, input.raw_number()?));
        }
    }
    let column = ints::read(input, count)?.into_iter();
    let mut numbers: Vec<f64> = column.map(|integer| at_scale(integer, decimals)).collect();
    for (place, number) in exceptions {
        let there = numbers.get_mut(place);
        *there.ok_or(DecodeError::Malformed("an exception is outside its column"))? = number;
    }
    Ok(numbers)
}

/// The number as an integer of that many decimals (at most [`DECIMALS`]), if that is
/// exactly what it is. −0 is none.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "what was cut off is no longer equal"
)]
pub fn scaled(number: f64, decimals: u8) -> Option<i64> {
    let power = POWERS[usize::from(decimals)];
    let large = number * power;
    let nearest = (large + 0.5_f64.copysign(large)) as i64;
    let is_exact = nearest.unsigned_abs() < LARGEST.unsigned_abs()
        && (nearest as f64 / power).to_bits() == number.to_bits();
    is_exact.then_some(nearest)
}

/// The inverse of [`scaled`].
#[inline]
pub fn at_scale(integer: i64, decimals: u8) -> f64 {
    integer as f64 / POWERS[usize::from(decimals)]
}

/// The fewest decimals with which a number is exact.
pub fn decimals_of(number: f64) -> Option<u8> {
    (0..=DECIMALS).find(|decimals| scaled(number, *decimals).is_some())
}

/// The fewest decimals with which all but one in 32 are exact.
fn common_decimals(numbers: &[f64]) -> Option<u8> {
    let mut needing = [0_usize; DECIMALS as usize + 1];
    let allowed = numbers.len() / 32;
    let mut others = 0;
    for &number in numbers {
        match decimals_of(number) {
            Some(decimals) => needing[usize::from(decimals)] += 1,
            None => others += 1,
        }
        if others > allowed {
            return None;
        }
    }
    let mut more = numbers.len();
    (0..=DECIMALS).find(|decimals| {
        more -= needing[usize::from(*decimals)];
        more <= allowed
    })
}

fn write_bits(out: &mut Vec<u8>, numbers: &[f64]) {
    out.push(BITS);
    let integers: Vec<i64> = numbers.iter().map(|number| integer_of(*number)).collect();
    ints::write(out, &integers);
}

/// The bits of a number as an integer: near numbers are near integers, and low bits that are
/// zero in all of them make a common step.
fn integer_of(number: f64) -> i64 {
    let size = (number.to_bits() & !SIGN).cast_signed();
    match (number.is_sign_negative(), size) {
        (false, _) => size,
        (true, 0) => i64::MIN,
        (true, _) => -size,
    }
}

const SIGN: u64 = 1 << 63;

fn number_of(integer: i64) -> Result<f64, DecodeError> {
    let number = match integer {
        i64::MIN => -0.0,
        0.. => f64::from_bits(integer.cast_unsigned()),
        _ => f64::from_bits(integer.unsigned_abs() | SIGN),
    };
    if number.is_finite() {
        Ok(number)
    } else {
        Err(DecodeError::Malformed("a number is not finite"))
    }
}
