//! How much waits to be pushed.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;

use crate::history::block;
use crate::history::store::{Store, log, queue};

/// Counts samples that wait. Blocks of the log are decoded for it, each once.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Samples by block of the log; it is as long as the log at most.
    in_log: BTreeMap<i64, u64>,
}

/// What the push has left to do, and what it will never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub waiting: u64,
    pub given_up: u64,
}

impl Backlog {
    /// What waits when all up to a block is pushed, in samples.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn count(&mut self, store: &Store, pushed: i64) -> sqlx::Result<Left> {
        let mut whole = store.read().await?;
        let push = queue::push(&mut whole).await?;
        let held = queue::held(&mut whole, pushed).await?;
        let ends = log::ends(&mut whole).await?;
        let is_there = |id: i64| id > pushed && ends.first > 0 && id >= ends.first;
        self.in_log.retain(|id, _| is_there(*id));
        let counted = self.in_log.last_key_value().map_or(pushed, |(id, _)| *id);
        let mut blocks = std::pin::pin!(log::blocks(&mut whole, counted));
        while let Some(one) = blocks.try_next().await? {
            let samples = block::decode(&one.bytes).map_or(0, |(_, entries)| entries.len());
            self.in_log.insert(one.id, samples as u64);
        }
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Left {
            waiting: number(held.samples) + self.in_log.values().sum::<u64>(),
            given_up: number(push.map_or(0, |push| push.given_up)),
        })
    }
}
