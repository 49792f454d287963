//! Puts samples of one series where they belong.
//!
//! What is newer than all that is there extends the newest chunk of its day, as long as
//! that is short, or makes new ones; what is late goes into the chunk of its time.

use std::collections::{HashMap, HashSet};
use std::ops::AddAssign;

use sqlx::SqliteConnection;

use super::rolls;
use crate::clock::UtcMillis;
use crate::history::chunk;
use crate::history::column::MOST;
use crate::history::deadband::Deadband;
use crate::history::place::{PlaceError, place};
use crate::history::rollup::Period;
use crate::history::sample::{Origin, Sample};
use crate::history::store::shelves::{self, Chunk};
use crate::home::Value;

/// A chunk with fewer samples is opened again for more of its day, so that a slow series
/// does not pay for a summary each hour.
const SHORT: usize = 1024;
const DAY_MS: i64 = 24 * 3_600_000;

/// How samples are put onto the shelves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shelving {
    /// What moves less is thinned; not what is late, as nobody can tell what matters there.
    pub deadband: Option<f64>,
    /// A sample of the same time and value as one that is there is the same one, though
    /// nobody has counted it.
    pub equal_is_doubled: bool,
}

/// What became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shelved {
    /// Samples that were new, also those that were thinned.
    pub added: u64,
    pub doubled: u64,
}

impl AddAssign for Shelved {
    fn add_assign(&mut self, other: Shelved) {
        self.added += other.added;
        self.doubled += other.doubled;
    }
}

/// Puts samples of a series onto the shelves, in whichever order they are.
///
/// # Errors
/// If the file does not take them.
pub async fn shelve(
    connection: &mut SqliteConnection,
    series: u32,
    mut samples: Vec<Sample>,
    how: Shelving,
) -> sqlx::Result<Shelved> {
    samples.sort_by_key(|sample| sample.at);
    let end = shelves::chunk_at(&mut *connection, series, UtcMillis(i64::MAX)).await?;
    let is_late = |sample: &Sample| end.is_some_and(|end| sample.at <= end.last);
    let fresh = samples.split_off(samples.partition_point(is_late));
    let mut shelved = shelve_late(&mut *connection, series, samples, how).await?;
    shelved += shelve_fresh(connection, series, fresh, how).await?;
    Ok(shelved)
}

async fn shelve_late(
    connection: &mut SqliteConnection,
    series: u32,
    late: Vec<Sample>,
    how: Shelving,
) -> sqlx::Result<Shelved> {
    let came = late.len();
    let mut added = Vec::new();
    for stretch in stretches(late) {
        let mut rest = stretch;
        while let Some(first) = rest.first() {
            let (open, until) = where_to(&mut *connection, series, first.at, &rest).await?;
            let after = rest.split_off(until);
            let there = match open {
                Some(chunk) => samples_of(&mut *connection, &chunk).await?,
                None => Vec::new(),
            };
            let new = only_new(&there, std::mem::replace(&mut rest, after), how);
            added.extend(new.iter().cloned());
            put(&mut *connection, series, open, new).await?;
        }
    }
    let shelved = Shelved {
        added: added.len() as u64,
        doubled: (came - added.len()) as u64,
    };
    rolls::add_late(connection, series, &rolls::minutes(&added)).await?;
    Ok(shelved)
}

async fn shelve_fresh(
    connection: &mut SqliteConnection,
    series: u32,
    fresh: Vec<Sample>,
    how: Shelving,
) -> sqlx::Result<Shelved> {
    let came = fresh.len();
    let fresh = only_new(&[], fresh, Shelving::default());
    let added = fresh.len();
    rolls::add(&mut *connection, series, &rolls::minutes(&fresh)).await?;
    for stretch in stretches(thin(fresh, how.deadband)) {
        let mut rest = stretch;
        while let Some(first) = rest.first() {
            let (open, until) = where_to(&mut *connection, series, first.at, &rest).await?;
            let after = rest.split_off(until);
            let now = std::mem::replace(&mut rest, after);
            put(&mut *connection, series, open, now).await?;
        }
    }
    Ok(Shelved {
        added: added as u64,
        doubled: (came - added) as u64,
    })
}

/// The chunk that takes the first of these samples, or none if a new one does, and how many
/// of them go the same way.
async fn where_to(
    connection: &mut SqliteConnection,
    series: u32,
    at: UtcMillis,
    samples: &[Sample],
) -> sqlx::Result<(Option<Chunk>, usize)> {
    let before = shelves::chunk_at(&mut *connection, series, at).await?;
    let after = shelves::chunk_after(connection, series, at).await?;
    let until = after.map_or(samples.len(), |after| {
        samples.partition_point(|sample| sample.at < after.first)
    });
    let (open, until) = match before {
        Some(chunk) if is_short(&chunk) && day(chunk.first) == day(at) => (Some(chunk), until),
        Some(chunk) if at <= chunk.last => {
            let inside = samples.partition_point(|sample| sample.at <= chunk.last);
            (Some(chunk), inside.min(until))
        }
        _ => (None, until),
    };
    Ok((open, one_chunk(samples, until)))
}

/// How many of the first `until` samples go into one chunk: an equal part, if they are too
/// many, and if possible not half of a millisecond.
fn one_chunk(samples: &[Sample], until: usize) -> usize {
    let part = until.div_ceil(until.div_ceil(MOST).max(1));
    match samples.get(part) {
        Some(next) if part < until => match samples.partition_point(|one| one.at < next.at) {
            0 => part,
            begin => begin,
        },
        _ => part,
    }
}

fn is_short(chunk: &Chunk) -> bool {
    usize::try_from(chunk.kinds.all()).is_ok_and(|count| count < SHORT)
}

fn day(at: UtcMillis) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// Puts samples into a chunk, or into new ones.
async fn put(
    connection: &mut SqliteConnection,
    series: u32,
    open: Option<Chunk>,
    samples: Vec<Sample>,
) -> sqlx::Result<()> {
    if samples.is_empty() {
        return Ok(());
    }
    let there = match &open {
        Some(chunk) => Some(shelves::chunk_bytes(&mut *connection, chunk.id).await?),
        None => None,
    };
    let mut open = open.map(|chunk| chunk.id);
    let placed = match place(there.as_deref(), samples.clone()) {
        Err(PlaceError::Chunk(error)) => {
            if let Some(id) = open.take() {
                set_aside(&mut *connection, id, &error.to_string()).await?;
            }
            place(None, samples)
        }
        placed => placed,
    };
    let placed = placed.map_err(|error| sqlx::Error::Encode(error.into()))?;
    if let (Some(id), [bytes]) = (open, &placed.chunks[..]) {
        let summary = summary(bytes)?;
        return shelves::replace_chunk(connection, id, &summary, bytes).await;
    }
    if let (Some(id), false) = (open, placed.chunks.is_empty()) {
        shelves::remove_chunk(&mut *connection, id).await?;
    }
    for bytes in &placed.chunks {
        shelves::add_chunk(&mut *connection, series, &summary(bytes)?, bytes).await?;
    }
    Ok(())
}

fn summary(bytes: &[u8]) -> sqlx::Result<chunk::Summary> {
    chunk::summary(bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Nothing if it is damaged: whoever puts something there sets it aside.
async fn samples_of(connection: &mut SqliteConnection, chunk: &Chunk) -> sqlx::Result<Vec<Sample>> {
    let bytes = shelves::chunk_bytes(connection, chunk.id).await?;
    Ok(chunk::decode(&bytes).unwrap_or_default())
}

async fn set_aside(connection: &mut SqliteConnection, id: i64, reason: &str) -> sqlx::Result<()> {
    tracing::error!("chunk {id} of the history {reason}; it is set aside");
    shelves::set_chunk_aside(connection, id, reason).await
}

/// Cuts samples that are in order of time: at midnight of UTC, and at a full hour where
/// there are enough for a chunk.
fn stretches(samples: Vec<Sample>) -> Vec<Vec<Sample>> {
    let mut stretches: Vec<Vec<Sample>> = Vec::new();
    for sample in samples {
        let goes_on = |stretch: &&mut Vec<Sample>| {
            stretch.last().is_some_and(|last| {
                let hour = |at| Period::Hour.start(at);
                let same_hour = hour(last.at) == hour(sample.at);
                same_hour || stretch.len() < SHORT && day(last.at) == day(sample.at)
            })
        };
        match stretches.last_mut().filter(goes_on) {
            Some(stretch) => stretch.push(sample),
            None => stretches.push(vec![sample]),
        }
    }
    stretches
}

/// Without those that are there, or came twice.
pub fn only_new(there: &[Sample], samples: Vec<Sample>, how: Shelving) -> Vec<Sample> {
    let mut known: HashSet<Origin> = there.iter().filter_map(|one| one.origin).collect();
    let mut equal: HashMap<(UtcMillis, String), usize> = HashMap::new();
    if how.equal_is_doubled {
        for sample in there {
            *equal.entry(key(sample)).or_default() += 1;
        }
    }
    let is_new = |sample: &Sample| {
        if let Some(origin) = sample.origin {
            return known.insert(origin);
        }
        if equal.is_empty() {
            return true;
        }
        match equal.get_mut(&key(sample)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        }
    };
    samples.into_iter().filter(is_new).collect()
}

/// What equal samples have in common; the bits of numbers, as −0 is not 0 here.
fn key(sample: &Sample) -> (UtcMillis, String) {
    let value = match &sample.value {
        Value::Number(number) => format!("{:x}", number.to_bits()),
        other => format!("={other}"),
    };
    (sample.at, value)
}

fn thin(samples: Vec<Sample>, deadband: Option<f64>) -> Vec<Sample> {
    let Some(width) = deadband else {
        return samples;
    };
    let mut filter = Deadband::new(width);
    let mut kept = Vec::new();
    for sample in samples {
        kept.extend(filter.push(sample).into_iter().flatten());
    }
    kept.extend(filter.finish());
    kept
}
