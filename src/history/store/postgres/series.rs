//! Topics on the server, and what is known of them.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::Stamp;
use crate::clock::UtcMillis;
use crate::history::store::series::{class_from_name, class_name};
use crate::history::store::shelves::Kinds;
use crate::history::waiting::Description;

/// A series, and how much there is of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: u32,
    pub topic: String,
    pub description: Description,
    pub kinds: Kinds,
    /// First and last sample.
    pub ends: Option<(UtcMillis, UtcMillis)>,
    pub first_minute: Option<UtcMillis>,
    pub first_hour: Option<UtcMillis>,
}

type Columns = (
    i32,
    String,
    Option<String>,
    Option<String>,
    i64,
    i64,
    i64,
    Option<Stamp>,
    Option<Stamp>,
    Option<Stamp>,
    Option<Stamp>,
);

/// All series by topic.
pub async fn all(connection: &mut PgConnection) -> sqlx::Result<Vec<Row>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT id, topic, unit, device_class, numbers, switches, texts,
            (SELECT MIN(at) FROM samples WHERE series = id),
            (SELECT MAX(at) FROM samples WHERE series = id),
            (SELECT MIN(start) FROM minutes WHERE series = id),
            (SELECT MIN(start) FROM hours WHERE series = id)
        FROM series ORDER BY topic COLLATE \"C\"",
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(row).collect()
}

/// The series of a topic, if there is one.
pub async fn find(connection: &mut PgConnection, topic: &str) -> sqlx::Result<Option<Row>> {
    let found: Option<Columns> = sqlx::query_as(
        "SELECT id, topic, unit, device_class, numbers, switches, texts,
            (SELECT MIN(at) FROM samples WHERE series = id),
            (SELECT MAX(at) FROM samples WHERE series = id),
            (SELECT MIN(start) FROM minutes WHERE series = id),
            (SELECT MIN(start) FROM hours WHERE series = id)
        FROM series WHERE topic = $1",
    )
    .bind(topic)
    .fetch_optional(connection)
    .await?;
    found.map(row).transpose()
}

/// A topic, and what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub topic: String,
    pub description: Description,
    /// Whether it counts more than what the server knows.
    pub is_firm: bool,
}

/// The ids of topics, which are made where they are missing. What is not said of a topic
/// leaves it as it is.
pub async fn ids(
    connection: &mut PgConnection,
    topics: &[Said],
) -> sqlx::Result<HashMap<String, u32>> {
    let names: Vec<&str> = topics.iter().map(|one| one.topic.as_str()).collect();
    let unit = |one: &Said| Some(clean(one.description.unit.as_deref()?));
    let units: Vec<Option<String>> = topics.iter().map(unit).collect();
    let class = |one: &Said| one.description.device_class.and_then(class_name);
    let classes: Vec<Option<String>> = topics.iter().map(class).collect();
    let firm: Vec<bool> = topics.iter().map(|one| one.is_firm).collect();
    // An update that changes nothing would write all the same, and so is left out.
    let rows: Vec<(i32, String)> = sqlx::query_as(
        "WITH said AS (
            SELECT topic,
                CASE WHEN firm THEN COALESCE(said.unit, series.unit)
                    ELSE COALESCE(series.unit, said.unit) END AS unit,
                CASE WHEN firm THEN COALESCE(said.class, series.device_class)
                    ELSE COALESCE(series.device_class, said.class) END AS class
            FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BOOLEAN[])
                AS said (topic, unit, class, firm)
            LEFT JOIN series USING (topic)
        ), changed AS (
            INSERT INTO series (topic, unit, device_class) SELECT topic, unit, class FROM said
            ON CONFLICT (topic) DO UPDATE SET
                unit = excluded.unit, device_class = excluded.device_class
            WHERE series.unit IS DISTINCT FROM excluded.unit
                OR series.device_class IS DISTINCT FROM excluded.device_class
            RETURNING id, topic
        )
        SELECT id, topic FROM changed
        UNION SELECT id, topic FROM series WHERE topic = ANY($1)",
    )
    .bind(names)
    .bind(units)
    .bind(classes)
    .bind(firm)
    .fetch_all(connection)
    .await?;
    let ids = rows.into_iter().map(|(id, topic)| Ok((topic, small(id)?)));
    ids.collect()
}

/// Adds to what there is of each series, or takes away.
pub async fn count(connection: &mut PgConnection, added: &[(u32, Kinds)]) -> sqlx::Result<()> {
    let ids: Vec<i32> = added.iter().map(|(id, _)| wide(*id)).collect();
    let of = |which: fn(&Kinds) -> i64| -> Vec<i64> {
        added.iter().map(|(_, kinds)| which(kinds)).collect()
    };
    sqlx::query(
        "UPDATE series SET numbers = series.numbers + more.numbers,
            switches = series.switches + more.switches, texts = series.texts + more.texts
        FROM UNNEST($1::INTEGER[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[])
            AS more (id, numbers, switches, texts)
        WHERE series.id = more.id",
    )
    .bind(ids)
    .bind(of(|kinds| kinds.numbers))
    .bind(of(|kinds| kinds.switches))
    .bind(of(|kinds| kinds.texts))
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a topic with all that there is of it; says how many samples.
pub async fn remove(connection: &mut PgConnection, topic: &str) -> sqlx::Result<u64> {
    let gone: Option<i64> = sqlx::query_scalar(
        "DELETE FROM series WHERE topic = $1 RETURNING numbers + switches + texts",
    )
    .bind(topic)
    .fetch_optional(connection)
    .await?;
    Ok(u64::try_from(gone.unwrap_or(0)).unwrap_or(0))
}

/// What the samples take on the server's disk, with their indexes.
pub async fn bytes(connection: &mut PgConnection) -> sqlx::Result<u64> {
    // A hypertable's rows are in its chunks, which are its children.
    let bytes: i64 = sqlx::query_scalar(
        "SELECT (pg_total_relation_size('samples') + COALESCE((
            SELECT SUM(pg_total_relation_size(inhrelid)) FROM pg_inherits
            WHERE inhparent = 'samples'::regclass), 0))::BIGINT",
    )
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

fn row(columns: Columns) -> sqlx::Result<Row> {
    let (id, topic, unit, class, numbers, switches, texts, first, last, minute, hour) = columns;
    let at = |stamp: Option<Stamp>| stamp.map(|stamp| stamp.0);
    Ok(Row {
        id: small(id)?,
        topic,
        description: Description {
            unit,
            device_class: class.as_deref().and_then(class_from_name),
        },
        kinds: Kinds {
            numbers,
            switches,
            texts,
        },
        ends: at(first).zip(at(last)),
        first_minute: at(minute),
        first_hour: at(hour),
    })
}

fn small(id: i32) -> sqlx::Result<u32> {
    u32::try_from(id).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// An id came from the server, where it is an `INTEGER`.
pub(super) fn wide(id: u32) -> i32 {
    i32::try_from(id).unwrap_or(i32::MAX)
}

/// PostgreSQL's texts hold everything but a zero byte.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
