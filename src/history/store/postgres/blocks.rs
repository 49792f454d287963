//! Which blocks of the log are on the server, and who may write there.

use sqlx::PgConnection;

use super::Stamp;
use crate::clock::UtcMillis;
use crate::history::block::Header;

/// Whoever writes holds this lock until the end of its transaction: so what a connection
/// that broke was doing has ended before anybody looks what came of it.
const LOCK: i64 = 0x4865_4869;

/// What tells a block from all others, also from one with the same id of a file that was
/// restored from a backup. It stays the same when a series is taken out of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub block: i64,
    pub committed: UtcMillis,
    pub boot: [u8; 16],
}

impl Mark {
    pub fn new(block: i64, header: &Header) -> Mark {
        Mark {
            block,
            committed: header.now.utc,
            boot: header.boot,
        }
    }
}

/// Waits until nobody else writes.
pub async fn lock(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(connection)
        .await?;
    Ok(())
}

/// The last of these blocks that is there. Blocks are taken in their order, so all before
/// it are as well.
pub async fn last_taken(
    connection: &mut PgConnection,
    marks: &[Mark],
) -> sqlx::Result<Option<i64>> {
    let (blocks, committed, boots) = columns(marks);
    let last = sqlx::query_scalar(
        "SELECT MAX(block) FROM blocks JOIN
            UNNEST($1::BIGINT[], $2::TIMESTAMPTZ[], $3::BYTEA[]) AS asked (block, committed, boot)
            USING (block, committed, boot)",
    );
    let last = last.bind(blocks).bind(committed).bind(boots);
    last.fetch_one(connection).await
}

/// Notes that these are there.
pub async fn take(connection: &mut PgConnection, marks: &[Mark]) -> sqlx::Result<()> {
    let (blocks, committed, boots) = columns(marks);
    sqlx::query(
        "INSERT INTO blocks (block, committed, boot)
        SELECT * FROM UNNEST($1::BIGINT[], $2::TIMESTAMPTZ[], $3::BYTEA[])",
    )
    .bind(blocks)
    .bind(committed)
    .bind(boots)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what was taken so long ago that no log holds it any more.
pub async fn forget_old(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM blocks WHERE taken < now() - INTERVAL '90 days'")
        .execute(connection)
        .await?;
    Ok(())
}

fn columns(marks: &[Mark]) -> (Vec<i64>, Vec<Stamp>, Vec<Vec<u8>>) {
    let blocks = marks.iter().map(|mark| mark.block).collect();
    let committed = marks.iter().map(|mark| Stamp(mark.committed)).collect();
    let boots = marks.iter().map(|mark| mark.boot.to_vec()).collect();
    (blocks, committed, boots)
}
