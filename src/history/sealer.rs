//! Takes blocks out of the log and puts what they hold onto the shelves (`pass`): a crash
//! leaves a sample in the one or the other, and never in both.
//!
//! It is also who carries old files over, forgets series and removes what is kept no longer.

mod again;
mod carry;
mod forget;
mod pass;
mod queue;
mod retain;
mod rolls;
mod shelve;

#[cfg(test)]
mod tests;

pub use again::{Outcome, mend};
pub use carry::{Carried, carry};
pub use forget::forget;
pub use pass::{Pass, Step, seal};
pub use queue::{take_out, tell as tell_given_up};
pub use retain::retain;
pub use rolls::{minutes, row_length, row_start, with_late};
pub use shelve::{Shelved, Shelving, only_new, shelve};

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use super::block::{self, Header};
use super::rollup::Period;
use super::sample::Sample;
use super::store::log;
use super::waiting::offset;
use crate::clock::{Boot, ClockQuality, Now, UtcMillis};

/// The log holds about so many samples at most: what readers have to look through.
pub const MOST_IN_LOG: usize = 131_072;
/// Of a clock that nobody has set twice as many wait for it to be put right; then they go
/// to the shelves as they are.
pub const MOST_DOUBTFUL: usize = 2 * MOST_IN_LOG;
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

/// Whether its times can be put right once the clock is.
pub fn may_be_put_right(header: &Header, boot: Boot) -> bool {
    header.clock == ClockQuality::Unknown && header.boot == boot && boot != Boot::default()
}

/// Shifts a sample by what the clock was off, if that can be told: the monotonic clock has
/// run on since, and the other one is right now.
pub fn put_right(sample: Sample, header: &Header, present: &Present) -> Sample {
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
