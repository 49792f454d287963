//! The shelves: chunks of samples, the minutes of hours, the hours of days.

use std::ops::AddAssign;

use sqlx::SqliteConnection;

use crate::clock::UtcMillis;
use crate::history::chunk::Summary;

/// A chunk without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub id: i64,
    pub first: UtcMillis,
    pub last: UtcMillis,
    pub kinds: Kinds,
}

/// How many samples there are of which kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    pub numbers: i64,
    pub switches: i64,
    pub texts: i64,
}

impl Kinds {
    pub fn all(&self) -> i64 {
        self.states() + self.numbers
    }

    /// What is no number.
    pub fn states(&self) -> i64 {
        self.switches + self.texts
    }
}

impl AddAssign for Kinds {
    fn add_assign(&mut self, other: Kinds) {
        self.numbers += other.numbers;
        self.switches += other.switches;
        self.texts += other.texts;
    }
}

/// Which roll-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollups {
    /// A row has those of an hour.
    Minutes,
    /// A row has those of eight days.
    Hours,
}

impl From<&Summary> for Kinds {
    fn from(summary: &Summary) -> Kinds {
        let numbers = summary.numbers.map_or(0, |numbers| numbers.bucket.count);
        let switches = summary.switches.map_or(0, |switches| switches.count);
        Kinds {
            numbers: i64::try_from(numbers).unwrap_or(i64::MAX),
            switches: i64::try_from(switches).unwrap_or(i64::MAX),
            texts: i64::try_from(summary.texts).unwrap_or(i64::MAX),
        }
    }
}

/// Puts a chunk on the shelf.
pub async fn add_chunk(
    connection: &mut SqliteConnection,
    series: u32,
    summary: &Summary,
    bytes: &[u8],
) -> sqlx::Result<()> {
    let kinds = Kinds::from(summary);
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    sqlx::query!(
        "INSERT INTO chunks (series, first, last, numbers, switches, texts, size, bytes)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        series,
        summary.first_at.0,
        summary.last_at.0,
        kinds.numbers,
        kinds.switches,
        kinds.texts,
        size,
        bytes
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts other samples in the place of a chunk's.
pub async fn replace_chunk(
    connection: &mut SqliteConnection,
    id: i64,
    summary: &Summary,
    bytes: &[u8],
) -> sqlx::Result<()> {
    let kinds = Kinds::from(summary);
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    sqlx::query!(
        "UPDATE chunks SET first = ?, last = ?, numbers = ?, switches = ?, texts = ?, size = ?,
            bytes = ? WHERE id = ?",
        summary.first_at.0,
        summary.last_at.0,
        kinds.numbers,
        kinds.switches,
        kinds.texts,
        size,
        bytes,
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a chunk off the shelf.
pub async fn remove_chunk(connection: &mut SqliteConnection, id: i64) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM chunks WHERE id = ?", id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Puts a chunk that cannot be read aside, so that what comes has a place.
pub async fn set_chunk_aside(
    connection: &mut SqliteConnection,
    id: i64,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO damaged (series, first, last, reason, bytes)
        SELECT series, first, last, ?, bytes FROM chunks WHERE id = ?",
        reason,
        id
    )
    .execute(&mut *connection)
    .await?;
    remove_chunk(connection, id).await
}

/// A chunk's bytes.
pub async fn chunk_bytes(connection: &mut SqliteConnection, id: i64) -> sqlx::Result<Vec<u8>> {
    let bytes = sqlx::query_scalar!("SELECT bytes FROM chunks WHERE id = ?", id);
    bytes.fetch_one(connection).await
}

/// The last chunk that begins at `at` or before.
pub async fn chunk_at(
    connection: &mut SqliteConnection,
    series: u32,
    at: UtcMillis,
) -> sqlx::Result<Option<Chunk>> {
    let row = sqlx::query_as!(
        ChunkRow,
        r#"SELECT id AS "id!: i64", first, last, numbers, switches, texts FROM chunks
        WHERE series = ? AND first <= ? ORDER BY first DESC, last DESC, id DESC LIMIT 1"#,
        series,
        at.0
    );
    Ok(row.fetch_optional(connection).await?.map(Chunk::from))
}

/// The first chunk that begins after `at`.
pub async fn chunk_after(
    connection: &mut SqliteConnection,
    series: u32,
    at: UtcMillis,
) -> sqlx::Result<Option<Chunk>> {
    let row = sqlx::query_as!(
        ChunkRow,
        r#"SELECT id AS "id!: i64", first, last, numbers, switches, texts FROM chunks
        WHERE series = ? AND first > ? ORDER BY first, last, id LIMIT 1"#,
        series,
        at.0
    );
    Ok(row.fetch_optional(connection).await?.map(Chunk::from))
}

/// The chunk that comes after another one in order of time.
pub async fn chunk_behind(
    connection: &mut SqliteConnection,
    series: u32,
    chunk: &Chunk,
) -> sqlx::Result<Option<Chunk>> {
    let row = sqlx::query_as!(
        ChunkRow,
        r#"SELECT id AS "id!: i64", first, last, numbers, switches, texts FROM chunks
        WHERE series = ? AND (first, last, id) > (?, ?, ?) ORDER BY first, last, id LIMIT 1"#,
        series,
        chunk.first.0,
        chunk.last.0,
        chunk.id
    );
    Ok(row.fetch_optional(connection).await?.map(Chunk::from))
}

/// All chunks that have something from `from` up to and including `to`, in order of time.
pub async fn chunks(
    connection: &mut SqliteConnection,
    series: u32,
    from: UtcMillis,
    to: UtcMillis,
) -> sqlx::Result<Vec<Chunk>> {
    // Where a stretch was cut within a millisecond, two chunks have its samples.
    let before = UtcMillis(from.0.saturating_sub(1));
    let from = match chunk_at(&mut *connection, series, before).await? {
        Some(chunk) => chunk.first,
        None => from,
    };
    let rows = sqlx::query_as!(
        ChunkRow,
        r#"SELECT id AS "id!: i64", first, last, numbers, switches, texts FROM chunks
        WHERE series = ? AND first BETWEEN ? AND ? ORDER BY first, last, id"#,
        series,
        from.0,
        to.0
    );
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(Chunk::from).collect())
}

/// How many samples of which kind the chunks of a series hold, and in how many bytes.
pub async fn size(connection: &mut SqliteConnection, series: u32) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT COALESCE(SUM(numbers + switches + texts), 0) AS "samples!: i64",
            COALESCE(SUM(size), 0) AS "size!: i64" FROM chunks WHERE series = ?"#,
        series
    );
    let row = row.fetch_one(connection).await?;
    Ok((row.samples, row.size))
}

/// The roll-ups in the rows that begin from `from` up to and including `to`, in order.
pub async fn rollups(
    connection: &mut SqliteConnection,
    kind: Rollups,
    series: u32,
    from: UtcMillis,
    to: UtcMillis,
) -> sqlx::Result<Vec<Vec<u8>>> {
    match kind {
        Rollups::Minutes => {
            let rows = sqlx::query_scalar!(
                "SELECT bytes FROM minutes WHERE series = ? AND start BETWEEN ? AND ? ORDER BY start",
                series,
                from.0,
                to.0
            );
            rows.fetch_all(connection).await
        }
        Rollups::Hours => {
            let rows = sqlx::query_scalar!(
                "SELECT bytes FROM hours WHERE series = ? AND start BETWEEN ? AND ? ORDER BY start",
                series,
                from.0,
                to.0
            );
            rows.fetch_all(connection).await
        }
    }
}

/// The first row of roll-ups that there is.
pub async fn first_rollups(
    connection: &mut SqliteConnection,
    kind: Rollups,
    series: u32,
) -> sqlx::Result<Option<Vec<u8>>> {
    match kind {
        Rollups::Minutes => {
            let row = sqlx::query_scalar!(
                "SELECT bytes FROM minutes WHERE series = ? ORDER BY start LIMIT 1",
                series
            );
            row.fetch_optional(connection).await
        }
        Rollups::Hours => {
            let row = sqlx::query_scalar!(
                "SELECT bytes FROM hours WHERE series = ? ORDER BY start LIMIT 1",
                series
            );
            row.fetch_optional(connection).await
        }
    }
}

/// Puts roll-ups in their row, in place of those that were there.
pub async fn put_rollups(
    connection: &mut SqliteConnection,
    kind: Rollups,
    series: u32,
    start: UtcMillis,
    bytes: &[u8],
) -> sqlx::Result<()> {
    match kind {
        Rollups::Minutes => {
            sqlx::query!(
                "INSERT OR REPLACE INTO minutes (series, start, bytes) VALUES (?, ?, ?)",
                series,
                start.0,
                bytes
            )
            .execute(connection)
            .await?;
        }
        Rollups::Hours => {
            sqlx::query!(
                "INSERT OR REPLACE INTO hours (series, start, bytes) VALUES (?, ?, ?)",
                series,
                start.0,
                bytes
            )
            .execute(connection)
            .await?;
        }
    }
    Ok(())
}

/// Removes chunks whose last sample, or roll-ups whose row's begin, is before the time: at
/// most `most` of each kind. Says how many.
pub async fn remove_before(
    connection: &mut SqliteConnection,
    series: u32,
    chunks: UtcMillis,
    minutes: UtcMillis,
    hours: UtcMillis,
    most: u32,
) -> sqlx::Result<u64> {
    // Chunks do not overlap: those that end before begin before, which the index knows.
    let removed = sqlx::query!(
        "DELETE FROM chunks WHERE id IN
            (SELECT id FROM chunks WHERE series = ?1 AND first < ?2 AND last < ?2 LIMIT ?3)",
        series,
        chunks.0,
        most
    );
    let mut rows = removed.execute(&mut *connection).await?.rows_affected();
    let removed = sqlx::query!(
        "DELETE FROM minutes WHERE series = ?1 AND start IN
            (SELECT start FROM minutes WHERE series = ?1 AND start < ?2 LIMIT ?3)",
        series,
        minutes.0,
        most
    );
    rows += removed.execute(&mut *connection).await?.rows_affected();
    let removed = sqlx::query!(
        "DELETE FROM hours WHERE series = ?1 AND start IN
            (SELECT start FROM hours WHERE series = ?1 AND start < ?2 LIMIT ?3)",
        series,
        hours.0,
        most
    );
    rows += removed.execute(connection).await?.rows_affected();
    Ok(rows)
}

struct ChunkRow {
    id: i64,
    first: i64,
    last: i64,
    numbers: i64,
    switches: i64,
    texts: i64,
}

impl From<ChunkRow> for Chunk {
    fn from(row: ChunkRow) -> Chunk {
        Chunk {
            id: row.id,
            first: UtcMillis(row.first),
            last: UtcMillis(row.last),
            kinds: Kinds {
                numbers: row.numbers,
                switches: row.switches,
                texts: row.texts,
            },
        }
    }
}
