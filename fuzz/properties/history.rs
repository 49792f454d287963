//! Any bytes as a block, a chunk or a page of roll-ups, sealed as if they were meant: they
//! are refused, or what they hold can be written and is read again as it is.
//!
//! The first byte says as which.

use hearth::history::column::{DecodeError, MOST, seal};
use hearth::history::place::place;
use hearth::history::{block, chunk, rollup};

pub fn hold(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else {
        return;
    };
    let sealed = seal(bytes.to_vec());
    match kind % 3 {
        0 => as_block(&sealed),
        1 => as_chunk(&sealed),
        _ => as_page(&sealed),
    }
}

fn as_block(bytes: &[u8]) {
    let Ok((header, entries)) = block::decode(bytes) else {
        return;
    };
    assert!(entries.len() <= MOST);
    assert_eq!(block::header(bytes), Ok(header));
    let again = block::encode(&header, &entries);
    let again = again.map(|bytes| block::decode(&bytes));
    assert_eq!(again, Ok(Ok((header, entries))));
}

fn as_chunk(bytes: &[u8]) {
    let summary = chunk::summary(bytes);
    let _ = chunk::numbers(bytes);
    let Ok(samples) = chunk::decode(bytes) else {
        return;
    };
    assert!(samples.len() <= MOST);
    assert_eq!(summary.map(|summary| summary.count()), Ok(samples.len()));
    let again = chunk::encode(&samples);
    let again = again.map(|bytes| (chunk::decode(&bytes), chunk::numbers(&bytes)));
    let numbers = samples.iter();
    let numbers = numbers.filter_map(|one| Some((one.at, one.value.as_number()?)));
    let numbers = Ok(numbers.unzip());
    assert_eq!(again, Ok((Ok(samples.clone()), numbers)));
    comes_twice(bytes, samples);
}

/// Who is counted is there once, however often it comes.
fn comes_twice(bytes: &[u8], samples: Vec<hearth::history::sample::Sample>) {
    let counted = samples.iter().filter(|one| one.origin.is_some()).count();
    let placed = place(Some(bytes), samples.clone()).map(|placed| placed.doubled);
    assert_eq!(placed, Ok(counted));
}

fn as_page(bytes: &[u8]) {
    let (period, rolled) = match rollup::decode(bytes) {
        Ok(read) => read,
        Err(error) => return assert_ne!(error, DecodeError::Checksum),
    };
    assert!(rolled.len() <= MOST);
    assert!(rolled.iter().all(|one| one.bucket.mean().is_finite()));
    let again = rollup::encode(period, &rolled).map(|bytes| rollup::decode(&bytes));
    assert_eq!(again, Ok(Ok((period, rolled.clone()))));
    let whole = rollup::together(&rolled);
    assert!(whole.is_some_and(|whole| whole.is_sound()));
}
