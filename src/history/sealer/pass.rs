//! One pass of the sealer: what is in the log is read once and without a lock, and then put
//! onto the shelves a few series at a time, so that a commit never waits for all of them.
//!
//! Each step is a transaction, and the log says how far the pass came: after a crash the next
//! pass goes on where this one ended, and readers never see a sample twice or not at all.

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use super::{
    MOST_DOUBTFUL, MOST_IN_LOG, Present, Sealed, Shelved, Shelving, in_log, may_be_put_right,
    put_right, queue, shelve,
};
use crate::clock::ClockQuality;
use crate::history::block;
use crate::history::policy::Policy;
use crate::history::sample::Sample;
use crate::history::store::log::{self, Block, Ends, Passed};
use crate::history::store::{Store, series};

/// A step takes series until it has so many samples: some milliseconds on a Raspberry Pi.
const STEP: usize = 8192;

/// A pass that was begun.
#[derive(Debug)]
pub struct Pass {
    /// The last block of the pass; zero if there is none to seal.
    last: i64,
    /// What is still to be put onto the shelves.
    series: BTreeMap<u32, Vec<Sample>>,
    damaged: Vec<(Block, String)>,
    /// `log.changes` as it was read: if it grows, a series was removed.
    changes: i64,
    shelved: Shelved,
}

/// How a step ended.
#[derive(Debug)]
pub enum Step {
    /// There is more to do.
    Goes(Pass),
    /// The log is sealed.
    Over(Sealed),
    /// A series was removed meanwhile, of which the pass still holds samples. What it has
    /// done is done; what is left is for the next one.
    Void,
}

impl Pass {
    /// Reads about [`MOST_IN_LOG`] samples, the first of the log, or what an earlier pass
    /// has left.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn begin(store: &Store, present: &Present) -> sqlx::Result<Pass> {
        let mut whole = store.read().await?;
        let ends = log::ends(&mut whole).await?;
        let doubtful = in_log(&mut whole, present, |_| {}).await?.doubtful;
        let mut pass = Pass {
            last: 0,
            series: BTreeMap::new(),
            damaged: Vec::new(),
            changes: ends.changes,
            shelved: Shelved::default(),
        };
        let are_too_many = doubtful > MOST_DOUBTFUL;
        pass.read(&mut whole, &ends, present, are_too_many).await?;
        Ok(pass)
    }

    async fn read(
        &mut self,
        connection: &mut SqliteConnection,
        ends: &Ends,
        present: &Present,
        doubtful_too: bool,
    ) -> sqlx::Result<()> {
        let mut samples = 0;
        let mut blocks = std::pin::pin!(log::blocks(connection, 0));
        while let Some(block) = blocks.try_next().await? {
            let goes_on = ends.pass.end > 0;
            if goes_on && block.id > ends.pass.end {
                break;
            }
            let (header, entries) = match block::decode(&block.bytes) {
                Ok(decoded) => decoded,
                Err(error) => {
                    self.damaged.push((block, error.to_string()));
                    continue;
                }
            };
            let waits = may_be_put_right(&header, present.boot)
                && present.clock == ClockQuality::Unknown
                && !doubtful_too;
            if !goes_on && (waits || samples >= MOST_IN_LOG) {
                break;
            }
            self.last = block.id;
            samples += entries.len();
            let is_left = |entry: &block::Entry| !ends.pass.has(block.id, entry.series);
            for entry in entries.into_iter().filter(is_left) {
                let series = self.series.entry(entry.series).or_default();
                series.push(put_right(entry.sample(&header), &header, present));
            }
        }
        Ok(())
    }

    /// Puts the next series onto the shelves, or ends the pass if there are no more.
    ///
    /// # Errors
    /// If the file does not take it; nothing has changed then, and the next pass goes on from
    /// there.
    pub async fn step(
        mut self,
        store: &Store,
        policy: &Policy,
        present: &Present,
    ) -> sqlx::Result<Step> {
        let mut whole = store.write().await?;
        if log::ends(&mut whole).await?.changes != self.changes {
            return Ok(Step::Void);
        }
        if self.series.is_empty() {
            let given_up = self.end(store, &mut whole, present).await?;
            whole.commit().await?;
            queue::tell(given_up);
            let mut whole = store.read().await?;
            let left = in_log(&mut whole, present, |_| {}).await?;
            let shelved = self.shelved;
            return Ok(Step::Over(Sealed { shelved, left }));
        }
        self.some_series(&mut whole, policy).await?;
        whole.commit().await?;
        Ok(Step::Goes(self))
    }

    async fn some_series(
        &mut self,
        connection: &mut SqliteConnection,
        policy: &Policy,
    ) -> sqlx::Result<()> {
        let rows = series::all(&mut *connection).await?.into_iter();
        let topics: HashMap<u32, String> = rows.map(|row| (row.id, row.topic)).collect();
        let mut taken = 0;
        let mut series = 0;
        while taken < STEP
            && let Some((id, samples)) = self.series.pop_first()
        {
            taken += samples.len();
            series = id;
            // A series without a name was removed.
            if let Some(topic) = topics.get(&id) {
                let how = Shelving {
                    deadband: policy.of(topic).deadband,
                    equal_is_doubled: false,
                };
                self.shelved += shelve(&mut *connection, id, samples, how).await?;
            }
        }
        let end = self.last;
        log::passed(connection, Passed { end, series }).await
    }

    /// Says how many samples that wait to be pushed were given up.
    async fn end(
        &mut self,
        store: &Store,
        connection: &mut SqliteConnection,
        present: &Present,
    ) -> sqlx::Result<u64> {
        for (block, reason) in &self.damaged {
            tracing::error!(
                "block {} of the history {reason}; it is set aside",
                block.id
            );
            log::set_aside(&mut *connection, block, reason).await?;
        }
        queue::take_out(store, connection, self.last, present).await
    }
}

/// A whole pass, one step after the other.
///
/// # Errors
/// If the file does not take it.
pub async fn seal(store: &Store, policy: &Policy, present: &Present) -> sqlx::Result<Sealed> {
    let mut pass = Pass::begin(store, present).await?;
    loop {
        match pass.step(store, policy, present).await? {
            Step::Goes(on) => pass = on,
            Step::Over(sealed) => return Ok(sealed),
            Step::Void => pass = Pass::begin(store, present).await?,
        }
    }
}
