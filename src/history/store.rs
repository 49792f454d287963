//! All SQL of the history, checked when it is compiled (`scripts/prepare-queries`).
//!
//! One row for each reading, clustered by series and time. Two readings of one
//! topic in the same millisecond are both kept, in the order in which they came.

use std::collections::HashMap;
use std::path::Path;

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use super::backlog::{Batch, Description};
use super::thin::Thinner;
use super::{Change, Point, SeriesInfo, Stretch};
use crate::clock::UtcMillis;
use crate::database::{Database, Durability, Kind, OpenError};
use crate::home::{DeviceClass, Quantity, Reading, Thing, Value};

static HISTORY: Kind = Kind {
    name: "history",
    application_id: 0x4865_4869,
    migrations: sqlx::migrate!("migrations/history"),
    durability: Durability::Normal,
};

/// An open history. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the file, making it if it is missing.
    pub async fn open(file: &Path) -> Result<Store, OpenError> {
        let database = Database::open(file, &HISTORY).await?;
        Ok(Store { database })
    }

    /// Opens a file that is there, for reading alone.
    pub async fn open_to_read(file: &Path) -> Result<Store, OpenError> {
        let database = Database::open_to_read(file, &HISTORY).await?;
        Ok(Store { database })
    }

    /// Folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Writes a batch, all of it or nothing.
    pub async fn commit(&self, batch: &Batch) -> sqlx::Result<()> {
        let mut transaction = self.database.writer.begin().await?;
        for (topic, description) in &batch.descriptions {
            describe(&mut transaction, topic, description).await?;
        }
        let mut known = HashMap::new();
        for reading in &batch.readings {
            let series = match known.get(reading.topic.as_str()) {
                Some(series) => *series,
                None => series_of(&mut transaction, &reading.topic).await?,
            };
            known.insert(reading.topic.as_str(), series);
            insert(&mut transaction, series, reading).await?;
        }
        transaction.commit().await
    }

    /// Every topic that has readings, and every topic of commands, by name.
    pub async fn series(&self) -> sqlx::Result<Vec<SeriesInfo>> {
        let rows = sqlx::query_as!(
            SeriesRow,
            r#"SELECT topic, unit, device_class,
                (SELECT MIN(at) FROM readings WHERE readings.series = series.id) AS "first: i64",
                (SELECT MAX(at) FROM readings WHERE readings.series = series.id) AS "last: i64"
            FROM series ORDER BY topic"#
        );
        let rows = rows.fetch_all(&self.database.readers).await?;
        Ok(rows.into_iter().filter_map(SeriesRow::info).collect())
    }

    /// The last reading of `topic`.
    pub async fn latest(&self, topic: &str) -> sqlx::Result<Option<Reading>> {
        self.last_until(topic, UtcMillis(i64::MAX)).await
    }

    /// See [`History::stretch`](super::History::stretch).
    pub async fn stretch(
        &self,
        topic: &str,
        from: UtcMillis,
        to: UtcMillis,
        points: usize,
    ) -> sqlx::Result<Stretch> {
        let found = sqlx::query_scalar!("SELECT id FROM series WHERE topic = ?", topic);
        let Some(series) = found.fetch_optional(&self.database.readers).await? else {
            return Ok(Stretch::Numbers(Vec::new()));
        };
        let buckets = self.buckets(series, from, to, points).await?;
        let before = self
            .last_until(topic, UtcMillis(from.0.saturating_sub(1)))
            .await?;
        let held = before.filter(|reading| reading.value.as_number().is_none());
        let empty = buckets.numbers == 0 && buckets.texts == 0;
        if buckets.texts > buckets.numbers || (empty && held.is_some()) {
            let changes = self.changes(series, from, to, held, points).await?;
            return Ok(Stretch::States(changes));
        }
        Ok(Stretch::Numbers(buckets.points))
    }

    /// One short statement for each bucket: SQLite merges the readings without
    /// sorting them, and a long stretch holds no lock for long.
    async fn buckets(
        &self,
        series: i64,
        from: UtcMillis,
        to: UtcMillis,
        points: usize,
    ) -> sqlx::Result<Buckets> {
        let mut connection = self.database.readers.acquire().await?;
        let mut buckets = Buckets::default();
        for (first, last) in slots(from, to, points) {
            let merged = sqlx::query!(
                r#"SELECT COUNT(number) AS "numbers!: i64", COUNT(text) AS "texts!: i64",
                    MIN(number) AS "min: f64", MAX(number) AS "max: f64", AVG(number) AS "mean: f64",
                    MAX(at) FILTER (WHERE number IS NOT NULL) AS "at: i64"
                FROM readings WHERE series = ? AND at BETWEEN ? AND ?"#,
                series,
                first,
                last
            );
            let merged = merged.fetch_one(&mut *connection).await?;
            buckets.numbers += merged.numbers;
            buckets.texts += merged.texts;
            if let (Some(min), Some(max), Some(at)) = (merged.min, merged.max, merged.at) {
                buckets.points.push(Point {
                    at: UtcMillis(at),
                    min,
                    max,
                    // The sum behind the mean may overflow or be rounded; the mean may not.
                    mean: merged.mean.unwrap_or(max).clamp(min, max),
                    count: u32::try_from(merged.numbers).unwrap_or(u32::MAX),
                });
            }
        }
        Ok(buckets)
    }

    async fn changes(
        &self,
        series: i64,
        from: UtcMillis,
        to: UtcMillis,
        held: Option<Reading>,
        points: usize,
    ) -> sqlx::Result<Vec<Change>> {
        let mut thinner = Thinner::new(from, to, points);
        if let Some(Reading { at, value, .. }) = held {
            let state = value.to_string();
            thinner.push(Change { at, state });
        }
        let rows = sqlx::query!(
            r#"SELECT at AS "at!: i64", text AS "text!: String" FROM (
                SELECT at, text, LAG(text) OVER (ORDER BY at, nth) AS previous
                FROM readings WHERE series = ? AND at BETWEEN ? AND ? AND text IS NOT NULL
            ) WHERE text IS NOT previous"#,
            series,
            from.0,
            to.0
        );
        let mut rows = rows.fetch(&self.database.readers);
        while let Some(row) = rows.try_next().await? {
            thinner.push(Change {
                at: UtcMillis(row.at),
                state: row.text,
            });
        }
        Ok(thinner.finish())
    }

    /// Up to `count` readings of a series after `after` and not later than `to`, in
    /// their order, each with its place.
    pub async fn page(
        &self,
        topic: &str,
        after: Place,
        to: UtcMillis,
        count: u32,
    ) -> sqlx::Result<Vec<(Place, Value)>> {
        let rows = sqlx::query!(
            r#"SELECT at, nth, number, text FROM readings
            WHERE series = (SELECT id FROM series WHERE topic = ?)
                AND (at, nth) > (?, ?) AND at <= ?
            ORDER BY series, at, nth LIMIT ?"#,
            topic,
            after.at.0,
            after.nth,
            to.0,
            count
        );
        let rows = rows.fetch_all(&self.database.readers).await?;
        let read = rows.into_iter().map(|row| {
            let place = Place {
                at: UtcMillis(row.at),
                nth: row.nth,
            };
            (place, value(row.number, row.text))
        });
        Ok(read.collect())
    }

    /// The last reading of `topic` that is not later than `until`.
    pub async fn last_until(&self, topic: &str, until: UtcMillis) -> sqlx::Result<Option<Reading>> {
        let row = sqlx::query!(
            r#"SELECT at, number, text FROM readings
            WHERE series = (SELECT id FROM series WHERE topic = ?) AND at <= ?
            ORDER BY series DESC, at DESC, nth DESC LIMIT 1"#,
            topic,
            until.0
        );
        let row = row.fetch_optional(&self.database.readers).await?;
        Ok(row.map(|row| Reading {
            topic: topic.to_owned(),
            value: value(row.number, row.text),
            at: UtcMillis(row.at),
        }))
    }
}

/// Where a reading stands in its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub at: UtcMillis,
    /// 0, 1, … for readings of the same millisecond.
    pub nth: i64,
}

#[derive(Default)]
struct Buckets {
    points: Vec<Point>,
    numbers: i64,
    texts: i64,
}

struct SeriesRow {
    topic: String,
    unit: Option<String>,
    device_class: Option<String>,
    first: Option<i64>,
    last: Option<i64>,
}

impl SeriesRow {
    /// A series that was only described has no times and is none yet.
    fn info(self) -> Option<SeriesInfo> {
        Some(SeriesInfo {
            topic: self.topic,
            unit: self.unit,
            device_class: self.device_class.as_deref().and_then(class_from_name),
            first: UtcMillis(self.first?),
            last: UtcMillis(self.last?),
        })
    }
}

/// Cuts a stretch into at most `count` slots of equal length, each given by its
/// first and last millisecond.
fn slots(from: UtcMillis, to: UtcMillis, count: usize) -> impl Iterator<Item = (i64, i64)> {
    let (from, to) = (i128::from(from.0), i128::from(to.0));
    let count = count.max(1) as i128;
    let length = ((to - from + 1) + count - 1) / count;
    let starts = (0..count).map(move |n| from + n * length);
    let clamp = |at: i128| i64::try_from(at).unwrap_or(i64::MAX);
    starts
        .take_while(move |start| *start <= to)
        .map(move |start| (clamp(start), clamp((start + length - 1).min(to))))
}

/// Numbers are stored as numbers, everything else as the payload said it.
fn value(number: Option<f64>, text: Option<String>) -> Value {
    match (number, text) {
        (Some(number), _) => Value::Number(number),
        (None, text) => Value::parse(&text.unwrap_or_default()),
    }
}

async fn series_of(connection: &mut SqliteConnection, topic: &str) -> sqlx::Result<i64> {
    let found = sqlx::query_scalar!("SELECT id FROM series WHERE topic = ?", topic);
    match found.fetch_optional(&mut *connection).await? {
        Some(series) => Ok(series),
        None => describe(connection, topic, &guess(topic)).await,
    }
}

/// What a topic measures going by its name, until a board says better.
fn guess(topic: &str) -> Description {
    let thing = Thing::from_topic(topic);
    let quantity = thing.and_then(|thing| Quantity::from_name(&thing.name));
    Description {
        unit: quantity
            .as_ref()
            .and_then(|quantity| quantity.unit.map(str::to_owned)),
        device_class: quantity.and_then(|quantity| quantity.device_class),
    }
}

async fn describe(
    connection: &mut SqliteConnection,
    topic: &str,
    description: &Description,
) -> sqlx::Result<i64> {
    let class = description.device_class.and_then(class_name);
    let series = sqlx::query_scalar!(
        r#"INSERT INTO series (topic, unit, device_class) VALUES (?, ?, ?)
        ON CONFLICT (topic) DO UPDATE SET unit = excluded.unit, device_class = excluded.device_class
        RETURNING id AS "id!: i64""#,
        topic,
        description.unit,
        class
    );
    series.fetch_one(connection).await
}

async fn insert(
    connection: &mut SqliteConnection,
    series: i64,
    reading: &Reading,
) -> sqlx::Result<()> {
    let number = reading.value.as_number();
    let text = number.is_none().then(|| reading.value.to_string());
    sqlx::query!(
        "INSERT INTO readings (series, at, nth, number, text)
        SELECT ?1, ?2, COALESCE(MAX(nth) + 1, 0), ?3, ?4
        FROM readings WHERE series = ?1 AND at = ?2",
        series,
        reading.at.0,
        number,
        text
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The name under which a class is written everywhere: `carbon_dioxide`.
fn class_name(class: DeviceClass) -> Option<String> {
    let name = serde_json::to_value(class).ok()?;
    name.as_str().map(str::to_owned)
}

fn class_from_name(name: &str) -> Option<DeviceClass> {
    serde_json::from_value(name.into()).ok()
}

#[cfg(test)]
mod tests;
