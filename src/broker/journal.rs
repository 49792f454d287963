//! What must be on the disk, and since when it is.
//!
//! The router records here every change of a lasting session and of what is
//! retained; now and then somebody takes the changes as a [`Batch`] and says
//! when they are written. A message that all its receivers have acknowledged
//! before its batch is taken never reaches the disk, and its publisher need not
//! wait for it. Pure: the disk is somebody else's.

mod batch;
mod later;
mod log;
mod messages;
mod pace;

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::message::Message;
use super::router::Link;
use crate::clock::{Moment, Now};
pub use batch::{Batch, DeliveryRow, Rows, Sent, SessionRow, SubscriptionRow};
use later::Later;
pub use later::Saving;
pub use log::Log;
use messages::{Kept, address};
use pace::Pace;

/// Receivers that are connected have this long to spare the disk a message.
const GRACE: Duration = Duration::from_millis(5);
/// Changes that nobody waits for may take this long.
const UNHURRIED: Duration = Duration::from_secs(1);

/// Notes go to the disk once in so many times of what else can wait.
const NOTES_WAIT: u32 = 15;

/// Counts batches; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

/// When something is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Once this batch is written.
    pub written: Generation,
    /// Or once no session waits for this message any more.
    pub message: Option<u64>,
    /// Others may share the sync, for a second.
    pub is_paced: bool,
}

/// How soon a batch is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    #[default]
    None,
    Unhurried,
    /// A publisher waits, alone.
    Paced,
    AfterGrace,
    AtOnce,
}

/// Records changes and hands them out in batches.
#[derive(Debug)]
pub struct Journal {
    /// Without a disk nothing is recorded and nobody waits.
    is_kept: bool,
    /// Sessions, messages and deliveries are numbered together.
    last_id: u64,
    next: Batch,
    taken: Generation,
    written: Generation,
    need: Need,
    due: Option<Moment>,
    /// Counts changes of sessions themselves.
    session_changes: u64,
    /// The last try to write failed.
    is_failing: bool,
    messages: FxHashMap<usize, Kept>,
    settled: Vec<(Link, u64)>,
    pace: Pace,
    /// So many publishers alone wait for the next batch.
    paced: u32,
    has_paced_date: bool,
    /// Retained at QoS 0, for which nobody waits.
    soon: Later,
    seldom: Later,
}

impl Journal {
    /// One that records nothing: nothing outlives the process.
    pub fn off() -> Journal {
        Journal {
            is_kept: false,
            last_id: 0,
            next: Batch::default(),
            taken: Generation(0),
            written: Generation(0),
            need: Need::None,
            due: None,
            session_changes: 0,
            is_failing: false,
            messages: FxHashMap::default(),
            settled: Vec::new(),
            pace: Pace::default(),
            paced: 0,
            has_paced_date: false,
            soon: Later::new(Duration::ZERO),
            seldom: Later::new(Duration::ZERO),
        }
    }

    /// One for a disk. Retained messages for which nobody waits may take
    /// `save_every`.
    pub fn new(save_every: Duration) -> Journal {
        Journal {
            is_kept: true,
            soon: Later::new(save_every),
            seldom: Later::new(save_every.saturating_mul(NOTES_WAIT)),
            ..Journal::off()
        }
    }

    /// Goes on after the ids up to `last_id`.
    pub fn skip_to(&mut self, last_id: u64) {
        self.last_id = self.last_id.max(last_id);
    }

    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// An id that nothing else has or had.
    pub fn free_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The view of one session. Of one that does not last only the end of what
    /// was recorded before is taken down.
    pub fn of(&mut self, session: u64, is_lasting: bool) -> Log<'_> {
        match self.is_kept {
            true => Log::new(self, session, is_lasting),
            false => Log::none(),
        }
    }

    /// What is retained for the message's topic; an empty payload is nothing.
    pub fn retained(&mut self, message: &Arc<Message>, saving: Saving) {
        // The broker's own figures are of this run.
        if !self.is_kept || message.topic.starts_with("$SYS/") {
            return;
        }
        let kept = (!message.payload.is_empty()).then(|| Arc::clone(message));
        let topic = Arc::clone(&message.topic);
        self.soon.forget(&topic);
        self.seldom.forget(&topic);
        match saving {
            Saving::Promised => drop(self.next.retained.insert(topic, kept)),
            // What is gone for good must not come back after a fall.
            Saving::Seldom if kept.is_some() => self.seldom.put(topic, kept),
            Saving::Soon | Saving::Seldom => self.soon.put(topic, kept),
        }
    }

    /// What was retained for the topic has expired.
    pub fn retained_expired(&mut self, topic: &Arc<str>) {
        if self.is_kept {
            self.seldom.forget(topic);
            self.soon.put(Arc::clone(topic), None);
        }
    }

    /// Whether the message waits for a lasting session; then its publisher is
    /// told of [`Journal::settled`] if it need not wait for the disk after all.
    pub fn wait_for(&mut self, message: &Arc<Message>, publisher: Link) -> Option<Wait> {
        let kept = self.messages.get_mut(&address(message))?;
        kept.publisher = Some(publisher);
        let (message, is_for_absent) = (Some(kept.id), kept.is_for_absent);
        self.need(match is_for_absent {
            true => Need::AtOnce,
            false => Need::AfterGrace,
        });
        Some(Wait {
            written: self.barrier(),
            message,
            is_paced: false,
        })
    }

    /// Everything that was recorded until now, wanted on the disk at once.
    pub fn wait_for_all(&mut self) -> Option<Wait> {
        self.wait_needing(Need::AtOnce)
    }

    /// Everything that was recorded until now, where only its publisher waits: one who
    /// publishes all the time shares its syncs with itself and with others like it.
    pub fn wait_for_retained(&mut self) -> Option<Wait> {
        let wait = self.wait_needing(Need::Paced)?;
        self.paced += 1;
        if self.paced >= pace::ENOUGH {
            self.hurry();
        }
        Some(wait)
    }

    /// Somebody else waits behind one who waits for what was recorded until now.
    pub fn hurry(&mut self) {
        self.wait_needing(Need::AtOnce);
    }

    fn wait_needing(&mut self, need: Need) -> Option<Wait> {
        let wait = Wait {
            written: self.barrier(),
            message: None,
            is_paced: need == Need::Paced,
        };
        if self.is_written(wait) {
            return None;
        }
        if wait.written > self.taken {
            self.need(need);
        }
        Some(wait)
    }

    /// The batch that what is recorded now will be in.
    pub fn batch(&self) -> Option<Generation> {
        self.is_kept.then_some(self.next_generation())
    }

    fn next_generation(&self) -> Generation {
        Generation(self.taken.0 + 1)
    }

    /// This batch, if it is not yet on the disk.
    pub fn wait_for_batch(&mut self, batch: Option<Generation>) -> Option<Wait> {
        let wait = Wait {
            written: batch?,
            message: None,
            is_paced: false,
        };
        (!self.is_written(wait)).then_some(wait)
    }

    /// Counts changes of sessions themselves, for [`Journal::wait_for_sessions`].
    pub fn session_changes(&self) -> u64 {
        self.session_changes
    }

    /// What sessions have become since they were `counted`. While the disk fails
    /// nobody waits for that: clients could neither come nor go.
    pub fn wait_for_sessions(&mut self, counted: u64) -> Option<Wait> {
        match self.is_failing || self.session_changes == counted {
            true => None,
            false => self.wait_for_all(),
        }
    }

    pub fn is_failing(&self) -> bool {
        self.is_failing
    }

    /// The disk did not take a batch.
    pub fn failed(&mut self) {
        self.is_failing = true;
    }

    pub fn is_written(&self, wait: Wait) -> bool {
        wait.written <= self.written
    }

    /// Whose messages nobody waits for any more, since the last time.
    pub fn settled(&mut self) -> Vec<(Link, u64)> {
        std::mem::take(&mut self.settled)
    }

    /// When [`Journal::take`] is next due; asked while no batch is being written.
    pub fn due(&self) -> Option<Moment> {
        if self.is_writing() {
            return None;
        }
        let later = self.soon.due().into_iter().chain(self.seldom.due());
        self.due.into_iter().chain(later).min()
    }

    /// Turns needs into moments.
    pub fn set_dates(&mut self, now: Now) {
        if self.need == Need::None && !self.next.is_empty() {
            self.need = Need::Unhurried;
        }
        let within = match std::mem::take(&mut self.need) {
            Need::None => None,
            Need::Unhurried => Some(UNHURRIED),
            // Once it has a date it keeps it, whatever else gathers.
            Need::Paced if self.has_paced_date => None,
            Need::Paced => {
                self.has_paced_date = true;
                Some(self.pace.wait(now.moment))
            }
            Need::AfterGrace => Some(GRACE),
            Need::AtOnce => Some(Duration::ZERO),
        };
        let date = within.map(|within| now.moment + within);
        self.due = self.due.into_iter().chain(date).min();
        self.soon.set_date(now.moment);
        self.seldom.set_date(now.moment);
    }

    /// What is due, for [`Journal::wrote`] to be told when it is written.
    pub fn take(&mut self, now: Now) -> Option<Batch> {
        self.due().filter(|due| *due <= now.moment)?;
        let seldom = self.seldom.is_due(now.moment);
        let soon = seldom || self.soon.is_due(now.moment);
        let batch = self.take_batch(soon, seldom);
        if batch.is_some() {
            self.pace.wrote(now.moment);
        }
        batch
    }

    /// Everything, due or not.
    pub fn take_all(&mut self) -> Option<Batch> {
        if self.is_writing() {
            return None;
        }
        self.take_batch(true, true)
    }

    /// The batch of this generation is on the disk.
    pub fn wrote(&mut self, generation: Generation) {
        self.written = self.written.max(generation);
        self.is_failing = false;
    }

    /// Whether something is not on the disk.
    pub fn has_unwritten(&self) -> bool {
        self.is_writing()
            || !(self.next.is_empty() && self.soon.is_empty() && self.seldom.is_empty())
    }

    fn is_writing(&self) -> bool {
        self.taken > self.written
    }

    fn take_batch(&mut self, soon: bool, seldom: bool) -> Option<Batch> {
        self.due = None;
        self.paced = 0;
        self.has_paced_date = false;
        if soon {
            self.next.retained.extend(self.soon.take());
        }
        if seldom {
            self.next.retained.extend(self.seldom.take());
        }
        if self.next.is_empty() {
            // What was to be written has been taken back: nobody waits for it.
            self.taken = Generation(self.taken.0 + 1);
            self.written = self.taken;
            return None;
        }
        let mut batch = std::mem::take(&mut self.next);
        self.taken = Generation(self.taken.0 + 1);
        batch.generation = self.taken;
        batch.forget_rows_of_removed_sessions();
        Some(batch)
    }

    /// The batch that holds everything recorded until now.
    fn barrier(&self) -> Generation {
        match self.next.is_empty() {
            true => self.taken,
            false => self.next_generation(),
        }
    }

    fn need(&mut self, need: Need) {
        self.need = self.need.max(need);
    }
}
