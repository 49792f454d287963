//! A column of what boards counted, where they count.

use super::bytes::Input;
use super::{DecodeError, ints, runs};
use crate::history::sample::Origin;

/// Writes a column of at least one.
pub fn write(out: &mut Vec<u8>, origins: &[Option<Origin>]) {
    let there: Vec<u8> = origins.iter().map(|one| one.is_some().into()).collect();
    runs::write(out, &there);
    let some = || origins.iter().flatten();
    let boots: Vec<i64> = some().map(|one| i64::from(one.boot)).collect();
    let sequences: Vec<i64> = some().map(|one| i64::from(one.sequence)).collect();
    ints::write(out, &boots);
    ints::write(out, &sequences);
}

/// Reads a column of `count`.
pub fn read(input: &mut Input<'_>, count: usize) -> Result<Vec<Option<Origin>>, DecodeError> {
    let there = runs::read(input, count, 1)?;
    let some = there.iter().filter(|is| **is == 1).count();
    let boots = ints::read(input, some)?;
    let sequences = ints::read(input, some)?;
    let mut some = boots.into_iter().zip(sequences);
    let origin = |is: u8| {
        let next = if is == 1 { some.next() } else { None };
        next.map(|(boot, sequence)| origin_of(boot, sequence))
            .transpose()
    };
    there.into_iter().map(origin).collect()
}

fn origin_of(boot: i64, sequence: i64) -> Result<Origin, DecodeError> {
    match (u32::try_from(boot), u32::try_from(sequence)) {
        (Ok(boot), Ok(sequence)) => Ok(Origin { boot, sequence }),
        _ => Err(DecodeError::Malformed("a board's count is too large")),
    }
}
