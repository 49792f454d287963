//! A column of few states that last: lengths of runs.

use super::bytes::{Input, put_count};
use super::{DecodeError, ints};

/// Writes a column of at least one state.
pub fn write(out: &mut Vec<u8>, states: &[u8]) {
    let runs: Vec<(i64, i64)> = states
        .chunk_by(|a, b| a == b)
        .map(|run| (i64::from(run[0]), run.len() as i64))
        .collect();
    put_count(out, runs.len());
    if let [(state, _)] = runs[..] {
        out.push(state.to_le_bytes()[0]);
        return;
    }
    let (states, lengths): (Vec<i64>, Vec<i64>) = runs.into_iter().unzip();
    ints::write(out, &states);
    // The last one ends where the column ends.
    ints::write(out, &lengths[..lengths.len().saturating_sub(1)]);
}

/// Reads a column of `count` states from 0 to `last`.
pub fn read(input: &mut Input<'_>, count: usize, last: u8) -> Result<Vec<u8>, DecodeError> {
    let runs = input.count()?;
    let known = |state: i64| {
        let state = u8::try_from(state).ok().filter(|state| *state <= last);
        state.ok_or(DecodeError::Malformed("a state is unknown"))
    };
    if runs == 0 && count == 0 {
        return Ok(Vec::new());
    }
    if runs == 1 {
        return Ok(vec![known(i64::from(input.byte()?))?; count]);
    }
    if runs == 0 || runs > count {
        return Err(DecodeError::Malformed("runs do not fit their column"));
    }
    let states = ints::read(input, runs)?;
    let lengths = ints::read(input, runs - 1)?;
    let mut column = Vec::with_capacity(count);
    for (state, length) in states.iter().zip(lengths) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length >= count - column.len() {
            return Err(DecodeError::Malformed("runs do not fit their column"));
        }
        column.resize(column.len() + length, known(*state)?);
    }
    if let Some(state) = states.last() {
        column.resize(count, known(*state)?);
    }
    Ok(column)
}
