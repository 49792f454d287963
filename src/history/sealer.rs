//! Takes blocks out of the log and puts what they hold onto the shelves, in one transaction:
//! a crash leaves a sample in the one or the other, and never in both.
//!
//! It is also who carries old files over, forgets series and removes what is kept no longer.

mod carry;
mod forget;
mod retain;
mod rolls;
mod shelve;

#[cfg(test)]
mod tests;

pub use carry::{Carried, carry};
pub use forget::forget;
pub use retain::retain;
pub use rolls::row_start;
pub use shelve::{Shelved, Shelving, shelve};

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use super::block::{self, Header};
use super::policy::Policy;
use super::rollup::Period;
use super::sample::Sample;
use super::store::log::{self, Block};
use super::store::{Store, series};
use super::waiting::offset;
use crate::clock::{Boot, ClockQuality, Now, UtcMillis};

/// The log holds about so many samples at most: what readers have to look through.
pub const MOST_IN_LOG: usize = 131_072;
/// Of a clock that nobody has set twice as many wait for it to be put right; then they go
/// to the shelves as they are.
const MOST_DOUBTFUL: usize = 2 * MOST_IN_LOG;
/// An hour with fewer samples may wait: what it costs to open a page for each series would
/// be more than what is gained …
const WORTH_AN_HOUR: usize = 8192;
/// … but no longer than this.
const LONGEST: Duration = Duration::from_hours(6);

/// Here and now.
#[derive(Clone, Copy, Debug)]
pub struct Present {
    pub boot: Boot,
    /// Both clocks, the monotonic one counted from the start of the computer.
    pub now: Now,
    pub clock: ClockQuality,
}

/// What is in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InLog {
    pub samples: usize,
    /// When its first block was committed.
    pub since: Option<UtcMillis>,
    /// Samples of a clock that may be put right.
    pub doubtful: usize,
}

impl InLog {
    /// Counts a block that was committed.
    pub fn add(&mut self, header: &Header, samples: usize, present: &Present) {
        self.samples += samples;
        self.since.get_or_insert(header.now.utc);
        if may_be_put_right(header, present.boot) {
            self.doubtful += samples;
        }
    }

    /// Counts what a commit has added.
    pub fn merge(&mut self, added: &InLog) {
        self.samples += added.samples;
        self.doubtful += added.doubtful;
        self.since = self.since.or(added.since);
    }

    /// Whether it is time to seal.
    pub fn is_due(&self, present: &Present) -> bool {
        let Some(since) = self.since else {
            return false;
        };
        if self.doubtful > 0 {
            // As soon as the clock is better, or when there are too many.
            return present.clock > ClockQuality::Unknown || self.doubtful > MOST_DOUBTFUL;
        }
        let now = present.now.utc;
        let is_over = Period::Hour.start(now) > Period::Hour.start(since);
        self.samples > MOST_IN_LOG
            || is_over && (self.samples >= WORTH_AN_HOUR || now.since(since) >= LONGEST)
    }
}

/// What became of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    pub shelved: Shelved,
    /// What is still in the log.
    pub left: InLog,
}

/// Puts about [`MOST_IN_LOG`] samples onto the shelves, the first of the log.
///
/// # Errors
/// If the file does not take it; nothing has changed then.
pub async fn seal(store: &Store, policy: &Policy, present: &Present) -> sqlx::Result<Sealed> {
    let mut whole = store.write().await?;
    let before = in_log(&mut whole, present, |_| {}).await?;
    let read = read(&mut whole, present, before.doubtful > MOST_DOUBTFUL).await?;
    for (block, reason) in &read.damaged {
        tracing::error!(
            "block {} of the history {reason}; it is set aside",
            block.id
        );
        log::set_aside(&mut whole, block, reason).await?;
    }
    let rows = series::all(&mut whole).await?.into_iter();
    let topics: HashMap<u32, String> = rows.map(|row| (row.id, row.topic)).collect();
    let mut shelved = Shelved::default();
    for (series, samples) in read.series {
        // A series without a name was removed.
        if let Some(topic) = topics.get(&series) {
            let how = Shelving {
                deadband: policy.of(topic).deadband,
                equal_is_doubled: false,
            };
            shelved += shelve(&mut whole, series, samples, how).await?;
        }
    }
    log::sealed(&mut whole, read.last).await?;
    let left = in_log(&mut whole, present, |_| {}).await?;
    whole.commit().await?;
    Ok(Sealed { shelved, left })
}

/// Looks through the log, and gives each block to `each`.
///
/// # Errors
/// If the file does not answer.
pub async fn in_log(
    connection: &mut SqliteConnection,
    present: &Present,
    mut each: impl FnMut(Vec<block::Entry>),
) -> sqlx::Result<InLog> {
    let mut found = InLog::default();
    let mut blocks = std::pin::pin!(log::blocks(connection, 0));
    while let Some(block) = blocks.try_next().await? {
        if let Ok((header, entries)) = block::decode(&block.bytes) {
            found.add(&header, entries.len(), present);
            each(entries);
        }
    }
    Ok(found)
}

/// The first blocks of the log, by series.
#[derive(Default)]
struct Blocks {
    series: BTreeMap<u32, Vec<Sample>>,
    damaged: Vec<(Block, String)>,
    /// The last one; zero if there is none.
    last: i64,
}

async fn read(
    connection: &mut SqliteConnection,
    present: &Present,
    doubtful_too: bool,
) -> sqlx::Result<Blocks> {
    let mut read = Blocks::default();
    let mut samples = 0;
    let mut blocks = std::pin::pin!(log::blocks(connection, 0));
    while let Some(block) = blocks.try_next().await? {
        let (header, entries) = match block::decode(&block.bytes) {
            Ok(decoded) => decoded,
            Err(error) => {
                read.damaged.push((block, error.to_string()));
                continue;
            }
        };
        let waits = may_be_put_right(&header, present.boot)
            && present.clock == ClockQuality::Unknown
            && !doubtful_too;
        if waits || samples >= MOST_IN_LOG {
            break;
        }
        read.last = block.id;
        samples += entries.len();
        for entry in entries {
            let series = read.series.entry(entry.series).or_default();
            series.push(put_right(entry.sample(&header), &header, present));
        }
    }
    Ok(read)
}

/// Whether its times can be put right once the clock is.
fn may_be_put_right(header: &Header, boot: Boot) -> bool {
    header.clock == ClockQuality::Unknown && header.boot == boot && boot != Boot::default()
}

/// Shifts a sample by what the clock was off, if that can be told: the monotonic clock has
/// run on since, and the other one is right now.
fn put_right(sample: Sample, header: &Header, present: &Present) -> Sample {
    if !may_be_put_right(header, present.boot) || present.clock == ClockQuality::Unknown {
        return sample;
    }
    let off = offset(present.now).saturating_sub(offset(header.now));
    Sample {
        at: UtcMillis(sample.at.0.saturating_add(off)),
        clock: present.clock,
        ..sample
    }
}
