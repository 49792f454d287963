//! The history read back as it happened: many series at once, in order of time.
//!
//! Memory is bounded whatever the length: each series is read a page at a time,
//! and the pages are merged. The gateway may record on meanwhile.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::store::{Place, Store};
use super::{HistoryError, SeriesInfo};
use crate::clock::UtcMillis;
use crate::database::OpenError;
use crate::home::{Reading, Thing, Value};

/// So many readings are held at once, over all series …
const MOST_HELD: usize = 65_536;
/// … but of each at least, and at most, so many.
const PAGE: (usize, usize) = (16, 1024);

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
}

/// A history file that is there.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Store,
}

impl Archive {
    /// Opens a file for reading alone.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub async fn open(file: &Path) -> Result<Archive, ArchiveError> {
        if !file.exists() {
            return Err(ArchiveError::Missing(file.to_owned()));
        }
        let store = Store::open_to_read(file).await?;
        Ok(Archive { store })
    }

    /// Lets go of the file.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Everything that was recorded, things and their commands, by topic.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn series(&self) -> Result<Vec<SeriesInfo>, HistoryError> {
        Ok(self.store.series().await?)
    }

    /// Every series with its size.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn sizes(&self) -> Result<Vec<SeriesSize>, HistoryError> {
        Ok(self.store.sizes().await?)
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
        todo!("{}", topics.into_iter().count())
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
        Ok(self.store.last_until(topic, until).await?)
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
        let mut topics: Vec<String> = topics.into_iter().collect();
        topics.sort_by_key(|topic| (Thing::from_set_topic(topic).is_some(), topic.clone()));
        topics.dedup();
        let page = (MOST_HELD / topics.len().max(1)).clamp(PAGE.0, PAGE.1);
        let begin = Place {
            at: UtcMillis(from.0.saturating_sub(1)),
            nth: i64::MAX,
        };
        let mut readings = Readings {
            store: self.store.clone(),
            to,
            page: u32::try_from(page).unwrap_or(u32::MAX),
            series: topics
                .into_iter()
                .map(|topic| Series::new(topic, begin))
                .collect(),
            next: BinaryHeap::new(),
        };
        for series in 0..readings.series.len() {
            readings.offer(series).await?;
        }
        Ok(readings)
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
pub struct Samples {}

impl Samples {
    /// The next one; none at the end.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn next(&mut self) -> Result<Option<Said>, HistoryError> {
        todo!()
    }
}

/// Readings of several series, the earliest first.
#[derive(Debug)]
pub struct Readings {
    store: Store,
    to: UtcMillis,
    page: u32,
    series: Vec<Series>,
    /// The time of each series' next reading; series are in the order of their rank.
    next: BinaryHeap<Reverse<(UtcMillis, usize)>>,
}

#[derive(Debug)]
struct Series {
    topic: String,
    /// At most a page.
    held: VecDeque<(Place, Value)>,
    /// The last reading that was fetched.
    last: Place,
    /// Whether there are no further pages.
    is_read: bool,
}

impl Readings {
    /// The next reading; none at the end.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn next(&mut self) -> Result<Option<Reading>, HistoryError> {
        let Some(Reverse((_, nth))) = self.next.pop() else {
            return Ok(None);
        };
        let series = &mut self.series[nth];
        let reading = series.held.pop_front().map(|(place, value)| Reading {
            topic: series.topic.clone(),
            value,
            at: place.at,
        });
        self.offer(nth).await?;
        Ok(reading)
    }

    /// Puts the next reading of a series in the row, from its next page if need be.
    async fn offer(&mut self, nth: usize) -> Result<(), HistoryError> {
        let series = &mut self.series[nth];
        if series.held.is_empty() && !series.is_read {
            let page = self
                .store
                .page(&series.topic, series.last, self.to, self.page);
            series.held = page.await?.into();
            series.is_read = series.held.len() < self.page as usize;
            series.last = series.held.back().map_or(series.last, |(place, _)| *place);
        }
        let first = series.held.front();
        self.next
            .extend(first.map(|(place, _)| Reverse((place.at, nth))));
        Ok(())
    }
}

impl Series {
    fn new(topic: String, begin: Place) -> Series {
        Series {
            topic,
            held: VecDeque::new(),
            last: begin,
            is_read: false,
        }
    }
}

/// Writes readings into a file, as the recorder would have.
#[cfg(test)]
pub async fn record(file: &Path, readings: &[Reading]) {
    let store = Store::open(file).await.unwrap();
    let batch = super::backlog::Batch {
        readings: readings.to_vec(),
        ..super::backlog::Batch::default()
    };
    store.commit(&batch).await.unwrap();
    store.close().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(topic: &str, at: i64, payload: &str) -> Reading {
        Reading {
            topic: topic.to_owned(),
            value: Value::parse(payload),
            at: UtcMillis(at),
        }
    }

    async fn recorded(readings: &[Reading]) -> (tempfile::TempDir, Archive) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.db");
        record(&file, readings).await;
        let archive = Archive::open(&file).await.unwrap();
        (folder, archive)
    }

    async fn all(archive: &Archive, topics: &[&str], from: i64, to: i64) -> Vec<Reading> {
        let topics = topics.iter().map(|topic| (*topic).to_owned());
        let readings = archive.readings(topics, UtcMillis(from), UtcMillis(to));
        let (mut readings, mut all) = (readings.await.unwrap(), Vec::new());
        while let Some(reading) = readings.next().await.unwrap() {
            assert!(
                readings
                    .series
                    .iter()
                    .all(|series| series.held.len() <= PAGE.1)
            );
            all.push(reading);
        }
        all
    }

    #[tokio::test]
    async fn series_are_merged_in_order_of_time_over_many_pages() {
        let mut said = Vec::new();
        for n in 0..3000 {
            let topic = ["home/a/x", "home/a/y", "home/b/z"][n % 3];
            said.push(reading(topic, n as i64 / 2, &n.to_string()));
        }
        let (_folder, archive) = recorded(&said).await;
        let told = all(&archive, &["home/b/z", "home/a/x", "home/a/y"], 100, 1200).await;
        said.retain(|reading| (100..=1200).contains(&reading.at.0));
        said.sort_by_key(|reading| (reading.at, reading.topic.clone()));
        assert_eq!(told.len(), 2202);
        assert!(told == said);
    }

    #[tokio::test]
    async fn one_long_series_is_read_in_pages_and_loses_nothing_within_a_millisecond() {
        let said: Vec<Reading> = (0..5000)
            .map(|n| reading("home/a/x", n / 700, &n.to_string()))
            .collect();
        let (_folder, archive) = recorded(&said).await;
        assert!(all(&archive, &["home/a/x", "home/a/x"], 0, 100).await == said);
        assert_eq!(all(&archive, &["home/a/none"], 0, 100).await, []);
    }

    #[tokio::test]
    async fn states_come_before_commands_and_the_last_one_before_is_found() {
        let said = [
            reading("home/a/lamp/set", 5, "on"),
            reading("home/a/lamp", 5, "off"),
            reading("home/a/lamp", 5, "on"),
        ];
        let (_folder, archive) = recorded(&said).await;
        let told = all(&archive, &["home/a/lamp/set", "home/a/lamp"], 5, 5).await;
        assert_eq!(told, [said[1].clone(), said[2].clone(), said[0].clone()]);
        let before = |at| archive.before("home/a/lamp", UtcMillis(at));
        assert_eq!(before(5).await.unwrap(), None);
        assert_eq!(before(6).await.unwrap(), Some(said[2].clone()));
        let topics: Vec<String> = archive
            .series()
            .await
            .unwrap()
            .into_iter()
            .map(|s| s.topic)
            .collect();
        assert_eq!(topics, ["home/a/lamp", "home/a/lamp/set"]);
    }

    #[tokio::test]
    async fn what_is_no_history_is_refused_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.db");
        let missing = Archive::open(&file).await.unwrap_err().to_string();
        assert!(missing.starts_with("there is no history at"), "{missing}");
        assert!(!file.exists());
        std::fs::write(&file, "notes\n".repeat(500)).unwrap();
        let foreign = Archive::open(&file).await.unwrap_err().to_string();
        assert!(foreign.contains("is not Hearth's history"), "{foreign}");
    }
}
