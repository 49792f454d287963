//! The past of Home Assistant, as its recorder keeps it in SQLite.
//!
//! What its tables are called and hold has changed over the years; `store` reads the two
//! generations that are about. `topics` finds topics for entities.

mod store;
pub mod topics;

#[cfg(test)]
pub mod tests;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use thiserror::Error;

use self::store::{State, Store};
use super::formats::{Row, time};
use super::sample::Sample;
use crate::clock::{ClockQuality, UtcMillis};
use crate::home::Value;

/// So many states are read at once.
const PAGE: u32 = 4096;

/// Why a recorder's file cannot be read.
#[derive(Debug, Error)]
pub enum RecorderError {
    #[error(
        "{0} is not Home Assistant's recorder: it is called home-assistant_v2.db and has a table \
         `states`"
    )]
    Foreign(PathBuf),
    #[error("cannot read {file}: {source}")]
    Read { file: PathBuf, source: sqlx::Error },
}

/// An entity, as Home Assistant tells of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entity {
    /// `sensor.hall_temperature`
    pub id: String,
    pub unit: Option<String>,
    /// `temperature`
    pub device_class: Option<String>,
}

/// A recorder's file.
#[derive(Clone, Debug)]
pub struct Recorder {
    file: PathBuf,
    store: Store,
}

impl Recorder {
    /// Opens a file for reading alone; Home Assistant may run meanwhile.
    ///
    /// # Errors
    /// If it cannot be read, or is something else.
    pub async fn open(file: &Path) -> Result<Recorder, RecorderError> {
        let failed = |source| failed(file, source);
        match Store::open(file).await.map_err(failed)? {
            Some(store) => Ok(Recorder {
                file: file.to_owned(),
                store,
            }),
            None => Err(RecorderError::Foreign(file.to_owned())),
        }
    }

    /// Lets go of the file.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Everything that has states, by name, with what it last said of itself.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn entities(&self) -> Result<Vec<Entity>, RecorderError> {
        let entities = self.store.entities().await;
        entities.map_err(|source| failed(&self.file, source))
    }

    /// Every state, in the order in which they were written.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn states(&self) -> Result<States, RecorderError> {
        let ends = self.store.ends().await;
        let (first, last) = ends.map_err(|source| failed(&self.file, source))?;
        Ok(States {
            recorder: self.clone(),
            held: VecDeque::new(),
            first,
            last,
            at: first.saturating_sub(1),
            skipped: 0,
        })
    }
}

/// States on their way out of the file. Memory is bounded.
#[derive(Debug)]
pub struct States {
    recorder: Recorder,
    held: VecDeque<State>,
    first: i64,
    last: i64,
    /// The last state that was given.
    at: i64,
    skipped: u64,
}

impl States {
    /// The next reading, under the entity's name; none at the end. What only says that
    /// nothing is known is none.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn next(&mut self) -> Result<Option<Row>, RecorderError> {
        loop {
            if self.held.is_empty() {
                let store = &self.recorder.store;
                let page = store.states(self.at, self.last, PAGE).await;
                self.held = page.map_err(|source| failed(&self.recorder.file, source))?;
            }
            let Some(state) = self.held.pop_front() else {
                return Ok(None);
            };
            self.at = state.id;
            match reading(&state) {
                Some(row) => return Ok(Some(row)),
                None => self.skipped += 1,
            }
        }
    }

    /// How far it has come, and how far it is.
    pub fn progress(&self) -> (u64, u64) {
        let part = self.at.saturating_sub(self.first).saturating_add(1);
        let whole = self.last.saturating_sub(self.first).saturating_add(1);
        let count = |count| u64::try_from(count).unwrap_or(0);
        (count(part), count(whole))
    }

    /// States that said nothing: unknown, unavailable or removed, or without a time.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

fn failed(file: &Path, source: sqlx::Error) -> RecorderError {
    RecorderError::Read {
        file: file.to_owned(),
        source,
    }
}

fn reading(state: &State) -> Option<Row> {
    let said = state.state.as_deref()?;
    if matches!(said, "" | "unknown" | "unavailable") {
        return None;
    }
    Some(Row {
        topic: Arc::clone(state.entity.as_ref()?),
        unit: None,
        sample: Sample {
            at: at(state)?,
            value: Value::parse(said),
            origin: None,
            // It does not say, and ran on a computer with a network.
            clock: ClockQuality::Synchronised,
        },
    })
}

/// Seconds in new files, a text in old ones, both UTC.
fn at(state: &State) -> Option<UtcMillis> {
    const SAFE: f64 = 9_007_199_254_740_992.0;
    if let Some(seconds) = state.seconds {
        let millis = (seconds * 1000.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        return (millis.abs() < SAFE).then_some(UtcMillis(millis as i64));
    }
    time(state.time.as_deref()?, &TimeZone::UTC).ok()
}
