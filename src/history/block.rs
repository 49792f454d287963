//! A block: what one commit writes, the readings of all series in order of arrival.
//!
//! A block is what has not been sealed into chunks yet, so it carries what is needed to
//! put times right: the boot it was written in and both clocks at that moment.
//!
//! ```text
//! version, clock, boot, monotonic time, UTC, count, series, whose turn, times,
//! origins and values by series, checksum
//! ```

mod turns;

#[cfg(test)]
mod tests;

use super::chunk::{MOST_TRUSTED, clock_of_tag, tag_of_clock};
use super::column::bytes::{Input, put_count, put_signed, put_varint};
use super::column::{DecodeError, EncodeError, ints, origins, seal, unseal, values};
use super::sample::{Origin, Sample};
use crate::clock::{ClockQuality, Moment, Now, UtcMillis};
use crate::home::Value;
use turns::Turns;

const VERSION: u8 = 1;

/// When and where a block was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Differs after each start of the computer; within one, the monotonic clock runs on.
    pub boot: [u8; 16],
    pub now: Now,
    /// How far the wall clock could be trusted.
    pub clock: ClockQuality,
}

/// One reading of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub series: u32,
    /// In the order of arrival this may go back.
    pub at: UtcMillis,
    pub value: Value,
    pub origin: Option<Origin>,
}

impl Entry {
    /// As it is kept by its series.
    pub fn sample(self, header: &Header) -> Sample {
        Sample {
            at: self.at,
            value: self.value,
            origin: self.origin,
            clock: header.clock,
        }
    }
}

/// Writes a block of at least one entry.
///
/// # Errors
/// If there are none or more than [`MOST`](super::column::MOST), or if a value is none
/// that is kept.
pub fn encode(header: &Header, entries: &[Entry]) -> Result<Vec<u8>, EncodeError> {
    values::check(entries.iter().map(|entry| &entry.value))?;
    let turns = Turns::of(entries.iter().map(|entry| entry.series));
    let mut out = vec![VERSION, tag_of_clock(header.clock)];
    out.extend_from_slice(&header.boot);
    put_varint(&mut out, header.now.moment.0);
    put_signed(&mut out, header.now.utc.0);
    put_count(&mut out, entries.len());
    turns.write(&mut out);
    let before = |entry: &Entry| entry.at.0.wrapping_sub(header.now.utc.0);
    let times: Vec<i64> = entries.iter().map(before).collect();
    ints::write(&mut out, &times);
    let by_series = turns.by_series();
    let by_series = || by_series.iter().map(|place| &entries[*place]);
    let origins: Vec<Option<Origin>> = by_series().map(|entry| entry.origin).collect();
    origins::write(&mut out, &origins);
    let all: Vec<&Value> = by_series().map(|entry| &entry.value).collect();
    values::write(&mut out, &all, &turns.lengths());
    Ok(seal(out))
}

/// Reads a block.
///
/// # Errors
/// If the bytes are damaged, or of a version to come.
pub fn decode(bytes: &[u8]) -> Result<(Header, Vec<Entry>), DecodeError> {
    let mut input = Input::new(unseal(bytes)?);
    let header = read_header(&mut input)?;
    let count = input.count()?;
    if count == 0 {
        return Err(DecodeError::Malformed("a block is empty"));
    }
    let turns = Turns::read(&mut input, count)?;
    let times = ints::read(&mut input, count)?;
    let by_series = turns.by_series();
    let origins = origins::read(&mut input, count)?;
    let values = values::read(&mut input, &turns.lengths())?;
    input.end()?;
    let at = |after: i64| UtcMillis(header.now.utc.0.wrapping_add(after));
    let mut entries: Vec<Entry> = turns
        .series()
        .zip(times)
        .map(|(series, after)| Entry {
            series,
            at: at(after),
            value: Value::Switch(false),
            origin: None,
        })
        .collect();
    for ((place, value), origin) in by_series.into_iter().zip(values).zip(origins) {
        (entries[place].value, entries[place].origin) = (value, origin);
    }
    Ok((header, entries))
}

/// Reads the header alone; the checksum is of the whole block.
///
/// # Errors
/// If the bytes are damaged, or of a version to come.
pub fn header(bytes: &[u8]) -> Result<Header, DecodeError> {
    read_header(&mut Input::new(unseal(bytes)?))
}

fn read_header(input: &mut Input<'_>) -> Result<Header, DecodeError> {
    match input.byte()? {
        VERSION => {}
        other => return Err(DecodeError::Version(other)),
    }
    let clock = match input.byte()? {
        tag if tag <= MOST_TRUSTED => clock_of_tag(tag),
        _ => return Err(DecodeError::Malformed("a clock is of no known kind")),
    };
    Ok(Header {
        clock,
        boot: input.array()?,
        now: Now {
            moment: Moment(input.varint()?),
            utc: UtcMillis(input.signed()?),
        },
    })
}
