//! Everything that has a checksum, one after the other, and what was set aside.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::shelves::Rollups;
use crate::clock::UtcMillis;

/// A block or chunk with its bytes.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: i64,
    /// None for a block.
    pub series: Option<i64>,
    pub first: Option<UtcMillis>,
    pub last: Option<UtcMillis>,
    pub bytes: Vec<u8>,
}

/// The next chunks after an id, in the order of their ids.
pub async fn chunks(
    connection: &mut SqliteConnection,
    after: i64,
    most: u32,
) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!: i64", series, first, last, bytes FROM chunks
        WHERE id > ? ORDER BY id LIMIT ?"#,
        after,
        most
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    let held = rows.map(|row| Held {
        id: row.id,
        series: Some(row.series),
        first: Some(UtcMillis(row.first)),
        last: Some(UtcMillis(row.last)),
        bytes: row.bytes,
    });
    Ok(held.collect())
}

/// The next blocks after an id.
pub async fn blocks(
    connection: &mut SqliteConnection,
    after: i64,
    most: u32,
) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!: i64", bytes FROM blocks WHERE id > ? ORDER BY id LIMIT ?"#,
        after,
        most
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    let held = rows.map(|row| Held {
        id: row.id,
        series: None,
        first: None,
        last: None,
        bytes: row.bytes,
    });
    Ok(held.collect())
}

/// Roll-ups of a row.
#[derive(Clone, Debug)]
pub struct Row {
    pub series: i64,
    pub start: UtcMillis,
    pub bytes: Vec<u8>,
}

/// The next rows of roll-ups after one of a series and a time.
pub async fn rollups(
    connection: &mut SqliteConnection,
    kind: Rollups,
    after: (i64, UtcMillis),
    most: u32,
) -> sqlx::Result<Vec<Row>> {
    let (series, start) = (after.0, after.1.0);
    let row = |(series, start, bytes)| Row {
        series,
        start: UtcMillis(start),
        bytes,
    };
    match kind {
        Rollups::Minutes => {
            let rows = sqlx::query!(
                "SELECT series, start, bytes FROM minutes WHERE (series, start) > (?, ?)
                ORDER BY series, start LIMIT ?",
                series,
                start,
                most
            );
            let rows = rows.fetch_all(connection).await?.into_iter();
            let rows = rows.map(|one| row((one.series, one.start, one.bytes)));
            Ok(rows.collect())
        }
        Rollups::Hours => {
            let rows = sqlx::query!(
                "SELECT series, start, bytes FROM hours WHERE (series, start) > (?, ?)
                ORDER BY series, start LIMIT ?",
                series,
                start,
                most
            );
            let rows = rows.fetch_all(connection).await?.into_iter();
            let rows = rows.map(|one| row((one.series, one.start, one.bytes)));
            Ok(rows.collect())
        }
    }
}

impl Rollups {
    pub const ALL: [Rollups; 2] = [Rollups::Minutes, Rollups::Hours];

    /// Begins the reason where such a row is set aside: chunks have none.
    pub fn mark(self) -> &'static str {
        match self {
            Rollups::Minutes => "minutes: ",
            Rollups::Hours => "hours: ",
        }
    }
}

/// Puts a row of roll-ups aside that cannot be read, and covers the time `of`. The reason says
/// what it is.
pub async fn set_rollups_aside(
    connection: &mut SqliteConnection,
    kind: Rollups,
    series: u32,
    of: (UtcMillis, UtcMillis),
    reason: &str,
) -> sqlx::Result<()> {
    let reason = format!("{}{reason}", kind.mark());
    let (start, end) = (of.0.0, of.1.0);
    match kind {
        Rollups::Minutes => {
            sqlx::query!(
                "INSERT INTO damaged (series, first, last, reason, bytes)
                SELECT series, start, ?, ?, bytes FROM minutes WHERE series = ? AND start = ?",
                end,
                reason,
                series,
                start
            )
            .execute(&mut *connection)
            .await?;
            sqlx::query!(
                "DELETE FROM minutes WHERE series = ? AND start = ?",
                series,
                start
            )
            .execute(connection)
            .await?;
        }
        Rollups::Hours => {
            sqlx::query!(
                "INSERT INTO damaged (series, first, last, reason, bytes)
                SELECT series, start, ?, ?, bytes FROM hours WHERE series = ? AND start = ?",
                end,
                reason,
                series,
                start
            )
            .execute(&mut *connection)
            .await?;
            sqlx::query!(
                "DELETE FROM hours WHERE series = ? AND start = ?",
                series,
                start
            )
            .execute(connection)
            .await?;
        }
    }
    Ok(())
}

/// The bytes of a chunk, if it is there.
pub async fn chunk(connection: &mut SqliteConnection, id: i64) -> sqlx::Result<Option<Vec<u8>>> {
    let bytes = sqlx::query_scalar!("SELECT bytes FROM chunks WHERE id = ?", id);
    bytes.fetch_optional(connection).await
}

/// The bytes of a block, if it is there.
pub async fn block(connection: &mut SqliteConnection, id: i64) -> sqlx::Result<Option<Vec<u8>>> {
    let bytes = sqlx::query_scalar!("SELECT bytes FROM blocks WHERE id = ?", id);
    bytes.fetch_optional(connection).await
}

/// Something that was set aside.
#[derive(Clone, Debug)]
pub struct Aside {
    pub topic: Option<String>,
    pub first: Option<i64>,
    pub last: Option<i64>,
    pub reason: String,
}

/// What was set aside, the latest first.
pub async fn aside(connection: &mut SqliteConnection, most: u32) -> sqlx::Result<Vec<Aside>> {
    let rows = sqlx::query_as!(
        Aside,
        r#"SELECT series.topic AS "topic?", first, last, reason
        FROM damaged LEFT JOIN series ON series.id = damaged.series
        ORDER BY damaged.id DESC LIMIT ?"#,
        most
    );
    rows.fetch_all(connection).await
}

/// The names of all tables.
pub async fn tables(connection: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        r#"SELECT name AS "name!" FROM sqlite_master WHERE type = 'table' ORDER BY name"#
    );
    names.fetch_all(connection).await
}

/// What SQLite has to say against how a table lies in the file.
pub async fn quick_check(
    connection: &mut SqliteConnection,
    table: &str,
) -> sqlx::Result<Vec<String>> {
    let pragma = format!("PRAGMA quick_check(\"{}\")", table.replace('"', "\"\""));
    let said = sqlx::query_scalar(AssertSqlSafe(pragma)).fetch_all(connection);
    let mut said: Vec<String> = said.await?;
    said.retain(|one| one != "ok");
    Ok(said)
}
