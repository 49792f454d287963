//! How far the push to another database came, and what waits for it though it has left the
//! log.

use futures_util::{Stream, TryStreamExt};
use sqlx::SqliteConnection;

use super::log::Block;

/// How far it came: every block up to this one was pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub block: i64,
    /// What is to be known of the samples before, as text.
    pub turns: String,
}

/// The row of somebody who pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    pub cursor: Cursor,
    /// Bytes that may wait outside of the log.
    pub most: i64,
    /// Samples that were dropped since there were more.
    pub given_up: i64,
}

/// What waits outside of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub samples: i64,
    pub bytes: i64,
}

/// Who pushes, if somebody does.
pub async fn push(connection: &mut SqliteConnection) -> sqlx::Result<Option<Push>> {
    let row = sqlx::query!("SELECT block, turns, most, given_up FROM push");
    let row = row.fetch_optional(connection).await?;
    Ok(row.map(|row| Push {
        cursor: Cursor {
            block: row.block,
            turns: row.turns,
        },
        most: row.most,
        given_up: row.given_up,
    }))
}

/// Somebody pushes from now on, and at first what the log still holds; `most` bytes may
/// wait outside of it. Who pushes already goes on.
pub async fn join(connection: &mut SqliteConnection, most: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO push (id, block, turns, most, given_up)
        SELECT 1, COALESCE((SELECT MIN(id) FROM blocks) - 1, sealed), '', ?, 0 FROM log
        WHERE true
        ON CONFLICT (id) DO UPDATE SET most = excluded.most",
        most
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Nobody pushes any more, and nothing is kept for it.
pub async fn leave(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM push")
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM to_push")
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes how far it came; what was pushed waits no longer. It never goes back.
pub async fn pushed(connection: &mut SqliteConnection, cursor: &Cursor) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE push SET block = ?1, turns = ?2 WHERE block < ?1",
        cursor.block,
        cursor.turns
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM to_push WHERE id <= ?", cursor.block)
        .execute(connection)
        .await?;
    Ok(())
}

/// What is to be pushed after a block, in the order in which it was committed, and whether
/// it is in the log still.
pub fn after(
    connection: &mut SqliteConnection,
    after: i64,
) -> impl Stream<Item = sqlx::Result<(Block, bool)>> + '_ {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!: i64", bytes AS "bytes!: Vec<u8>", 0 AS "in_log!: bool"
        FROM to_push WHERE id > ?1
        UNION ALL SELECT id, bytes, 1 FROM blocks WHERE id > ?1 ORDER BY 1"#,
        after
    );
    rows.fetch(connection).map_ok(|row| {
        let block = Block {
            id: row.id,
            bytes: row.bytes,
        };
        (block, row.in_log)
    })
}

/// What waits outside of the log, in the order of its ids.
pub fn waiting(connection: &mut SqliteConnection) -> impl Stream<Item = sqlx::Result<Block>> + '_ {
    let rows = sqlx::query!(r#"SELECT id AS "id!: i64", bytes FROM to_push ORDER BY id"#);
    rows.fetch(connection).map_ok(|row| Block {
        id: row.id,
        bytes: row.bytes,
    })
}

/// Keeps a block that leaves the log.
pub async fn keep(
    connection: &mut SqliteConnection,
    block: &Block,
    samples: i64,
) -> sqlx::Result<()> {
    let size = i64::try_from(block.bytes.len()).unwrap_or(i64::MAX);
    sqlx::query!(
        "INSERT INTO to_push (id, samples, size, bytes) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET samples = ?2, size = ?3, bytes = ?4",
        block.id,
        samples,
        size,
        block.bytes
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes out a block of which nothing is left.
pub async fn remove(connection: &mut SqliteConnection, id: i64) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM to_push WHERE id = ?", id)
        .execute(connection)
        .await?;
    Ok(())
}

/// How much waits outside of the log after a block.
pub async fn held(connection: &mut SqliteConnection, after: i64) -> sqlx::Result<Held> {
    let held = sqlx::query_as!(
        Held,
        r#"SELECT COALESCE(SUM(samples), 0) AS "samples!: i64",
            COALESCE(SUM(size), 0) AS "bytes!: i64"
        FROM to_push INDEXED BY to_push_sizes WHERE id > ?"#,
        after
    );
    held.fetch_one(connection).await
}

/// Gives up the oldest blocks until no more than `most` bytes wait; says how many samples
/// that was.
pub async fn give_up(connection: &mut SqliteConnection, most: i64) -> sqlx::Result<i64> {
    let mut excess = held(&mut *connection, i64::MIN).await?.bytes - most;
    if excess <= 0 {
        return Ok(0);
    }
    let (mut last, mut lost) = (i64::MIN, 0);
    {
        let rows = sqlx::query!(
            r#"SELECT id AS "id!: i64", samples, size
            FROM to_push INDEXED BY to_push_sizes ORDER BY id"#
        );
        let mut rows = rows.fetch(&mut *connection);
        while let (true, Some(row)) = (excess > 0, rows.try_next().await?) {
            (last, lost) = (row.id, lost + row.samples);
            excess -= row.size;
        }
    }
    sqlx::query!("DELETE FROM to_push WHERE id <= ?", last)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("UPDATE push SET given_up = given_up + ?", lost)
        .execute(connection)
        .await?;
    Ok(lost)
}
