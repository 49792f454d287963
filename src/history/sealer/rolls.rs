//! Keeps the roll-ups of a series: each row is read, what is new is put together with what
//! is there, and the row is written again.
//!
//! Buckets add up whichever way they are put together, so late samples need nothing but
//! themselves: neither what was thinned nor what is kept no longer has to be there. A row
//! that is damaged is told again from what is finer first.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::again;
use crate::clock::UtcMillis;
use crate::history::rollup::{self, Bucket, Period, Rolled, coarser, roll};
use crate::history::sample::Sample;
use crate::history::store::shelves::{self, Rollups};
use crate::home::Value;

const HOUR_MS: i64 = 3_600_000;
/// Eight days of hours are about 700 bytes, which SQLite keeps beside others in a page.
const HOURS_ROW_MS: i64 = 8 * 24 * HOUR_MS;

/// What a row of these roll-ups covers, in milliseconds.
pub fn row_length(kind: Rollups) -> i64 {
    match kind {
        Rollups::Minutes => HOUR_MS,
        Rollups::Hours => HOURS_ROW_MS,
    }
}

/// The begin of the row that holds `at`.
pub fn row_start(kind: Rollups, at: UtcMillis) -> UtcMillis {
    let length = row_length(kind);
    UtcMillis(at.0.saturating_sub(at.0.rem_euclid(length)))
}

/// The minutes of samples that are in order of time. Numbers count, or on and off as 1 and
/// 0 if there are more of them: a stray word in the other tongue must not become a spike.
pub fn minutes(samples: &[Sample]) -> Vec<Rolled> {
    let numbers = samples.iter().filter(|one| one.value.as_number().is_some());
    let switches = samples.iter().filter(|one| one.value.as_switch().is_some());
    let are_switches = switches.count() > numbers.count();
    let number = |sample: &Sample| match sample.value {
        Value::Number(number) if !are_switches => Some((sample.at, number)),
        Value::Switch(on) if are_switches => Some((sample.at, f64::from(u8::from(on)))),
        _ => None,
    };
    roll(Period::Minute, samples.iter().filter_map(number))
}

/// Whether samples came in order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// They are newer than all that is there, and not on the shelf yet.
    Fresh,
    /// They are on the shelf, among others.
    Late,
}

/// Adds minutes of samples that are newer than all that is there, before they are put on the
/// shelf.
pub async fn add(
    connection: &mut SqliteConnection,
    series: u32,
    minutes: &[Rolled],
) -> sqlx::Result<()> {
    put_all(connection, series, minutes, When::Fresh).await
}

/// Adds minutes of late samples, after they were put on the shelf.
pub async fn add_late(
    connection: &mut SqliteConnection,
    series: u32,
    minutes: &[Rolled],
) -> sqlx::Result<()> {
    put_all(connection, series, minutes, When::Late).await
}

async fn put_all(
    connection: &mut SqliteConnection,
    series: u32,
    minutes: &[Rolled],
    when: When,
) -> sqlx::Result<()> {
    let hours = coarser(Period::Hour, minutes);
    let told = match when {
        When::Fresh => Vec::new(),
        When::Late => told(&mut *connection, series, &hours).await?,
    };
    let told_hours = coarser(Period::Hour, &told);
    for (kind, rolled, told) in [
        (Rollups::Minutes, minutes, &told),
        (Rollups::Hours, &hours, &told_hours),
    ] {
        let row = |one: &Rolled| row_start(kind, one.start);
        for new in rolled.chunk_by(|a, b| row(a) == row(b)) {
            put_row(&mut *connection, series, kind, new, (when, told)).await?;
        }
    }
    Ok(())
}

/// The minutes of these hours, as the samples on the shelf tell them.
async fn told(
    connection: &mut SqliteConnection,
    series: u32,
    hours: &[Rolled],
) -> sqlx::Result<Vec<Rolled>> {
    let mut told = Vec::new();
    for hour in hours {
        told.extend(again::minutes_of(&mut *connection, series, hour.start).await?);
    }
    Ok(told)
}

/// A bucket with what is late: only the shelf knows which of its readings was the last. Where it
/// has all of them it is asked; else something has come after what is late, most likely.
pub fn with_late(there: Bucket, late: &Rolled, told: &[Rolled]) -> Bucket {
    let both = late.bucket.then(there);
    let found = told.binary_search_by_key(&late.start, |one| one.start);
    let found = found.ok().and_then(|nth| told.get(nth));
    match found {
        Some(told) if told.bucket.count == both.count => told.bucket,
        _ => both,
    }
}

async fn put_row(
    connection: &mut SqliteConnection,
    series: u32,
    kind: Rollups,
    new: &[Rolled],
    (when, told): (When, &[Rolled]),
) -> sqlx::Result<()> {
    let Some(first) = new.first() else {
        return Ok(());
    };
    let start = row_start(kind, first.start);
    let there = shelves::rollups(&mut *connection, kind, series, start, start).await?;
    let mut row: BTreeMap<UtcMillis, Bucket> = BTreeMap::new();
    let mut new = new;
    for bytes in there {
        let rolled = match rollup::decode(&bytes) {
            Ok((_, rolled)) => rolled,
            Err(error) => {
                tracing::error!("roll-ups of series {series} {error}; they are told again");
                let mended = again::mend(&mut *connection, kind, series, start, error).await?;
                if kind == Rollups::Hours || when == When::Late {
                    // What is new is in the minutes already, or on the shelf.
                    new = &[];
                }
                mended.rolled
            }
        };
        row.extend(rolled.into_iter().map(|one| (one.start, one.bucket)));
    }
    for one in new {
        let bucket = match (row.get(&one.start), when) {
            (Some(there), When::Fresh) => there.then(one.bucket),
            (Some(there), When::Late) => with_late(*there, one, told),
            (None, _) => one.bucket,
        };
        row.insert(one.start, bucket);
    }
    if row.is_empty() {
        return Ok(());
    }
    let row = row.into_iter();
    let row: Vec<Rolled> = row
        .map(|(start, bucket)| Rolled { start, bucket })
        .collect();
    let period = match kind {
        Rollups::Minutes => Period::Minute,
        Rollups::Hours => Period::Hour,
    };
    let bytes = rollup::encode(period, &row).map_err(|error| sqlx::Error::Encode(error.into()))?;
    shelves::put_rollups(connection, kind, series, start, &bytes).await
}
