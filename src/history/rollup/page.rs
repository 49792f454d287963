//! Buckets in bytes: a day of minutes, or months of hours.
//!
//! ```text
//! version, period, count, begins, counts, decimals or "none",
//! lasts, lasts − minima, maxima − lasts, kinds of sums, sums, checksum
//! ```

use super::{Bucket, Period, Rolled, Sum};
use crate::clock::UtcMillis;
use crate::history::column::bytes::{Input, put_count};
use crate::history::column::numbers::{self, DECIMALS, at_scale, decimals_of, scaled};
use crate::history::column::{DecodeError, EncodeError, MOST, ints, runs, seal, unseal};

const VERSION: u8 = 1;
/// Stands for decimals where numbers have too many.
const LONG: u8 = 0xff;
/// The kind of a sum that is near; the others are its decimals.
const NEAR: u8 = DECIMALS + 1;

/// Writes at least one bucket; they are in order of time.
///
/// # Errors
/// If there are none or too many, a begin is none of the period or not after the one
/// before, or a bucket is not [sound](Bucket::is_sound).
pub fn encode(period: Period, rolled: &[Rolled]) -> Result<Vec<u8>, EncodeError> {
    check(period, rolled)?;
    let tag = match period {
        Period::Minute => 0,
        Period::Hour => 1,
    };
    let mut out = vec![VERSION, tag];
    put_count(&mut out, rolled.len());
    let begins: Vec<i64> = rolled
        .iter()
        .map(|one| one.start.0.div_euclid(period.millis()))
        .collect();
    ints::write(&mut out, &begins);
    let buckets: Vec<Bucket> = rolled.iter().map(|one| one.bucket).collect();
    let counts: Vec<i64> = buckets.iter().map(|one| one.count.cast_signed()).collect();
    ints::write(&mut out, &counts);
    write_numbers(&mut out, &buckets);
    write_sums(&mut out, &buckets);
    Ok(seal(out))
}

/// Reads buckets.
///
/// # Errors
/// If the bytes are damaged, or of a version to come.
pub fn decode(bytes: &[u8]) -> Result<(Period, Vec<Rolled>), DecodeError> {
    let mut input = Input::new(unseal(bytes)?);
    match input.byte()? {
        VERSION => {}
        other => return Err(DecodeError::Version(other)),
    }
    let period = match input.byte()? {
        0 => Period::Minute,
        1 => Period::Hour,
        _ => return Err(DecodeError::Malformed("a period is unknown")),
    };
    let count = input.count()?;
    let begins = ints::read(&mut input, count)?;
    let counts = ints::read(&mut input, count)?;
    let numbers = read_numbers(&mut input, count)?;
    let sums = read_sums(&mut input, &counts, &numbers)?;
    input.end()?;
    let rows = begins.into_iter().zip(counts).zip(numbers).zip(sums);
    let rolled = rows.map(|(((begin, count), [min, max, last]), sum)| {
        let bucket = Bucket {
            count: count.cast_unsigned(),
            min,
            max,
            last,
            sum,
        };
        let start = begin.checked_mul(period.millis());
        let start = start.filter(|_| bucket.is_sound()).map(UtcMillis)?;
        Some(Rolled { start, bucket })
    });
    let rolled: Option<Vec<Rolled>> = rolled.collect();
    let rolled = rolled.ok_or(DecodeError::Malformed("a bucket is none"))?;
    if check(period, &rolled).is_err() {
        return Err(DecodeError::Malformed("the buckets are not in order"));
    }
    Ok((period, rolled))
}

fn check(period: Period, rolled: &[Rolled]) -> Result<(), EncodeError> {
    match rolled.len() {
        0 => return Err(EncodeError::Empty),
        1..=MOST => {}
        count => return Err(EncodeError::TooMany(count)),
    }
    if !rolled.iter().all(|one| one.bucket.is_sound()) {
        return Err(EncodeError::NotFinite);
    }
    let begin = |one: &Rolled| one.start.0.rem_euclid(period.millis()) == 0;
    let in_order = rolled.is_sorted_by(|a, b| a.start < b.start);
    if in_order && rolled.iter().all(begin) {
        Ok(())
    } else {
        Err(EncodeError::Unsorted)
    }
}

fn write_numbers(out: &mut Vec<u8>, buckets: &[Bucket]) {
    let Some(decimals) = common_decimals(buckets) else {
        out.push(LONG);
        let three = |one: &Bucket| [one.min, one.max, one.last];
        for nth in 0..3 {
            let column: Vec<f64> = buckets.iter().map(|one| three(one)[nth]).collect();
            numbers::write(out, &column);
        }
        return;
    };
    out.push(decimals);
    let at = |number| scaled(number, decimals).unwrap_or_default();
    let three = |one: &Bucket| {
        let [min, max, last] = [one.min, one.max, one.last].map(at);
        [last, last - min, max - last]
    };
    for nth in 0..3 {
        let column: Vec<i64> = buckets.iter().map(|one| three(one)[nth]).collect();
        ints::write(out, &column);
    }
}

/// Minimum, maximum and last of each bucket.
fn read_numbers(input: &mut Input<'_>, count: usize) -> Result<Vec<[f64; 3]>, DecodeError> {
    let decimals = input.byte()?;
    if decimals == LONG {
        let min = numbers::read(input, count)?;
        let max = numbers::read(input, count)?;
        let last = numbers::read(input, count)?;
        let all = min.into_iter().zip(max).zip(last);
        return Ok(all.map(|((min, max), last)| [min, max, last]).collect());
    }
    if decimals > DECIMALS {
        return Err(DecodeError::Malformed("numbers are of no known kind"));
    }
    let last = ints::read(input, count)?;
    let below = ints::read(input, count)?;
    let above = ints::read(input, count)?;
    let all = last.into_iter().zip(below).zip(above);
    let three = all.map(|((last, below), above)| {
        let three = [last.wrapping_sub(below), last.wrapping_add(above), last];
        three.map(|integer| at_scale(integer, decimals))
    });
    Ok(three.collect())
}

/// The decimals with which all numbers of all buckets are exact.
fn common_decimals(buckets: &[Bucket]) -> Option<u8> {
    let numbers = || buckets.iter().flat_map(|one| [one.min, one.max, one.last]);
    let most = numbers().try_fold(0, |most, number| Some(decimals_of(number)?.max(most)))?;
    let fits = numbers().all(|number| scaled(number, most).is_some());
    fits.then_some(most)
}

/// An exact sum is written as what it differs from by, had every number been the last.
fn write_sums(out: &mut Vec<u8>, buckets: &[Bucket]) {
    let kinds: Vec<u8> = buckets.iter().map(|one| kind_of(one.sum)).collect();
    runs::write(out, &kinds);
    let (mut exact, mut near) = (Vec::new(), Vec::new());
    for one in buckets {
        match one.sum {
            Sum::Exact { integer, decimals } => {
                let guess = guess(one.count.cast_signed(), one.last, decimals);
                exact.push(integer.wrapping_sub(guess));
            }
            Sum::Near(sum) => near.push(sum),
        }
    }
    ints::write(out, &exact);
    if !near.is_empty() {
        numbers::write(out, &near);
    }
}

fn read_sums(
    input: &mut Input<'_>,
    counts: &[i64],
    numbers: &[[f64; 3]],
) -> Result<Vec<Sum>, DecodeError> {
    let kinds = runs::read(input, counts.len(), NEAR)?;
    let nears = kinds.iter().filter(|kind| **kind == NEAR).count();
    let mut exact = ints::read(input, kinds.len() - nears)?.into_iter();
    let near = match nears {
        0 => Vec::new(),
        count => numbers::read(input, count)?,
    };
    let mut near = near.into_iter();
    let rows = kinds.iter().zip(counts).zip(numbers);
    let sum = |((kind, count), [_, _, last]): ((&u8, &i64), &[f64; 3])| match *kind {
        NEAR => near.next().map(Sum::Near),
        decimals => exact.next().map(|left| Sum::Exact {
            integer: left.wrapping_add(guess(*count, *last, decimals)),
            decimals,
        }),
    };
    Ok(rows.filter_map(sum).collect())
}

fn kind_of(sum: Sum) -> u8 {
    match sum {
        Sum::Exact { decimals, .. } => decimals,
        Sum::Near(_) => NEAR,
    }
}

fn guess(count: i64, last: f64, decimals: u8) -> i64 {
    let last = scaled(last, decimals).unwrap_or_default();
    count.wrapping_mul(last)
}
