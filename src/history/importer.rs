//! Puts samples from elsewhere onto the shelves, past the log.
//!
//! They may be of any time and in any order, though order of time is fastest. Memory is
//! bounded, and the gateway may record on meanwhile: the file is locked for a moment at a time.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::sample::{Sample, kept};
use super::sealer::{self, Carried, Shelved, Shelving, shelve};
use super::store::{Store, series};
use super::waiting::Description;
use super::{ArchiveError, HistoryError};
use crate::clock::UtcMillis;
use crate::home::DeviceClass;

/// So many samples gather before they are written: some ten megabytes.
const GATHERED: usize = 131_072;
/// Between two writes the file is free for so long, so that a gateway has its turn.
const PAUSE: Duration = Duration::from_millis(10);

/// A history that takes samples from elsewhere. What was pushed is sure to be there after
/// [`Importer::finish`] alone.
#[derive(Debug)]
pub struct Importer {
    store: Store,
    series: HashMap<Arc<str>, Vec<Sample>>,
    gathered: usize,
    counts: Imported,
}

/// What became of what was pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Samples that were added.
    pub samples: u64,
    /// Samples that were there before: of the same origin, or equal in time and value.
    pub doubled: u64,
    /// Numbers that are infinite or none.
    pub refused: u64,
    pub series: u64,
}

impl Importer {
    /// Opens the file, and makes it if it is missing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn open(file: &Path) -> Result<Importer, ArchiveError> {
        let store = Store::open(file).await?;
        // Samples of an older version would be late among those that come.
        while sealer::carry(&store).await.map_err(write_error)? != Carried::All {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Importer {
            store,
            series: HashMap::new(),
            gathered: 0,
            counts: Imported::default(),
        })
    }

    /// Says what a topic measures, where nothing is known of that yet.
    ///
    /// # Errors
    /// If the file does not take it.
    pub async fn describe(
        &mut self,
        topic: &str,
        unit: Option<String>,
        device_class: Option<DeviceClass>,
    ) -> Result<(), HistoryError> {
        let outcome = async {
            let mut whole = self.store.write().await?;
            let id = series::id_or_new(&mut whole, topic).await?;
            let mut all = series::all(&mut whole).await?.into_iter();
            let there = all.find(|row| row.id == id).map(|row| row.description);
            let there = there.unwrap_or_default();
            let description = Description {
                unit: there.unit.or(unit),
                device_class: there.device_class.or(device_class),
            };
            series::describe(&mut whole, topic, &description).await?;
            whole.commit().await
        };
        outcome.await.map_err(write_error)
    }

    /// Adds a sample. A text that is too long is cut, a number that is none refused.
    ///
    /// # Errors
    /// If the file does not take what has gathered.
    pub async fn push(&mut self, topic: &str, sample: Sample) -> Result<(), HistoryError> {
        let Some(value) = kept(sample.value) else {
            self.counts.refused += 1;
            return Ok(());
        };
        let sample = Sample { value, ..sample };
        match self.series.get_mut(topic) {
            Some(samples) => samples.push(sample),
            None => {
                self.counts.series += 1;
                self.series.insert(topic.into(), vec![sample]);
            }
        }
        self.gathered += 1;
        if self.gathered >= GATHERED {
            self.write(false).await?;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Counts so far; what has gathered and is not written counts for nothing yet.
    pub fn counts(&self) -> Imported {
        self.counts
    }

    /// Writes what has gathered, and lets go of the file.
    ///
    /// # Errors
    /// If the file does not take it.
    pub async fn finish(mut self) -> Result<Imported, HistoryError> {
        let written = self.write(true).await;
        self.store.close().await;
        written.map(|()| self.counts)
    }

    async fn write(&mut self, all: bool) -> Result<(), HistoryError> {
        let shelved = self.shelve(all).await.map_err(write_error)?;
        self.counts.samples += shelved.added;
        self.counts.doubled += shelved.doubled;
        self.gathered = self.series.values().map(Vec::len).sum();
        Ok(())
    }

    async fn shelve(&mut self, all: bool) -> sqlx::Result<Shelved> {
        let how = Shelving {
            deadband: None,
            equal_is_doubled: true,
        };
        let mut whole = self.store.write().await?;
        let mut shelved = Shelved::default();
        let mut left = HashMap::new();
        for (topic, samples) in self.series.drain() {
            let (now, later) = if all {
                (samples, Vec::new())
            } else {
                divide(samples)
            };
            let id = series::id_or_new(&mut whole, &topic).await?;
            shelved += shelve(&mut whole, id, now, how).await?;
            left.insert(topic, later);
        }
        whole.commit().await?;
        self.series = left;
        Ok(shelved)
    }
}

/// Samples of the last millisecond wait: more of it may come, and among equal ones those
/// that are there by then would be taken for the same.
fn divide(samples: Vec<Sample>) -> (Vec<Sample>, Vec<Sample>) {
    let last = samples.iter().map(|sample| sample.at).max();
    let last = last.unwrap_or(UtcMillis(i64::MAX));
    let (now, later): (Vec<_>, Vec<_>) = samples.into_iter().partition(|one| one.at < last);
    if now.is_empty() {
        (later, now)
    } else {
        (now, later)
    }
}

/// Removes a topic from the file, as [`History::forget`](super::History::forget) does, whether
/// the gateway runs or not; says how many samples.
///
/// # Errors
/// If there is no such file, or it does not take it.
pub async fn forget(file: &Path, topic: &str) -> Result<u64, ArchiveError> {
    if !file.exists() {
        return Err(ArchiveError::Missing(file.to_owned()));
    }
    let store = Store::open(file).await?;
    let removed = sealer::forget(&store, topic).await;
    store.close().await;
    Ok(removed?)
}

fn write_error(error: sqlx::Error) -> HistoryError {
    HistoryError::Write(error.to_string())
}

#[cfg(test)]
mod tests;
