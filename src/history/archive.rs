//! The history read back as it happened: many series at once, in order of time.
//!
//! Memory is bounded whatever the length: each series is read a page at a time,
//! and the pages are merged. The gateway may record on meanwhile.

mod pages;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::sample::Sample;
use super::store::postgres::reason;
use super::store::{Store, old};
use super::view::{Series, View};
use super::{Damage, HistoryError, Location, SeriesInfo, SeriesSize, checker, location, reader};
use crate::clock::UtcMillis;
use crate::database::OpenError;
use crate::home::{Reading, Thing};
use pages::Pages;

/// So many samples are held at once, over all series …
const MOST_HELD: usize = 65_536;
/// … but of each at least, and at most, so many.
const PAGE: (usize, usize) = (16, 4096);

/// Why a history cannot be read back.
#[derive(Debug, Error)]
pub enum ArchiveError {
    #[error(
        "there is no history at {0}: the house records it while `hearth run` is at work; \
         `--data DIR` names the folder of another one"
    )]
    Missing(PathBuf),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] HistoryError),
    #[error(
        "{0} was written by an older Hearth and is not yet carried over; `hearth run` does it in \
         the background, then try again"
    )]
    Old(PathBuf),
    /// The server, and why it cannot be reached.
    #[error("the history is in {0}, which cannot be used: {1}")]
    Away(String, String),
    #[error(
        "many readings wait in {0} to be sent to the server: let `hearth run` do that first, then \
         try again"
    )]
    Behind(PathBuf),
}

/// A history that is there.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Store,
}

impl Archive {
    /// Opens a history for reading alone.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub async fn open(location: impl Into<Location>) -> Result<Archive, ArchiveError> {
        let location = location.into();
        let file = &location.file;
        if !file.exists() {
            return Err(ArchiveError::Missing(file.to_owned()));
        }
        let server = location.connect().await?;
        let store = Store::open_to_read(file).await?.beside(server);
        if is_current(&store).await? {
            if is_complete(&store).await? {
                return Ok(Archive { store });
            }
            location::close(&store).await;
            return Err(ArchiveError::Behind(file.to_owned()));
        }
        location::close(&store).await;
        Err(ArchiveError::Old(file.to_owned()))
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// What was set aside because it could not be read, the latest first.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn damaged(&self) -> Result<Vec<Damage>, HistoryError> {
        checker::aside(&self.store).await
    }

    /// Lets go of the file. [Samples] that are still read keep it, and can be read on.
    pub async fn close(&self) {
        location::close(&self.store).await;
    }

    /// Why it gave no answer.
    fn error(&self, error: &sqlx::Error) -> HistoryError {
        match self.store.server() {
            Some(server) => HistoryError::away(server, &reason(error)),
            None => HistoryError::Read(error.to_string()),
        }
    }

    /// Everything that was recorded, things and their commands, by topic.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn series(&self) -> Result<Vec<SeriesInfo>, HistoryError> {
        let series = reader::series(&self.store).await;
        series.map_err(|error| self.error(&error))
    }

    /// Every series with its size.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn sizes(&self) -> Result<Vec<SeriesSize>, HistoryError> {
        let sizes = reader::sizes(&self.store).await;
        sizes.map_err(|error| self.error(&error))
    }

    /// The last reading of a topic before `at`.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn before(
        &self,
        topic: &str,
        at: UtcMillis,
    ) -> Result<Option<Reading>, HistoryError> {
        let until = UtcMillis(at.0.saturating_sub(1));
        let last = reader::last_until(&self.store, topic, until).await;
        last.map_err(|error| self.error(&error))
    }

    /// The readings of these topics from `from` up to and including `to`.
    ///
    /// In the same millisecond what things say comes before commands, and both by
    /// topic; what one topic said stays in its order.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn readings(
        &self,
        topics: impl IntoIterator<Item = String>,
        from: UtcMillis,
        to: UtcMillis,
    ) -> Result<Readings, HistoryError> {
        let samples = self.samples(topics, from, to).await?;
        Ok(Readings { samples })
    }

    /// The same as [`Archive::readings`], with everything that is known of each sample: its
    /// origin and the clock that told its time.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn samples(
        &self,
        topics: impl IntoIterator<Item = String>,
        from: UtcMillis,
        to: UtcMillis,
    ) -> Result<Samples, HistoryError> {
        let mut topics: Vec<String> = topics.into_iter().collect();
        topics.sort_by_key(|topic| (Thing::from_set_topic(topic).is_some(), topic.clone()));
        topics.dedup();
        // None of the pool's connections: who closes the archive does not wait for it.
        let mut view = self
            .store
            .view_apart()
            .await
            .map_err(|error| self.error(&error))?;
        let mut known: Vec<(Series, String)> = Vec::new();
        for topic in topics {
            let series = view.series(&topic).await;
            if let Some(series) = series.map_err(|error| self.error(&error))? {
                known.push((series, topic));
            }
        }
        let wanted: Vec<Series> = known.iter().map(|(series, _)| *series).collect();
        let mut in_log = view.logged(&wanted).await?;
        let page = (MOST_HELD / known.len().max(1)).clamp(PAGE.0, PAGE.1);
        let pages = known.into_iter().map(|(series, topic)| {
            let in_log = in_log.remove(&series).unwrap_or_default();
            (Arc::from(topic), Pages::new(series, from, to, page, in_log))
        });
        let mut samples = Samples {
            series: pages.collect(),
            view,
            next: BinaryHeap::new(),
        };
        for nth in 0..samples.series.len() {
            samples.offer(nth).await?;
        }
        Ok(samples)
    }
}

/// Whether all that is in the file is where this version looks for it.
async fn is_current(store: &Store) -> Result<bool, HistoryError> {
    if store.server().is_some() {
        // What an older version left in the file was never on the server.
        return Ok(true);
    }
    let mut whole = store.read().await?;
    Ok(old::has_log(&mut whole).await?
        && (!old::is_there(&mut whole).await? || old::next(&mut whole, 1).await?.is_empty()))
}

/// Whether memory holds what waits for a server.
async fn is_complete(store: &Store) -> Result<bool, HistoryError> {
    match store.view().await? {
        View::Postgres(view) => Ok(!view.is_cut),
        View::File(_) => Ok(true),
    }
}

/// A sample, and of which topic it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub topic: Arc<str>,
    pub sample: Sample,
}

/// Samples of several series, the earliest first, as the file was when they were asked for.
#[derive(Debug)]
pub struct Samples {
    /// Of the moment when they were asked for, until it is dropped.
    view: View,
    series: Vec<(Arc<str>, Pages)>,
    /// The time of each series' next sample; series are in the order of their rank.
    next: BinaryHeap<Reverse<(UtcMillis, usize)>>,
}

impl Samples {
    /// How many chunks could not be read until now, and were gone past.
    pub fn unreadable(&self) -> u64 {
        self.series
            .iter()
            .map(|(_, pages)| pages.unreadable())
            .sum()
    }

    /// The next one; none at the end.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn next(&mut self) -> Result<Option<Said>, HistoryError> {
        let Some(Reverse((_, nth))) = self.next.pop() else {
            return Ok(None);
        };
        let (topic, pages) = &mut self.series[nth];
        let said = pages.pop().map(|sample| Said {
            topic: Arc::clone(topic),
            sample,
        });
        self.offer(nth).await?;
        Ok(said)
    }

    /// Puts the next sample of a series in the row, from its next page if need be.
    async fn offer(&mut self, nth: usize) -> Result<(), HistoryError> {
        let (_, pages) = &mut self.series[nth];
        let at = pages.peek(&mut self.view).await?;
        self.next.extend(at.map(|at| Reverse((at, nth))));
        Ok(())
    }
}

/// Readings of several series, the earliest first.
#[derive(Debug)]
pub struct Readings {
    samples: Samples,
}

impl Readings {
    /// The next reading; none at the end.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn next(&mut self) -> Result<Option<Reading>, HistoryError> {
        let said = self.samples.next().await?;
        Ok(said.map(|Said { topic, sample }| Reading {
            topic: topic.to_string(),
            value: sample.value,
            at: sample.at,
        }))
    }
}

/// Writes readings into a file, as the recorder would have.
#[cfg(test)]
pub async fn record(file: &std::path::Path, readings: &[Reading]) {
    use super::waiting::{Batch, Item};
    let store = Store::open(file).await.unwrap();
    let item = |reading: &Reading| Item {
        topic: reading.topic.as_str().into(),
        at: reading.at,
        value: reading.value.clone(),
        ..Item::any()
    };
    for portion in readings.chunks(10_000) {
        let batch = Batch {
            portions: vec![portion.iter().map(item).collect()],
            ..Batch::default()
        };
        super::commit::commit(&store, &batch, &super::sealer::Present::any())
            .await
            .unwrap();
    }
    store.close().await;
}

#[cfg(test)]
mod tests;
