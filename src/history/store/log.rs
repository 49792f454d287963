//! The log: blocks in the order in which they were committed.

use futures_util::{Stream, TryStreamExt};
use sqlx::SqliteConnection;

/// A block as it is on the disk.
#[derive(Clone, Debug)]
pub struct Block {
    pub id: i64,
    pub bytes: Vec<u8>,
}

/// Appends a block. Its id is greater than any that there ever was.
pub async fn append(connection: &mut SqliteConnection, bytes: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO blocks (id, bytes)
        SELECT MAX(sealed, taken_out, COALESCE((SELECT MAX(id) FROM blocks), 0)) + 1, ?1
        FROM log",
        bytes
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Where the log begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Of the first block; zero if there is none.
    pub first: i64,
    pub last: i64,
    /// Grows when a series is removed, and so taken out of blocks that stay.
    pub changes: i64,
    /// How far the sealer's pass came.
    pub pass: Passed,
}

/// How far the sealer's pass came: of blocks up to `end`, the samples of series up to
/// `series` are on the shelves already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Zero if no pass is under way.
    pub end: i64,
    pub series: u32,
}

impl Passed {
    /// Whether a block's samples of this series are on the shelves.
    pub fn has(&self, block: i64, series: u32) -> bool {
        block <= self.end && series <= self.series
    }
}

/// Where the log begins and ends.
pub async fn ends(connection: &mut SqliteConnection) -> sqlx::Result<Ends> {
    let ends = sqlx::query!(
        r#"SELECT COALESCE((SELECT MIN(id) FROM blocks), 0) AS "first!: i64",
            COALESCE((SELECT MAX(id) FROM blocks), 0) AS "last!: i64",
            changes, pass_end, pass_series AS "pass_series!: u32" FROM log"#
    );
    let ends = ends.fetch_one(connection).await?;
    Ok(Ends {
        first: ends.first,
        last: ends.last,
        changes: ends.changes,
        pass: Passed {
            end: ends.pass_end,
            series: ends.pass_series,
        },
    })
}

/// All blocks after `after`, in their order.
pub fn blocks(
    connection: &mut SqliteConnection,
    after: i64,
) -> impl Stream<Item = sqlx::Result<Block>> + '_ {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!: i64", bytes FROM blocks WHERE id > ? ORDER BY id"#,
        after
    );
    rows.fetch(connection).map_ok(|row| Block {
        id: row.id,
        bytes: row.bytes,
    })
}

/// Says how far the pass came.
pub async fn passed(connection: &mut SqliteConnection, pass: Passed) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE log SET pass_end = ?, pass_series = ?",
        pass.end,
        pass.series
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes all blocks up to `last` out of the log: they are on the shelves, and the pass is over.
pub async fn sealed(connection: &mut SqliteConnection, last: i64) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM blocks WHERE id <= ?", last)
        .execute(&mut *connection)
        .await?;
    let over = sqlx::query!(
        "UPDATE log SET sealed = MAX(sealed, ?), pass_end = 0, pass_series = 0",
        last
    );
    over.execute(connection).await?;
    Ok(())
}

/// Puts other bytes in the place of a block's.
pub async fn replace(connection: &mut SqliteConnection, block: &Block) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE blocks SET bytes = ? WHERE id = ?",
        block.bytes,
        block.id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes one block out of the log; its id is not used again.
pub async fn remove(connection: &mut SqliteConnection, id: i64) -> sqlx::Result<()> {
    sqlx::query!("UPDATE log SET taken_out = MAX(taken_out, ?)", id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM blocks WHERE id = ?", id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps bytes that are no block aside.
pub async fn set_aside(
    connection: &mut SqliteConnection,
    block: &Block,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO damaged (reason, bytes) VALUES (?, ?)",
        reason,
        block.bytes
    )
    .execute(&mut *connection)
    .await?;
    remove(connection, block.id).await
}
