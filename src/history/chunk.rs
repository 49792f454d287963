//! A sealed stretch of one series, such as an hour: its samples in order of time, in few
//! bytes, behind a summary that can be read without them.
//!
//! ```text
//! version, summary, times, values, clocks, origins, checksum
//! ```
//!
//! A chunk whose bytes have changed on the disk is known as such by its checksum.

mod summary;

#[cfg(test)]
mod tests;

pub use summary::{Numbers, Summary, Switches};

use super::column::bytes::Input;
use super::column::{DecodeError, EncodeError, ints, numbers, origins, runs, seal, unseal, values};
use super::sample::{Origin, Sample};
use crate::clock::{ClockQuality, UtcMillis};
use crate::home::Value;

const VERSION: u8 = 1;

/// Seals samples that are in order of time.
///
/// # Errors
/// If they are not, if there are none or more than [`MOST`](super::column::MOST), or if a
/// value is none that is kept.
pub fn encode(samples: &[Sample]) -> Result<Vec<u8>, EncodeError> {
    values::check(samples.iter().map(|sample| &sample.value))?;
    if !samples.is_sorted_by_key(|sample| sample.at) {
        return Err(EncodeError::Unsorted);
    }
    let mut out = Vec::with_capacity(128 + samples.len() * 2);
    out.push(VERSION);
    Summary::of(samples).write(&mut out);
    let times: Vec<i64> = samples.iter().map(|sample| sample.at.0).collect();
    // The summary says when the first one was.
    let times: Vec<i64> = times.iter().map(|at| at.wrapping_sub(times[0])).collect();
    ints::write(&mut out, &times);
    let all: Vec<&Value> = samples.iter().map(|sample| &sample.value).collect();
    values::write(&mut out, &all, &[samples.len()]);
    let clocks: Vec<u8> = samples.iter().map(|one| tag_of_clock(one.clock)).collect();
    runs::write(&mut out, &clocks);
    let origins: Vec<Option<Origin>> = samples.iter().map(|sample| sample.origin).collect();
    origins::write(&mut out, &origins);
    Ok(seal(out))
}

/// Reads the summary alone; the checksum is of the whole chunk.
///
/// # Errors
/// If the bytes are damaged, or of a version to come.
pub fn summary(bytes: &[u8]) -> Result<Summary, DecodeError> {
    open(bytes).map(|(summary, _)| summary)
}

/// Reads all samples.
///
/// # Errors
/// If the bytes are damaged, or of a version to come.
pub fn decode(bytes: &[u8]) -> Result<Vec<Sample>, DecodeError> {
    let (summary, mut input) = open(bytes)?;
    let count = summary.count();
    let times = read_times(&mut input, &summary)?;
    let values = values::read(&mut input, &[count])?;
    let clocks = runs::read(&mut input, count, MOST_TRUSTED)?;
    let origins = origins::read(&mut input, count)?;
    input.end()?;
    let rows = times.into_iter().zip(values).zip(clocks).zip(origins);
    let sample = |(((at, value), clock), origin)| Sample {
        at,
        value,
        origin,
        clock: clock_of_tag(clock),
    };
    Ok(rows.map(sample).collect())
}

/// Reads the numbers alone, with their times. A chart needs no more, and it is several
/// times as fast as [`decode`].
///
/// # Errors
/// If the bytes are damaged, or of a version to come.
pub fn numbers(bytes: &[u8]) -> Result<(Vec<UtcMillis>, Vec<f64>), DecodeError> {
    let (summary, mut input) = open(bytes)?;
    let times = read_times(&mut input, &summary)?;
    let numbers = summary.numbers.map_or(0, |numbers| numbers.bucket.count);
    if numbers == times.len() as u64 {
        let kinds = runs::read(&mut input, times.len(), 0)?;
        return Ok((times, numbers::read(&mut input, kinds.len())?));
    }
    let values = values::read(&mut input, &[times.len()])?;
    let both = times.into_iter().zip(values);
    let numbers = both.filter_map(|(at, value)| Some((at, value.as_number()?)));
    Ok(numbers.unzip())
}

fn open(bytes: &[u8]) -> Result<(Summary, Input<'_>), DecodeError> {
    let mut input = Input::new(unseal(bytes)?);
    match input.byte()? {
        VERSION => {}
        other => return Err(DecodeError::Version(other)),
    }
    let summary = Summary::read(&mut input)?;
    Ok((summary, input))
}

fn read_times(input: &mut Input<'_>, summary: &Summary) -> Result<Vec<UtcMillis>, DecodeError> {
    let times = ints::read(input, summary.count())?.into_iter();
    let times: Vec<UtcMillis> = times
        .map(|after| UtcMillis(summary.first_at.0.wrapping_add(after)))
        .collect();
    if times.is_sorted() {
        Ok(times)
    } else {
        Err(DecodeError::Malformed("the times are not in order"))
    }
}

/// The greatest tag of a clock.
pub(super) const MOST_TRUSTED: u8 = 2;

pub(super) fn tag_of_clock(clock: ClockQuality) -> u8 {
    match clock {
        ClockQuality::Unknown => 0,
        ClockQuality::Rtc => 1,
        ClockQuality::Synchronised => MOST_TRUSTED,
    }
}

pub(super) fn clock_of_tag(tag: u8) -> ClockQuality {
    match tag {
        0 => ClockQuality::Unknown,
        1 => ClockQuality::Rtc,
        _ => ClockQuality::Synchronised,
    }
}
