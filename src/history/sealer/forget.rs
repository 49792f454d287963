//! Removes a series so that nothing of it is in the file any more.
//!
//! SQLite overwrites what is deleted (`secure_delete`), but the write-ahead log holds copies
//! of pages until it is cut. What a card keeps of blocks that were overwritten, nobody knows.

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use crate::history::HistoryError;
use crate::history::block;
use crate::history::store::log::{self, Block};
use crate::history::store::{Store, series, shelves};
use crate::home::Thing;

/// Removes a topic with all its samples, and a thing's commands with it; says how many. The
/// write-ahead log holds them until it is [cut](crate::history::traces).
///
/// # Errors
/// If the file does not take it.
pub async fn forget(store: &Store, topic: &str) -> Result<u64, HistoryError> {
    let write = |error: sqlx::Error| HistoryError::Write(error.to_string());
    let mut removed = remove(store, topic).await.map_err(write)?;
    if let Some(thing) = Thing::from_topic(topic) {
        removed += remove(store, &thing.set_topic()).await.map_err(write)?;
    }
    Ok(removed)
}

async fn remove(store: &Store, topic: &str) -> sqlx::Result<u64> {
    let mut whole = store.write().await?;
    let Some(id) = series::id(&mut whole, topic).await? else {
        return Ok(0);
    };
    let (samples, _) = shelves::size(&mut whole, id).await?;
    let in_log = remove_from_log(&mut whole, id).await?;
    super::queue::forget(&mut whole, id).await?;
    series::remove(&mut whole, id).await?;
    whole.commit().await?;
    Ok(u64::try_from(samples).unwrap_or(0) + in_log)
}

/// Writes the blocks anew without the series.
async fn remove_from_log(connection: &mut SqliteConnection, series: u32) -> sqlx::Result<u64> {
    let (changed, removed) = without(&mut *connection, series).await?;
    for (id, bytes) in changed {
        match bytes {
            Some(bytes) => log::replace(&mut *connection, &Block { id, bytes }).await?,
            None => log::remove(&mut *connection, id).await?,
        }
    }
    Ok(removed)
}

/// The blocks that have samples of the series, as they are without; none where nothing is
/// left.
type Changed = Vec<(i64, Option<Vec<u8>>)>;

async fn without(connection: &mut SqliteConnection, series: u32) -> sqlx::Result<(Changed, u64)> {
    let (mut changed, mut removed) = (Vec::new(), 0);
    let pass = log::ends(&mut *connection).await?.pass;
    let mut blocks = std::pin::pin!(log::blocks(connection, 0));
    while let Some(one) = blocks.try_next().await? {
        let Ok((header, mut entries)) = block::decode(&one.bytes) else {
            continue;
        };
        let before = entries.len();
        entries.retain(|entry| entry.series != series);
        if entries.len() < before {
            // Those of a pass under way are on the shelves, and counted there.
            if !pass.has(one.id, series) {
                removed += (before - entries.len()) as u64;
            }
            changed.push((one.id, block::encode(&header, &entries).ok()));
        }
    }
    Ok((changed, removed))
}
