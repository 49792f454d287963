//! Minutes and hours, a row for each.

use sqlx::PgConnection;

use super::Stamp;
use super::series::wide;
use crate::clock::UtcMillis;
use crate::history::column::numbers::DECIMALS;
use crate::history::rollup::{Bucket, Rolled, Sum};
use crate::history::store::shelves::Rollups;

/// The statement for minutes or for hours.
macro_rules! of {
    ($kind:expr, $before:literal, $after:literal) => {
        match $kind {
            Rollups::Minutes => concat!($before, "minutes", $after),
            Rollups::Hours => concat!($before, "hours", $after),
        }
    };
}

type Columns = (
    i32,
    Stamp,
    i64,
    f64,
    f64,
    f64,
    f64,
    Option<i64>,
    Option<i16>,
);

/// The buckets that are there of those that are asked for.
pub async fn there(
    connection: &mut PgConnection,
    kind: Rollups,
    asked: &[(u32, UtcMillis)],
) -> sqlx::Result<Vec<((u32, UtcMillis), Bucket)>> {
    let ids: Vec<i32> = asked.iter().map(|(id, _)| wide(*id)).collect();
    let starts: Vec<Stamp> = asked.iter().map(|(_, start)| Stamp(*start)).collect();
    let rows: Vec<Columns> = sqlx::query_as(of!(
        kind,
        "SELECT series, start, count, min, max, last, sum, exact, decimals FROM ",
        " JOIN UNNEST($1::INTEGER[], $2::TIMESTAMPTZ[]) AS asked (series, start)
            USING (series, start)"
    ))
    .bind(ids)
    .bind(starts)
    .fetch_all(connection)
    .await?;
    let row = |columns| {
        let (series, rolled) = rolled(columns)?;
        Some(((series, rolled.start), rolled.bucket))
    };
    Ok(rows.into_iter().filter_map(row).collect())
}

/// The buckets that begin within a stretch, in order.
pub async fn within(
    connection: &mut PgConnection,
    kind: Rollups,
    series: u32,
    (from, to): (UtcMillis, UtcMillis),
) -> sqlx::Result<Vec<Rolled>> {
    let rows: Vec<Columns> = sqlx::query_as(of!(
        kind,
        "SELECT series, start, count, min, max, last, sum, exact, decimals FROM ",
        " WHERE series = $1 AND start BETWEEN $2 AND $3 ORDER BY start"
    ))
    .bind(wide(series))
    .bind(Stamp(from))
    .bind(Stamp(to))
    .fetch_all(connection)
    .await?;
    let row = |columns| rolled(columns).map(|(_, rolled)| rolled);
    Ok(rows.into_iter().filter_map(row).collect())
}

/// Puts buckets in their places, instead of those that are there.
pub async fn put(
    connection: &mut PgConnection,
    kind: Rollups,
    buckets: &[((u32, UtcMillis), Bucket)],
) -> sqlx::Result<()> {
    let of = |which: fn(&Bucket) -> f64| -> Vec<f64> {
        buckets.iter().map(|(_, bucket)| which(bucket)).collect()
    };
    let ids: Vec<i32> = buckets.iter().map(|((id, _), _)| wide(*id)).collect();
    let starts: Vec<Stamp> = buckets.iter().map(|((_, at), _)| Stamp(*at)).collect();
    let count = |bucket: &Bucket| i64::try_from(bucket.count).unwrap_or(i64::MAX);
    let counts: Vec<i64> = buckets.iter().map(|(_, bucket)| count(bucket)).collect();
    let integers: Vec<Option<i64>> = buckets.iter().map(|(_, one)| exact(one.sum).0).collect();
    let decimals: Vec<Option<i16>> = buckets.iter().map(|(_, one)| exact(one.sum).1).collect();
    sqlx::query(of!(
        kind,
        "INSERT INTO ",
        " (series, start, count, min, max, mean, last, sum, exact, decimals)
        SELECT * FROM UNNEST($1::INTEGER[], $2::TIMESTAMPTZ[], $3::BIGINT[],
            $4::DOUBLE PRECISION[], $5::DOUBLE PRECISION[], $6::DOUBLE PRECISION[],
            $7::DOUBLE PRECISION[], $8::DOUBLE PRECISION[], $9::BIGINT[], $10::SMALLINT[])
        ON CONFLICT (series, start) DO UPDATE SET
            count = excluded.count, min = excluded.min, max = excluded.max,
            mean = excluded.mean, last = excluded.last, sum = excluded.sum,
            exact = excluded.exact, decimals = excluded.decimals"
    ))
    .bind(ids)
    .bind(starts)
    .bind(counts)
    .bind(of(|bucket| bucket.min))
    .bind(of(|bucket| bucket.max))
    .bind(of(Bucket::mean))
    .bind(of(|bucket| bucket.last))
    .bind(of(|bucket| bucket.sum.near()))
    .bind(integers)
    .bind(decimals)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes buckets that begin before; says how many.
pub async fn remove_before(
    connection: &mut PgConnection,
    kind: Rollups,
    series: u32,
    before: UtcMillis,
) -> sqlx::Result<u64> {
    let gone = sqlx::query(of!(
        kind,
        "DELETE FROM ",
        " WHERE series = $1 AND start < $2"
    ))
    .bind(wide(series))
    .bind(Stamp(before))
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}

fn exact(sum: Sum) -> (Option<i64>, Option<i16>) {
    match sum {
        Sum::Exact { integer, decimals } => (Some(integer), Some(decimals.into())),
        Sum::Near(_) => (None, None),
    }
}

fn rolled(columns: Columns) -> Option<(u32, Rolled)> {
    let (series, start, count, min, max, last, sum, exact, decimals) = columns;
    let decimals = decimals.and_then(|decimals| u8::try_from(decimals).ok());
    let decimals = decimals.filter(|decimals| *decimals <= DECIMALS);
    let sum = match exact.zip(decimals) {
        Some((integer, decimals)) => Sum::Exact { integer, decimals },
        None => Sum::Near(sum),
    };
    let bucket = Bucket {
        count: u64::try_from(count).ok()?,
        min,
        max,
        last,
        sum,
    };
    let rolled = Rolled {
        start: start.0,
        bucket,
    };
    // Others may write there, too.
    (bucket.is_sound()).then_some((u32::try_from(series).ok()?, rolled))
}
