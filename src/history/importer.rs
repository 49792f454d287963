//! Puts samples from elsewhere onto the shelves, past the log: those of the file or of the
//! server, whichever keeps the history.
//!
//! They may be of any time and in any order, though order of time is fastest. Memory is
//! bounded, and the gateway may record on meanwhile: the file is locked for a moment at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::sample::{Sample, kept};
use super::sealer::{self, Carried, Shelved, Shelving, shelve};
use super::store::postgres::series::Said;
use super::store::postgres::{self, Server, reason};
use super::store::{Store, series};
use super::waiting::Description;
use super::{ArchiveError, HistoryError, Location, forwarder, location, traces};
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
    /// Opens the history, and makes its file if it is missing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn open(location: impl Into<Location>) -> Result<Importer, ArchiveError> {
        let location = location.into();
        let server = location.connect().await?;
        let is_here = server.is_none();
        let store = Store::open(&location.file).await?.beside(server);
        // Samples of an older version would be late among those that come.
        while is_here && sealer::carry(&store).await.map_err(write_error)? != Carried::All {
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
        let said = Description { unit, device_class };
        if let Some(server) = self.store.server() {
            let described = describe_there(server, topic, said).await;
            return described.map_err(|error| HistoryError::away(server, &reason(&error)));
        }
        let outcome = async {
            let mut whole = self.store.write().await?;
            let mut all = series::all(&mut whole).await?.into_iter();
            let there = all.find(|row| row.topic == topic);
            let description = match there.map(|row| row.description) {
                Some(there) => Description {
                    unit: there.unit.or(said.unit),
                    device_class: there.device_class.or(said.device_class),
                },
                None => new_one(topic, said),
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
        location::close(&self.store).await;
        written.map(|()| self.counts)
    }

    async fn write(&mut self, all: bool) -> Result<(), HistoryError> {
        let shelved = match self.store.server().cloned() {
            Some(server) => {
                let shelved = self.shelve_there(&server, all).await;
                shelved.map_err(|error| HistoryError::away(&server, &reason(&error)))?
            }
            None => self.shelve(all).await.map_err(write_error)?,
        };
        self.counts.samples += shelved.added;
        self.counts.doubled += shelved.doubled;
        self.gathered = self.series.values().map(Vec::len).sum();
        Ok(())
    }

    async fn shelve_there(&mut self, server: &Server, all: bool) -> sqlx::Result<Shelved> {
        let mut whole = server.write().await?;
        let mut left = HashMap::new();
        let mut now = HashMap::new();
        for (topic, samples) in self.series.drain() {
            let (samples, later) = if all {
                (samples, Vec::new())
            } else {
                divide(samples)
            };
            now.insert(topic.to_string(), samples);
            left.insert(topic, later);
        }
        let guessed = |topic: &String| Said {
            topic: topic.clone(),
            description: series::guess(topic),
            is_firm: false,
        };
        let names: Vec<Said> = now.keys().map(guessed).collect();
        let ids = postgres::series::ids(&mut whole, &names).await?;
        let coming = now.into_iter().filter_map(|(topic, samples)| {
            Some(forwarder::Coming {
                series: *ids.get(&topic)?,
                samples,
                thinning: None,
                equal_is_doubled: true,
            })
        });
        let coming = coming.collect();
        let shelved = forwarder::shelve(&mut whole, coming).await?;
        whole.commit().await?;
        self.series = left;
        Ok(shelved)
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

async fn describe_there(server: &Server, topic: &str, said: Description) -> sqlx::Result<()> {
    let mut whole = server.write().await?;
    let said = Said {
        topic: topic.to_owned(),
        description: said,
        is_firm: false,
    };
    postgres::series::ids(&mut whole, &[said]).await?;
    whole.commit().await
}

/// What a topic measures of which nothing is known: a file knows better than its name.
fn new_one(topic: &str, said: Description) -> Description {
    let guess = series::guess(topic);
    if said.unit.is_some() && said.unit != guess.unit {
        return said;
    }
    Description {
        unit: guess.unit,
        device_class: said.device_class.or(guess.device_class),
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

/// Removes a topic from the history, as [`History::forget`](super::History::forget) does, whether
/// the gateway runs or not; says how many samples.
///
/// # Errors
/// If there is no such file, or it does not take it, or a server that keeps the history is
/// away.
pub async fn forget(location: impl Into<Location>, topic: &str) -> Result<u64, ArchiveError> {
    let location = location.into();
    let file = &location.file;
    if !file.exists() {
        return Err(ArchiveError::Missing(file.to_owned()));
    }
    let server = location.connect().await?;
    let store = Store::open(file).await?.beside(server);
    let here = sealer::forget(&store, topic);
    let removed = match store.server() {
        Some(server) => forwarder::forget(&store, server, topic, here).await,
        None => here.await,
    };
    location::close(&store).await;
    Ok(removed?)
}

/// Overwrites what a write-ahead log still holds of forgotten topics; false if somebody reads
/// the history for so long that nobody waits for it.
///
/// # Errors
/// If there is no such file, or it cannot be written.
pub async fn cut_traces(file: &std::path::Path) -> Result<bool, ArchiveError> {
    if !file.exists() {
        return Err(ArchiveError::Missing(file.to_owned()));
    }
    let store = Store::open(file).await?;
    let is_cut = traces::cut_now(&store).await;
    store.close().await;
    Ok(is_cut)
}

fn write_error(error: sqlx::Error) -> HistoryError {
    HistoryError::Write(error.to_string())
}

#[cfg(test)]
mod tests;
