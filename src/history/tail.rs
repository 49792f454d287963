//! The log's tail: what is committed and not yet on the shelves.
//!
//! Charts ask for it again and again, each for one series, and blocks hold all of them. So
//! it is kept as readers need it for as long as the blocks are there: a block is decoded once.

use std::collections::{HashMap, HashSet};

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use super::block;
use super::sample::Sample;
use super::store::log::{self, Ends};
use crate::clock::UtcMillis;
use crate::home::Value;

/// The samples of all series in the log, each in order of time.
#[derive(Debug, Default)]
pub struct Tail {
    ends: Ends,
    series: HashMap<u32, Vec<(UtcMillis, Value)>>,
}

impl Tail {
    /// Brings it to where the log is, as this connection sees it.
    pub async fn refresh(&mut self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let ends = log::ends(&mut *connection).await?;
        let state = |ends: &Ends| (ends.first, ends.changes, ends.pass);
        if state(&ends) != state(&self.ends) {
            *self = Tail::default();
        }
        let mut unsorted = HashSet::new();
        if ends.last > self.ends.last {
            let mut blocks = std::pin::pin!(log::blocks(connection, self.ends.last));
            while let Some(block) = blocks.try_next().await? {
                match block::decode(&block.bytes) {
                    Ok((_, entries)) => {
                        let is_left = |one: &block::Entry| !ends.pass.has(block.id, one.series);
                        self.add(entries.into_iter().filter(is_left), &mut unsorted);
                    }
                    Err(error) => tracing::warn!("block {} of the history {error}", block.id),
                }
            }
        }
        for series in unsorted {
            if let Some(samples) = self.series.get_mut(&series) {
                samples.sort_by_key(|(at, _)| *at);
            }
        }
        // A reader that began earlier sees less of the log; what is there stays right.
        let last = ends.last.max(self.ends.last);
        self.ends = Ends { last, ..ends };
        Ok(())
    }

    /// What a series said from `from` up to and including `to`, in order of time.
    pub fn of(&self, series: u32, from: UtcMillis, to: UtcMillis) -> &[(UtcMillis, Value)] {
        let samples = self.series.get(&series).map_or(&[][..], Vec::as_slice);
        let begin = samples.partition_point(|(at, _)| *at < from);
        let end = samples.partition_point(|(at, _)| *at <= to);
        samples.get(begin..end).unwrap_or_default()
    }

    fn add(&mut self, entries: impl Iterator<Item = block::Entry>, unsorted: &mut HashSet<u32>) {
        for entry in entries {
            let samples = self.series.entry(entry.series).or_default();
            if samples.last().is_some_and(|(at, _)| *at > entry.at) {
                unsorted.insert(entry.series);
            }
            samples.push((entry.at, entry.value));
        }
    }
}

/// What the log holds of these series, in order of time, with all that is known of it.
pub async fn samples(
    connection: &mut SqliteConnection,
    wanted: &HashSet<u32>,
) -> sqlx::Result<HashMap<u32, Vec<Sample>>> {
    let mut samples: HashMap<u32, Vec<Sample>> = HashMap::new();
    let pass = log::ends(&mut *connection).await?.pass;
    let mut blocks = std::pin::pin!(log::blocks(connection, 0));
    while let Some(block) = blocks.try_next().await? {
        let Ok((header, entries)) = block::decode(&block.bytes) else {
            tracing::warn!("block {} of the history cannot be read", block.id);
            continue;
        };
        for entry in entries {
            if wanted.contains(&entry.series) && !pass.has(block.id, entry.series) {
                let series = samples.entry(entry.series).or_default();
                series.push(entry.sample(&header));
            }
        }
    }
    for series in samples.values_mut() {
        series.sort_by_key(|sample| sample.at);
    }
    Ok(samples)
}
