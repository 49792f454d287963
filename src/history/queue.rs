//! The log beside a PostgreSQL: what is committed here and on its way there.
//!
//! It is kept decoded for readers, block by block, as they have to leave out what the server
//! has. After a long outage the log is larger than memory: only its newest blocks are held.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use super::block;
use super::sample::Sample;
use super::store::log;
use super::store::postgres::blocks::Mark;

/// So many samples are held at most, about ten megabytes …
const MOST_SAMPLES: usize = 131_072;
/// … out of so many blocks.
const MOST_BLOCKS: i64 = 4096;

/// A block, by series.
#[derive(Debug)]
pub struct Held {
    pub mark: Mark,
    /// In the order in which they came.
    pub series: HashMap<u32, Vec<Sample>>,
    samples: usize,
}

/// The newest blocks of the log.
#[derive(Debug, Default)]
pub struct Queue {
    blocks: VecDeque<Arc<Held>>,
    samples: usize,
    /// The last block that was looked at.
    last: i64,
    /// They hold for as long as `log.changes` is this.
    changes: i64,
    is_cut: bool,
}

impl Queue {
    /// Brings it to where the log is, as this connection sees it.
    pub async fn refresh(&mut self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let ends = log::ends(&mut *connection).await?;
        if ends.changes != self.changes {
            *self = Queue {
                changes: ends.changes,
                ..Queue::default()
            };
        }
        let is_gone = |held: &Arc<Held>| ends.first == 0 || held.mark.block < ends.first;
        while self.blocks.front().is_some_and(is_gone) {
            self.drop_first();
        }
        let after = self.last.max(ends.last.saturating_sub(MOST_BLOCKS));
        let mut blocks = std::pin::pin!(log::blocks(connection, after));
        while let Some(block) = blocks.try_next().await? {
            self.last = block.id;
            self.push(&block);
            while self.samples > MOST_SAMPLES && self.blocks.len() > 1 {
                self.drop_first();
            }
        }
        let first = self.blocks.front().map_or(i64::MAX, |held| held.mark.block);
        self.is_cut = ends.first != 0 && ends.first < first;
        Ok(())
    }

    /// What is held, in the order in which it came.
    pub fn blocks(&self) -> Vec<Arc<Held>> {
        self.blocks.iter().cloned().collect()
    }

    /// Whether the log has older blocks than those that are held.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn push(&mut self, block: &log::Block) {
        let Ok((header, entries)) = block::decode(&block.bytes) else {
            tracing::warn!("block {} of the history cannot be read", block.id);
            return;
        };
        let samples = entries.len();
        let mut series: HashMap<u32, Vec<Sample>> = HashMap::new();
        for entry in entries {
            let of_series = series.entry(entry.series).or_default();
            of_series.push(entry.sample(&header));
        }
        self.samples += samples;
        self.blocks.push_back(Arc::new(Held {
            mark: Mark::new(block.id, &header),
            series,
            samples,
        }));
    }

    fn drop_first(&mut self) {
        if let Some(held) = self.blocks.pop_front() {
            self.samples -= held.samples;
        }
    }
}
