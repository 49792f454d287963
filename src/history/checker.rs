//! Looks whether everything in the file can still be read.
//!
//! It reads in small steps, on a connection of its own, and lets go of the file between
//! them: neither the recorder nor a chart waits for it. A chunk or block whose checksum is
//! wrong is set aside, so that nobody meets it again; minutes and hours are told again from
//! what is finer. Everything else stays readable.

mod damage;
mod walk;

use std::path::Path;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::watch;

use super::sealer::mend;
use super::store::shelves::{self, Rollups};
use super::store::{Store, care, log, series};
use super::{Archive, ArchiveError, HistoryError, Shared, State, block, chunk, rollup};
use crate::clock::UtcMillis;
use crate::supervisor::Stop;
pub use damage::{Damage, Then};
use walk::{Found, Walk, What};

/// The start of the house comes first.
const BEGINS_AFTER: Duration = Duration::from_secs(3);
/// Between two steps; a step takes some milliseconds.
const PAUSE: Duration = Duration::from_millis(50);
/// So much damage is told by name.
const MOST_NAMED: u32 = 100;

/// What a check has looked at, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub chunks: u64,
    pub blocks: u64,
    /// Rows of minutes and hours.
    pub rollups: u64,
    /// Bytes of all those.
    pub bytes: u64,
    /// What cannot be read, and what became of it.
    pub damage: Vec<Damage>,
    /// What was set aside earlier, the latest first.
    pub aside: Vec<Damage>,
}

/// Checks the file once it is open, and then has nothing more to do.
pub async fn run(
    mut state: watch::Receiver<State>,
    figures: Shared,
    stop: Stop,
) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        () = check_in_background(&mut state, &figures) => {}
    }
    stop.cancelled().await;
    Ok(())
}

async fn check_in_background(state: &mut watch::Receiver<State>, figures: &Shared) {
    tokio::time::sleep(BEGINS_AFTER).await;
    let Some(store) = opened(state).await else {
        return;
    };
    check_and_tell(&store, figures).await;
}

/// Checks the file, and tells what comes of it.
async fn check_and_tell(store: &Store, figures: &Shared) {
    match whole(store, figures).await {
        Ok(checked) => {
            tracing::info!(
                chunks = checked.chunks,
                blocks = checked.blocks,
                damaged = checked.damage.len(),
                "history is checked"
            );
            figures.tell(|figures| {
                figures.damaged = checked.damage;
                figures.damaged.retain(|one| !one.is_mended());
                figures.damaged.extend(checked.aside);
                figures.is_checked = true;
            });
        }
        Err(error) => tracing::warn!("history could not be checked: {error}"),
    }
}

async fn whole(store: &Store, figures: &Shared) -> Result<Checked, HistoryError> {
    let mut check = Check::begin(store, true).await?;
    while check.step().await? {
        let damage = &check.checked.damage;
        figures.tell(|figures| figures.damaged.clone_from(damage));
        tokio::time::sleep(PAUSE).await;
    }
    Ok(check.checked)
}

/// The file, once it is open; none if it never will be.
pub async fn opened(state: &mut watch::Receiver<State>) -> Option<Store> {
    let open = state.wait_for(|state| matches!(state, State::Open(_)));
    match &*open.await.ok()? {
        State::Open(store) => Some(store.clone()),
        State::Off(_) => None,
    }
}

/// Looks through a whole file, also beside a running gateway: every checksum, and how SQLite
/// finds its tables. `progress` is told the bytes that were read. With `set_aside` chunks and
/// blocks that cannot be read are set aside, and roll-ups are told again.
///
/// # Errors
/// If the file cannot be opened, or does not answer. Damage is no error.
pub async fn check(
    file: &Path,
    set_aside: bool,
    mut progress: impl FnMut(u64),
) -> Result<Checked, ArchiveError> {
    let archive = Archive::open(file).await?;
    let checked = check_open(&archive, set_aside, &mut progress).await;
    archive.close().await;
    Ok(checked?)
}

async fn check_open(
    archive: &Archive,
    set_aside: bool,
    progress: &mut impl FnMut(u64),
) -> Result<Checked, HistoryError> {
    let mut check = Check::begin(archive.store(), set_aside).await?;
    while check.step().await? {
        progress(check.checked.bytes);
    }
    Ok(check.checked)
}

/// A check under way.
pub struct Check {
    store: Store,
    connection: SqliteConnection,
    walk: Walk,
    set_aside: bool,
    pub checked: Checked,
}

impl Check {
    /// With `set_aside` what cannot be read is set aside or told again, and named in the log.
    pub async fn begin(store: &Store, set_aside: bool) -> Result<Check, HistoryError> {
        Ok(Check {
            connection: store.apart().await?,
            checked: Checked {
                aside: aside(store).await?,
                ..Checked::default()
            },
            store: store.clone(),
            walk: Walk::default(),
            set_aside,
        })
    }

    /// One small step; false at the end.
    pub async fn step(&mut self) -> Result<bool, HistoryError> {
        let found = self.walk.step(&mut self.connection, &mut self.checked);
        let Some(found) = found.await? else {
            return Ok(false);
        };
        for one in found {
            let then = match self.set_aside {
                true => put_right(&self.store, &one).await?,
                false => Then::Stays,
            };
            let damage = named(&self.store, one, then).await?;
            match self.set_aside {
                true if damage.is_mended() => tracing::warn!("history: {damage}"),
                true => tracing::error!("history: {damage}"),
                false => {}
            }
            self.checked.damage.push(damage);
        }
        Ok(true)
    }
}

/// What was set aside until now.
pub async fn aside(store: &Store) -> Result<Vec<Damage>, HistoryError> {
    let mut whole = store.read().await?;
    let rows = care::aside(&mut whole, MOST_NAMED).await?.into_iter();
    let damage = rows.map(|row| {
        let mut kinds = Rollups::ALL.into_iter();
        let rollup = kinds.find_map(|kind| Some((kind, row.reason.strip_prefix(kind.mark())?)));
        Damage {
            what: match (rollup, &row.topic) {
                (Some((kind, _)), _) => name_of(kind),
                (None, Some(_)) => "a chunk".to_owned(),
                (None, None) => "a block".to_owned(),
            },
            topic: row.topic,
            stretch: row.first.zip(row.last).map(stretch),
            reason: rollup
                .map_or(row.reason.as_str(), |(_, reason)| reason)
                .to_owned(),
            is_rollup: rollup.is_some(),
            then: Then::Stays,
        }
    });
    Ok(damage.collect())
}

fn name_of(kind: Rollups) -> String {
    match kind {
        Rollups::Minutes => "a row of minutes".to_owned(),
        Rollups::Hours => "a row of hours".to_owned(),
    }
}

/// Sets aside or tells again; what has changed meanwhile may be fine now.
async fn put_right(store: &Store, found: &Found) -> Result<Then, HistoryError> {
    let Found { what, reason, .. } = found;
    if !found.is_lost {
        return Ok(Then::Stays);
    }
    let mut whole = store.write().await.map_err(write)?;
    let then = match what {
        What::Chunk(id) => match care::chunk(&mut whole, *id).await? {
            Some(bytes) if chunk::decode(&bytes).is_err() => {
                let done = shelves::set_chunk_aside(&mut whole, *id, reason);
                done.await.map_err(write)?;
                Then::Aside
            }
            _ => return Ok(Then::Stays),
        },
        What::Block(id) => match care::block(&mut whole, *id).await? {
            Some(bytes) if block::decode(&bytes).is_err() => {
                let block = log::Block { id: *id, bytes };
                let done = log::set_aside(&mut whole, &block, reason);
                done.await.map_err(write)?;
                Then::Aside
            }
            _ => return Ok(Then::Stays),
        },
        What::Rollups(kind, series, start) => {
            let row = shelves::rollups(&mut whole, *kind, *series, *start, *start).await?;
            let damage = row.first().and_then(|bytes| rollup::decode(bytes).err());
            let Some(damage) = damage else {
                return Ok(Then::Stays);
            };
            let mended = mend(&mut whole, *kind, *series, *start, damage).await;
            Then::Again(mended.map_err(write)?.outcome)
        }
        What::File => return Ok(Then::Stays),
    };
    whole.commit().await.map_err(write)?;
    Ok(then)
}

fn write(error: sqlx::Error) -> HistoryError {
    HistoryError::Write(error.to_string())
}

async fn named(store: &Store, found: Found, then: Then) -> Result<Damage, HistoryError> {
    let topic = match found.series {
        Some(id) => {
            let mut whole = store.read().await?;
            let all = series::all(&mut whole).await?.into_iter();
            all.filter(|row| i64::from(row.id) == id)
                .map(|row| row.topic)
                .next()
        }
        None => None,
    };
    Ok(Damage {
        what: match found.what {
            What::Chunk(id) => format!("chunk {id}"),
            What::Block(id) => format!("block {id}"),
            What::Rollups(kind, ..) => name_of(kind),
            What::File => "the file".to_owned(),
        },
        topic,
        stretch: found.stretch.map(stretch),
        reason: found.reason,
        is_rollup: matches!(found.what, What::Rollups(..)),
        then,
    })
}

fn stretch(ends: (i64, i64)) -> (UtcMillis, UtcMillis) {
    (UtcMillis(ends.0), UtcMillis(ends.1))
}

#[cfg(test)]
mod tests;
