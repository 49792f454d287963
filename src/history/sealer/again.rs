//! Tells roll-ups again from what is finer: the minutes of an hour from the samples that are
//! kept of it, the hours of a row from minutes, and from samples where those are missing.
//!
//! What a deadband has thinned, or is kept no longer, cannot be told again.

use sqlx::SqliteConnection;

use super::rolls::{minutes, row_length};
use crate::clock::UtcMillis;
use crate::history::chunk;
use crate::history::column::DecodeError;
use crate::history::rollup::{self, Period, Rolled, coarser};
use crate::history::store::care;
use crate::history::store::shelves::{self, Rollups};

/// So much of what was set aside is looked through, the latest first.
const MOST_ASIDE: u32 = 1000;

/// What became of a row that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Mended {
    /// What is in it now; nothing if it is lost.
    pub rolled: Vec<Rolled>,
    pub outcome: Outcome,
}

/// How much of a row could be told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All, as far as anybody knows.
    Whole,
    /// So many readings of so many: the others were thinned, or are kept no longer.
    Part { told: u64, of: u64 },
    /// From this time on; what was before is kept no longer.
    Since(UtcMillis),
    /// Nothing; its bytes are set aside.
    Lost,
}

/// The minutes of the hour that begins at `hour`, as the samples on the shelf tell them.
pub async fn minutes_of(
    connection: &mut SqliteConnection,
    series: u32,
    hour: UtcMillis,
) -> sqlx::Result<Vec<Rolled>> {
    let end = UtcMillis(hour.0.saturating_add(Period::Hour.millis() - 1));
    let mut samples = Vec::new();
    for chunk in shelves::chunks(&mut *connection, series, hour, end).await? {
        if chunk.last < hour {
            continue;
        }
        let bytes = shelves::chunk_bytes(&mut *connection, chunk.id).await?;
        // One that is damaged is named by whoever looks for it.
        let there = chunk::decode(&bytes).unwrap_or_default().into_iter();
        samples.extend(there.filter(|sample| sample.at >= hour && sample.at <= end));
    }
    Ok(minutes(&samples))
}

/// Tells a row again that cannot be read, and puts it in its place. A row of which nothing
/// can be told is set aside.
///
/// # Errors
/// If the file does not take it.
pub async fn mend(
    connection: &mut SqliteConnection,
    kind: Rollups,
    series: u32,
    start: UtcMillis,
    damage: DecodeError,
) -> sqlx::Result<Mended> {
    let (rolled, period) = match kind {
        Rollups::Minutes => (
            minutes_of(&mut *connection, series, start).await?,
            Period::Minute,
        ),
        Rollups::Hours => (
            hours_of(&mut *connection, series, start).await?,
            Period::Hour,
        ),
    };
    if rolled.is_empty() {
        let end = UtcMillis(start.0.saturating_add(row_length(kind)));
        let reason = damage.to_string();
        care::set_rollups_aside(connection, kind, series, (start, end), &reason).await?;
        let outcome = Outcome::Lost;
        return Ok(Mended { rolled, outcome });
    }
    let outcome = match kind {
        Rollups::Minutes => of_minutes(&mut *connection, series, start, &rolled).await?,
        Rollups::Hours => of_hours(&mut *connection, series, start, &rolled).await?,
    };
    let bytes = rollup::encode(period, &rolled);
    let bytes = bytes.map_err(|error| sqlx::Error::Encode(error.into()))?;
    shelves::put_rollups(connection, kind, series, start, &bytes).await?;
    Ok(Mended { rolled, outcome })
}

/// The hours of the row that begins at `start`.
async fn hours_of(
    connection: &mut SqliteConnection,
    series: u32,
    start: UtcMillis,
) -> sqlx::Result<Vec<Rolled>> {
    let end = start.0.saturating_add(row_length(Rollups::Hours));
    let mut hours = Vec::new();
    let mut hour = start;
    while hour.0 < end {
        let kind = Rollups::Minutes;
        let row = shelves::rollups(&mut *connection, kind, series, hour, hour).await?;
        let minutes = match row.first().map(|bytes| rollup::decode(bytes)) {
            Some(Ok((_, minutes))) => minutes,
            _ => minutes_of(&mut *connection, series, hour).await?,
        };
        hours.extend(coarser(Period::Hour, &minutes));
        hour = UtcMillis(hour.0.saturating_add(Period::Hour.millis()));
    }
    Ok(hours)
}

/// The hour knows how many readings its minutes had.
async fn of_minutes(
    connection: &mut SqliteConnection,
    series: u32,
    hour: UtcMillis,
    rolled: &[Rolled],
) -> sqlx::Result<Outcome> {
    let row = super::row_start(Rollups::Hours, hour);
    let row = shelves::rollups(connection, Rollups::Hours, series, row, row).await?;
    let hours = row.first().and_then(|bytes| rollup::decode(bytes).ok());
    let hours = hours.map(|(_, hours)| hours).unwrap_or_default();
    let of = hours.iter().find(|one| one.start == hour);
    let told = rolled.iter().map(|one| one.bucket.count).sum();
    Ok(match of.map(|one| one.bucket.count) {
        Some(of) if of > told => Outcome::Part { told, of },
        _ => Outcome::Whole,
    })
}

/// What is finer may begin in the middle of a row, because it is kept for less long or because
/// the series does.
async fn of_hours(
    connection: &mut SqliteConnection,
    series: u32,
    start: UtcMillis,
    rolled: &[Rolled],
) -> sqlx::Result<Outcome> {
    let Some(first) = rolled.first().filter(|first| first.start > start) else {
        return Ok(Outcome::Whole);
    };
    let ever = UtcMillis(i64::MIN);
    let before = UtcMillis(start.0.saturating_sub(1));
    let earlier = shelves::rollups(&mut *connection, Rollups::Hours, series, ever, before).await?;
    // Samples are kept for less long than minutes, where either is not kept forever.
    let oldest = shelves::chunk_after(&mut *connection, series, ever).await?;
    let samples_end = oldest.is_none_or(|oldest| Period::Hour.start(oldest.first) > first.start);
    // Of whichever series: better too careful.
    let aside = care::aside(connection, MOST_ASIDE).await?;
    let mut aside = aside.iter().filter_map(|one| one.first);
    let is_aside = aside.any(|at| at >= start.0 && at < first.start.0);
    Ok(if !earlier.is_empty() || samples_end || is_aside {
        Outcome::Since(first.start)
    } else {
        Outcome::Whole
    })
}
