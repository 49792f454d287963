//! Keeps blocks that leave the log and are still to be pushed to another database.
//!
//! They are written once more, but only while that database is away for longer than the
//! log holds: so nobody else who reads the log has to know of those that push.

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use super::{Present, may_be_put_right, put_right};
use crate::clock::ClockQuality;
use crate::history::block::{self, Entry, Header};
use crate::history::store::log::{self, Block};
use crate::history::store::{Store, queue};

/// Takes the blocks up to `last` out of the log: they are on the shelves, wherever those are.
/// What is still to be pushed of them is kept; says how many samples were given up for it.
///
/// # Errors
/// If the file does not take it.
pub async fn take_out(
    store: &Store,
    connection: &mut SqliteConnection,
    last: i64,
    present: &Present,
) -> sqlx::Result<u64> {
    let given_up = keep(store, &mut *connection, last, present).await?;
    log::sealed(connection, last).await?;
    Ok(given_up)
}

/// Keeps what of the blocks up to `last` is still to be pushed, with the times that they
/// have on the shelves: before they leave the log, in the same transaction. When more waits
/// than may, the oldest is given up; says how many samples that was.
async fn keep(
    store: &Store,
    connection: &mut SqliteConnection,
    last: i64,
    present: &Present,
) -> sqlx::Result<u64> {
    let Some(push) = queue::push(&mut *connection).await? else {
        return Ok(0);
    };
    // What was pushed is written down now and then only: it may be further.
    let cursor = store.pushed().unwrap_or_default();
    if cursor.block > push.cursor.block {
        queue::pushed(&mut *connection, &cursor).await?;
    }
    let after = cursor.block.max(push.cursor.block);
    for (block, samples) in leaving(&mut *connection, after, last, present).await? {
        queue::keep(&mut *connection, &block, samples).await?;
    }
    let given_up = queue::give_up(connection, push.most).await?;
    Ok(u64::try_from(given_up).unwrap_or(0))
}

/// Tells that samples were given up, once that is sure.
pub fn tell(given_up: u64) {
    if given_up > 0 {
        tracing::error!(
            samples = given_up,
            "history: the oldest samples that wait to be pushed were given up, as more wait than \
             `queue` of [history.influx] allows; they are in history.db all the same"
        );
    }
}

/// What leaves the log, with the number of samples; not what is damaged.
async fn leaving(
    connection: &mut SqliteConnection,
    after: i64,
    last: i64,
    present: &Present,
) -> sqlx::Result<Vec<(Block, i64)>> {
    let mut leaving = Vec::new();
    let mut blocks = std::pin::pin!(log::blocks(connection, after));
    while let Some(one) = blocks.try_next().await? {
        if one.id > last {
            break;
        }
        if let Ok((header, entries)) = block::decode(&one.bytes) {
            let samples = i64::try_from(entries.len()).unwrap_or(i64::MAX);
            leaving.push((with_right_times(one, header, entries, present)?, samples));
        }
    }
    Ok(leaving)
}

/// The block as it would be if the clock had been right.
fn with_right_times(
    block: Block,
    header: Header,
    entries: Vec<Entry>,
    present: &Present,
) -> sqlx::Result<Block> {
    if !may_be_put_right(&header, present.boot) || present.clock == ClockQuality::Unknown {
        return Ok(block);
    }
    let right = |entry: Entry| {
        let series = entry.series;
        let sample = put_right(entry.sample(&header), &header, present);
        Entry {
            series,
            at: sample.at,
            value: sample.value,
            origin: sample.origin,
        }
    };
    let entries: Vec<Entry> = entries.into_iter().map(right).collect();
    let header = Header {
        clock: present.clock,
        now: present.now,
        ..header
    };
    let bytes = block::encode(&header, &entries);
    let bytes = bytes.map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok(Block {
        id: block.id,
        bytes,
    })
}

/// Takes a series out of what waits. Its samples are on the shelves too, and counted there.
///
/// # Errors
/// If the file does not take it.
pub async fn forget(connection: &mut SqliteConnection, series: u32) -> sqlx::Result<()> {
    for (block, samples) in without(&mut *connection, series).await? {
        match samples {
            0 => queue::remove(&mut *connection, block.id).await?,
            samples => queue::keep(&mut *connection, &block, samples).await?,
        }
    }
    Ok(())
}

/// The blocks that have samples of the series, as they are without.
async fn without(
    connection: &mut SqliteConnection,
    series: u32,
) -> sqlx::Result<Vec<(Block, i64)>> {
    let mut changed = Vec::new();
    let mut blocks = std::pin::pin!(queue::waiting(connection));
    while let Some(one) = blocks.try_next().await? {
        // What cannot be read is not pushed, and nobody knows whose it is.
        let (bytes, samples) = match block::decode(&one.bytes) {
            Ok((_, entries)) if entries.iter().all(|entry| entry.series != series) => continue,
            Ok((header, mut entries)) => {
                entries.retain(|entry| entry.series != series);
                let bytes = block::encode(&header, &entries).unwrap_or_default();
                (bytes, i64::try_from(entries.len()).unwrap_or(i64::MAX))
            }
            Err(_) => (Vec::new(), 0),
        };
        changed.push((Block { id: one.id, bytes }, samples));
    }
    Ok(changed)
}
