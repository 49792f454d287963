//! Carries over what versions before the log have left: one row for each reading.
//!
//! A step at a time, so that what comes now does not wait; each is whole, and the file
//! knows how far it came.

use super::{Shelving, shelve};
use crate::clock::ClockQuality;
use crate::history::sample::{Sample, kept};
use crate::history::store::{Store, old};

/// Rows of one step: a fraction of a second.
const STEP: u32 = 32_768;

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// So many rows; there may be more.
    Some(usize),
    /// All; the table is gone.
    All,
}

/// Carries the next rows over.
///
/// # Errors
/// If the file does not take it; nothing has changed then.
pub async fn carry(store: &Store) -> sqlx::Result<Carried> {
    let mut whole = store.write().await?;
    if !old::is_there(&mut whole).await? {
        return Ok(Carried::All);
    }
    let rows = old::next(&mut whole, STEP).await?;
    let Some(last) = rows.last() else {
        let there_were_some = old::is_begun(&mut whole).await?;
        whole.rollback().await?;
        store.drop_old().await?;
        if there_were_some {
            store.vacuum().await?;
        }
        return Ok(Carried::All);
    };
    for one in rows.chunk_by(|a, b| a.series == b.series) {
        // Old versions took the clock for right.
        let sample = |row: &old::Old| {
            Some(Sample {
                at: row.at,
                value: kept(row.value.clone())?,
                origin: None,
                clock: ClockQuality::Synchronised,
            })
        };
        let samples = one.iter().filter_map(sample).collect();
        shelve(&mut whole, one[0].series, samples, Shelving::default()).await?;
    }
    old::carried(&mut whole, last).await?;
    whole.commit().await?;
    Ok(Carried::Some(rows.len()))
}
