//! What is known of a chunk without its samples.

use crate::clock::UtcMillis;
use crate::history::column::bytes::{Input, put_count, put_number, put_signed, put_varint};
use crate::history::column::numbers::DECIMALS;
use crate::history::column::{DecodeError, MOST};
use crate::history::rollup::{Bucket, Sum};
use crate::history::sample::Sample;
use crate::home::Value;

/// Stands before a sum that is no short decimal.
const NEAR: u8 = 0xff;

/// How many samples of which kind, from when to when.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    pub first_at: UtcMillis,
    pub last_at: UtcMillis,
    pub numbers: Option<Numbers>,
    pub switches: Option<Switches>,
    pub texts: usize,
}

/// What is known of the numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    pub first: f64,
    /// Count, minimum, maximum, mean and last.
    pub bucket: Bucket,
}

/// What is known of on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    pub count: usize,
    /// How many of them say `on`.
    pub on: usize,
    pub first: bool,
    pub last: bool,
}

impl Summary {
    /// Of samples in order of time.
    pub fn of(samples: &[Sample]) -> Summary {
        let mut summary = Summary {
            first_at: samples.first().map(|sample| sample.at).unwrap_or_default(),
            last_at: samples.last().map(|sample| sample.at).unwrap_or_default(),
            ..Summary::default()
        };
        for sample in samples {
            match &sample.value {
                Value::Number(number) => summary.add_number(*number),
                Value::Switch(on) => summary.add_switch(*on),
                Value::Text(_) => summary.texts += 1,
            }
        }
        summary
    }

    /// All samples.
    pub fn count(&self) -> usize {
        let numbers = self.numbers.map_or(0, |numbers| numbers.bucket.count);
        let switches = self.switches.map_or(0, |switches| switches.count);
        usize::try_from(numbers).unwrap_or(usize::MAX) + switches + self.texts
    }

    fn add_number(&mut self, number: f64) {
        let one = Bucket::of(number);
        let numbers = self.numbers.map_or(
            Numbers {
                first: number,
                bucket: one,
            },
            |before| Numbers {
                bucket: before.bucket.then(one),
                ..before
            },
        );
        self.numbers = Some(numbers);
    }

    fn add_switch(&mut self, on: bool) {
        let before = self.switches.unwrap_or(Switches {
            count: 0,
            on: 0,
            first: on,
            last: on,
        });
        self.switches = Some(Switches {
            count: before.count + 1,
            on: before.on + usize::from(on),
            last: on,
            ..before
        });
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_signed(out, self.first_at.0);
        put_signed(out, self.last_at.0.wrapping_sub(self.first_at.0));
        put_varint(out, self.numbers.map_or(0, |numbers| numbers.bucket.count));
        put_count(out, self.switches.map_or(0, |switches| switches.count));
        put_count(out, self.texts);
        if let Some(Numbers { first, bucket }) = self.numbers {
            for number in [first, bucket.min, bucket.max, bucket.last] {
                put_number(out, number);
            }
            write_sum(out, bucket.sum);
        }
        if let Some(switches) = self.switches {
            put_count(out, switches.on);
            out.push(u8::from(switches.first) | u8::from(switches.last) << 1);
        }
    }

    pub(super) fn read(input: &mut Input<'_>) -> Result<Summary, DecodeError> {
        let first_at = input.signed()?;
        let last_at = first_at.wrapping_add(input.signed()?);
        let [numbers, switches, texts] = [input.count()?, input.count()?, input.count()?];
        let count = numbers + switches + texts;
        if count > MOST {
            return Err(DecodeError::TooMany(count as u64));
        }
        if count == 0 {
            return Err(DecodeError::Malformed("a chunk is empty"));
        }
        Ok(Summary {
            first_at: UtcMillis(first_at),
            last_at: UtcMillis(last_at),
            numbers: (numbers > 0)
                .then(|| read_numbers(input, numbers))
                .transpose()?,
            switches: (switches > 0)
                .then(|| read_switches(input, switches))
                .transpose()?,
            texts,
        })
    }
}

fn read_numbers(input: &mut Input<'_>, count: usize) -> Result<Numbers, DecodeError> {
    let numbers = Numbers {
        first: input.number()?,
        bucket: Bucket {
            count: count as u64,
            min: input.number()?,
            max: input.number()?,
            last: input.number()?,
            sum: read_sum(input)?,
        },
    };
    if numbers.bucket.is_sound() {
        Ok(numbers)
    } else {
        Err(DecodeError::Malformed("a summary is none"))
    }
}

fn read_switches(input: &mut Input<'_>, count: usize) -> Result<Switches, DecodeError> {
    let on = input.count()?;
    let ends = input.byte()?;
    if on > count || ends > 3 {
        return Err(DecodeError::Malformed("a summary is none"));
    }
    Ok(Switches {
        count,
        on,
        first: ends & 1 == 1,
        last: ends & 2 == 2,
    })
}

fn write_sum(out: &mut Vec<u8>, sum: Sum) {
    match sum {
        Sum::Exact { integer, decimals } => {
            out.push(decimals);
            put_signed(out, integer);
        }
        Sum::Near(sum) => {
            out.push(NEAR);
            out.extend_from_slice(&sum.to_le_bytes());
        }
    }
}

fn read_sum(input: &mut Input<'_>) -> Result<Sum, DecodeError> {
    match input.byte()? {
        NEAR => input.raw_number().map(Sum::Near),
        decimals if decimals <= DECIMALS => Ok(Sum::Exact {
            integer: input.signed()?,
            decimals,
        }),
        _ => Err(DecodeError::Malformed("a sum is of no known kind")),
    }
}
