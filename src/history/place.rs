//! Where late samples belong, and which have been there before.
//!
//! A board that was out of reach says later what it measured meanwhile, and some of it
//! twice. What belongs into a stretch that is sealed is placed there: the chunk is opened
//! once for all late samples of its stretch, however many there are.

mod seen;

#[cfg(test)]
mod tests;

pub use seen::{Seen, Verdict};

use std::collections::{BTreeMap, HashSet};

use thiserror::Error;

use super::chunk;
use super::column::{DecodeError, EncodeError, MOST};
use super::rollup::Period;
use super::sample::{Origin, Sample};
use crate::clock::UtcMillis;

/// Why samples cannot be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlaceError {
    #[error("the chunk {0}")]
    Chunk(#[from] DecodeError),
    #[error("late samples cannot be kept: {0}")]
    Samples(#[from] EncodeError),
}

/// A stretch after late samples came into it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placed {
    /// What takes the chunk's place, in order of time; more than one if it was too full.
    /// None if nothing has changed.
    pub chunks: Vec<Vec<u8>>,
    pub added: usize,
    /// Samples whose origin was known.
    pub doubled: usize,
}

/// Places late samples into a sealed chunk, or seals them if there is none.
///
/// Among samples of the same millisecond late ones come last, in the order in which they
/// came. Of samples with the same origin the first is kept. The work is bounded: one chunk
/// and at most [`MOST`] late samples.
///
/// # Errors
/// If the chunk is damaged, there are too many late samples, or one is none that is kept;
/// the chunk is as it was then.
pub fn place(sealed: Option<&[u8]>, late: Vec<Sample>) -> Result<Placed, PlaceError> {
    if late.len() > MOST {
        return Err(EncodeError::TooMany(late.len()).into());
    }
    let mut samples = sealed.map(chunk::decode).transpose()?.unwrap_or_default();
    let (before, came) = (samples.len(), late.len());
    let mut known: HashSet<Origin> = samples.iter().filter_map(|one| one.origin).collect();
    let is_new = |one: &Sample| one.origin.is_none_or(|origin| known.insert(origin));
    samples.extend(late.into_iter().filter(is_new));
    let added = samples.len() - before;
    // Two runs that are nearly sorted: the sort finds them, and keeps equals in order.
    samples.sort_by_key(|sample| sample.at);
    let chunks = if added == 0 {
        Vec::new()
    } else {
        seal(&samples)?
    };
    Ok(Placed {
        chunks,
        added,
        doubled: came - added,
    })
}

/// Which stretch each sample belongs to, by its begin; the order of arrival is kept.
pub fn by_hour(samples: impl IntoIterator<Item = Sample>) -> BTreeMap<UtcMillis, Vec<Sample>> {
    let mut hours: BTreeMap<UtcMillis, Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        let hour = Period::Hour.start(sample.at);
        hours.entry(hour).or_default().push(sample);
    }
    hours
}

/// As few chunks as hold the samples, of about equal size so that each has room.
fn seal(samples: &[Sample]) -> Result<Vec<Vec<u8>>, EncodeError> {
    let chunks = samples.len().div_ceil(MOST).max(1);
    let size = samples.len().div_ceil(chunks).max(1);
    samples.chunks(size).map(chunk::encode).collect()
}
