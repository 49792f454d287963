//! Samples, a row for each.

use std::collections::HashSet;

use futures_util::TryStreamExt;
use sqlx::PgConnection;

use super::Stamp;
use super::series::{clean, wide};
use crate::clock::UtcMillis;
use crate::history::chunk::{clock_of_tag, tag_of_clock};
use crate::history::sample::{Origin, Sample};
use crate::history::store::shelves::Kinds;
use crate::home::Value;

/// A statement has so many rows at most.
const ROWS: usize = 8192;

/// A sample in its place: the how-many-th of its millisecond.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub series: u32,
    pub nth: i32,
    pub sample: Sample,
}

/// Where a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub series: u32,
    pub at: UtcMillis,
    pub nth: i32,
}

type Columns = (
    Stamp,
    i32,
    Option<f64>,
    Option<bool>,
    Option<String>,
    i16,
    Option<i64>,
    Option<i64>,
);

/// Of which series, which of its millisecond, when, and what.
type OfSeries = (i32, i32, Stamp, Option<f64>, Option<bool>, Option<String>);

/// When the newest sample of each series was; nothing where there is none.
pub async fn newest(
    connection: &mut PgConnection,
    series: &[u32],
) -> sqlx::Result<Vec<(u32, UtcMillis)>> {
    let ids: Vec<i32> = series.iter().map(|id| wide(*id)).collect();
    let rows: Vec<(i32, Option<Stamp>)> = sqlx::query_as(
        "SELECT id, (SELECT MAX(at) FROM samples WHERE series = id)
        FROM UNNEST($1::INTEGER[]) AS asked (id)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let known = rows.into_iter();
    let known = known.filter_map(|(id, at)| Some((u32::try_from(id).ok()?, at?.0)));
    Ok(known.collect())
}

/// Those of these origins that have come before.
pub async fn known_origins(
    connection: &mut PgConnection,
    asked: &[(u32, Origin)],
) -> sqlx::Result<HashSet<(u32, Origin)>> {
    let ids: Vec<i32> = asked.iter().map(|(id, _)| wide(*id)).collect();
    let boots: Vec<i64> = asked.iter().map(|(_, one)| one.boot.into()).collect();
    let sequences: Vec<i64> = asked.iter().map(|(_, one)| one.sequence.into()).collect();
    let rows: Vec<(i32, i64, i64)> = sqlx::query_as(
        "SELECT DISTINCT series, boot, sequence FROM samples JOIN
            UNNEST($1::INTEGER[], $2::BIGINT[], $3::BIGINT[]) AS asked (series, boot, sequence)
            USING (series, boot, sequence)
        WHERE boot IS NOT NULL",
    )
    .bind(ids)
    .bind(boots)
    .bind(sequences)
    .fetch_all(connection)
    .await?;
    let origin = |(id, boot, sequence): (i32, i64, i64)| {
        let origin = Origin {
            boot: u32::try_from(boot).ok()?,
            sequence: u32::try_from(sequence).ok()?,
        };
        Some((u32::try_from(id).ok()?, origin))
    };
    Ok(rows.into_iter().filter_map(origin).collect())
}

/// The samples that are at exactly these times, in their order.
pub async fn at(
    connection: &mut PgConnection,
    asked: &[(u32, UtcMillis)],
) -> sqlx::Result<Vec<Placed>> {
    let ids: Vec<i32> = asked.iter().map(|(id, _)| wide(*id)).collect();
    let times: Vec<Stamp> = asked.iter().map(|(_, at)| Stamp(*at)).collect();
    let rows: Vec<OfSeries> = sqlx::query_as(
        "SELECT series, nth, at, number, switch, text FROM samples JOIN
            (SELECT DISTINCT * FROM UNNEST($1::INTEGER[], $2::TIMESTAMPTZ[])
                AS all_asked (series, at)) AS asked
            USING (series, at)
        ORDER BY series, at, nth",
    )
    .bind(ids)
    .bind(times)
    .fetch_all(connection)
    .await?;
    let placed = rows.into_iter();
    let placed = placed.filter_map(|(series, nth, at, number, switch, text)| {
        Some(Placed {
            series: u32::try_from(series).ok()?,
            nth,
            sample: sample((at, nth, number, switch, text, 0, None, None))?.1,
        })
    });
    Ok(placed.collect())
}

/// Puts samples in their places, which are free.
pub async fn insert(connection: &mut PgConnection, samples: &[Placed]) -> sqlx::Result<()> {
    for some in samples.chunks(ROWS) {
        let of = |which: fn(&Sample) -> Option<u32>| -> Vec<Option<i64>> {
            some.iter()
                .map(|one| which(&one.sample).map(i64::from))
                .collect()
        };
        let ids: Vec<i32> = some.iter().map(|one| wide(one.series)).collect();
        let times: Vec<Stamp> = some.iter().map(|one| Stamp(one.sample.at)).collect();
        let nths: Vec<i32> = some.iter().map(|one| one.nth).collect();
        let value = |one: &Placed| one.sample.value.clone();
        let numbers: Vec<Option<f64>> = some.iter().map(|one| value(one).as_number()).collect();
        let switches: Vec<Option<bool>> = some.iter().map(|one| value(one).as_switch()).collect();
        let texts: Vec<Option<String>> = some.iter().map(|one| text(&one.sample.value)).collect();
        let clock = |one: &Placed| i16::from(tag_of_clock(one.sample.clock));
        let clocks: Vec<i16> = some.iter().map(clock).collect();
        sqlx::query(
            "INSERT INTO samples (series, at, nth, number, switch, text, clock, boot, sequence)
            SELECT * FROM UNNEST($1::INTEGER[], $2::TIMESTAMPTZ[], $3::INTEGER[],
                $4::DOUBLE PRECISION[], $5::BOOLEAN[], $6::TEXT[], $7::SMALLINT[],
                $8::BIGINT[], $9::BIGINT[])",
        )
        .bind(ids)
        .bind(times)
        .bind(nths)
        .bind(numbers)
        .bind(switches)
        .bind(texts)
        .bind(clocks)
        .bind(of(|sample| sample.origin.map(|origin| origin.boot)))
        .bind(of(|sample| sample.origin.map(|origin| origin.sequence)))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Removes what is at these places.
pub async fn remove(connection: &mut PgConnection, places: &[Place]) -> sqlx::Result<()> {
    let ids: Vec<i32> = places.iter().map(|one| wide(one.series)).collect();
    let times: Vec<Stamp> = places.iter().map(|one| Stamp(one.at)).collect();
    let nths: Vec<i32> = places.iter().map(|one| one.nth).collect();
    sqlx::query(
        "DELETE FROM samples USING
            UNNEST($1::INTEGER[], $2::TIMESTAMPTZ[], $3::INTEGER[]) AS gone (series, at, nth)
        WHERE samples.series = gone.series AND samples.at = gone.at AND samples.nth = gone.nth",
    )
    .bind(ids)
    .bind(times)
    .bind(nths)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes what is older; says how many of which kind.
pub async fn remove_before(
    connection: &mut PgConnection,
    series: u32,
    before: UtcMillis,
) -> sqlx::Result<Kinds> {
    let gone: (i64, i64, i64) = sqlx::query_as(
        "WITH gone AS (
            DELETE FROM samples WHERE series = $1 AND at < $2 RETURNING number, switch, text
        )
        SELECT COUNT(number), COUNT(switch), COUNT(text) FROM gone",
    )
    .bind(wide(series))
    .bind(Stamp(before))
    .fetch_one(connection)
    .await?;
    Ok(kinds(gone))
}

/// How many there are of which kind within a stretch.
pub async fn count(
    connection: &mut PgConnection,
    series: u32,
    from: UtcMillis,
    to: UtcMillis,
) -> sqlx::Result<Kinds> {
    let count: (i64, i64, i64) = sqlx::query_as(
        "SELECT COUNT(number), COUNT(switch), COUNT(text) FROM samples
        WHERE series = $1 AND at BETWEEN $2 AND $3",
    )
    .bind(wide(series))
    .bind(Stamp(from))
    .bind(Stamp(to))
    .fetch_one(connection)
    .await?;
    Ok(kinds(count))
}

/// The last one that is not later.
pub async fn last(
    connection: &mut PgConnection,
    series: u32,
    until: UtcMillis,
) -> sqlx::Result<Option<(UtcMillis, Value)>> {
    let row: Option<Columns> = sqlx::query_as(
        "SELECT at, nth, number, switch, text, clock, boot, sequence FROM samples
        WHERE series = $1 AND at <= $2 ORDER BY at DESC, nth DESC LIMIT 1",
    )
    .bind(wide(series))
    .bind(Stamp(until))
    .fetch_optional(connection)
    .await?;
    let last = row.and_then(sample).map(|(_, sample)| sample);
    Ok(last.map(|sample| (sample.at, sample.value)))
}

/// Gives each number of a stretch to `each`, in order of time.
pub async fn numbers(
    connection: &mut PgConnection,
    series: u32,
    (from, to): (UtcMillis, UtcMillis),
    mut each: impl FnMut(UtcMillis, f64),
) -> sqlx::Result<()> {
    let mut rows = sqlx::query_as::<_, (Stamp, f64)>(
        "SELECT at, number FROM samples
        WHERE series = $1 AND at BETWEEN $2 AND $3 AND number IS NOT NULL ORDER BY at, nth",
    )
    .bind(wide(series))
    .bind(Stamp(from))
    .bind(Stamp(to))
    .fetch(connection);
    while let Some((at, number)) = rows.try_next().await? {
        if number.is_finite() {
            each(at.0, number);
        }
    }
    Ok(())
}

/// The last numbers that are not later, in order of time.
pub async fn last_numbers(
    connection: &mut PgConnection,
    series: u32,
    until: UtcMillis,
    most: i64,
) -> sqlx::Result<Vec<(UtcMillis, f64)>> {
    let rows: Vec<(Stamp, f64)> = sqlx::query_as(
        "SELECT at, number FROM samples
        WHERE series = $1 AND at <= $2 AND number IS NOT NULL ORDER BY at DESC, nth DESC LIMIT $3",
    )
    .bind(wide(series))
    .bind(Stamp(until))
    .bind(most)
    .fetch_all(connection)
    .await?;
    let numbers = rows.into_iter().rev().map(|(at, number)| (at.0, number));
    Ok(numbers.filter(|(_, number)| number.is_finite()).collect())
}

/// Gives each value of a stretch to `each`, in order of time.
pub async fn values(
    connection: &mut PgConnection,
    series: u32,
    (from, to): (UtcMillis, UtcMillis),
    mut each: impl FnMut(UtcMillis, Value),
) -> sqlx::Result<()> {
    let mut rows = sqlx::query_as::<_, Columns>(
        "SELECT at, nth, number, switch, text, clock, boot, sequence FROM samples
        WHERE series = $1 AND at BETWEEN $2 AND $3 ORDER BY at, nth",
    )
    .bind(wide(series))
    .bind(Stamp(from))
    .bind(Stamp(to))
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        if let Some((_, sample)) = sample(row) {
            each(sample.at, sample.value);
        }
    }
    Ok(())
}

/// The next samples behind a place and up to `to`, at most so many.
pub async fn page(
    connection: &mut PgConnection,
    behind: Place,
    to: UtcMillis,
    most: usize,
) -> sqlx::Result<Vec<Placed>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT at, nth, number, switch, text, clock, boot, sequence FROM samples
        WHERE series = $1 AND (at, nth) > ($2, $3) AND at <= $4 ORDER BY at, nth LIMIT $5",
    )
    .bind(wide(behind.series))
    .bind(Stamp(behind.at))
    .bind(behind.nth)
    .bind(Stamp(to))
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let placed = rows.into_iter().filter_map(sample);
    let placed = placed.map(|(nth, sample)| Placed {
        series: behind.series,
        nth,
        sample,
    });
    Ok(placed.collect())
}

fn kinds((numbers, switches, texts): (i64, i64, i64)) -> Kinds {
    Kinds {
        numbers,
        switches,
        texts,
    }
}

/// None of a row that is no sample, which others may have written.
fn sample(columns: Columns) -> Option<(i32, Sample)> {
    let (at, nth, number, switch, text, clock, boot, sequence) = columns;
    let origin = boot.zip(sequence).and_then(|(boot, sequence)| {
        Some(Origin {
            boot: u32::try_from(boot).ok()?,
            sequence: u32::try_from(sequence).ok()?,
        })
    });
    let value = match (number, switch, text) {
        (Some(number), _, _) if number.is_finite() => Value::Number(number),
        (_, Some(switch), _) => Value::Switch(switch),
        (_, _, text) => Value::Text(text?),
    };
    let sample = Sample {
        at: at.0,
        value,
        origin,
        clock: clock_of_tag(u8::try_from(clock).unwrap_or(0)),
    };
    Some((nth, sample))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(clean(text)),
        _ => None,
    }
}
