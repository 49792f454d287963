//! What was taken and not yet committed: bounded, in memory, without I/O.
//!
//! Samples wait by class, and whichever class is due first takes all others along: a commit
//! costs its two blocks of the disk anyway. While the disk is slow, full or away the newest
//! samples stay and the oldest of the laziest class are dropped and counted, so that nobody
//! in the house ever waits for the disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::policy::Class;
use super::sample::Origin;
use crate::clock::{ClockQuality, Moment, Now, UtcMillis};
use crate::home::{DeviceClass, Value};

/// A commit takes at most this many samples; so many do not wait for their time.
pub const FULL: usize = 16_384;
/// So many samples wait at most, about five megabytes: an hour of twenty series at 1 Hz.
pub const MOST_WAITING: usize = 65_536;
/// Descriptions of so many topics wait at most; further ones are ignored.
const MOST_DESCRIPTIONS: usize = 1000;
/// Of the time that a sample may wait so much is left for the writing itself …
const TO_WRITE: Duration = Duration::from_millis(500);
/// … but no more than this part of it.
const PART_TO_WRITE: u32 = 4;
/// Clocks that moved against each other by more than this were set. Less is drift, or the
/// time between reading the one and the other.
const SET_BY_MS: u64 = 1000;

/// What a topic measures, as its board says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    pub unit: Option<String>,
    pub device_class: Option<DeviceClass>,
}

/// A sample that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub topic: Arc<str>,
    pub at: UtcMillis,
    pub value: Value,
    pub origin: Option<Origin>,
    pub class: Class,
    pub read: Read,
}

/// When and by which clock it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    pub arrived: Moment,
    /// What the wall clock showed, less the time since the computer started; in ms.
    pub offset: i64,
    pub clock: ClockQuality,
}

impl Read {
    /// Read at `arrived`, when the clocks that count from the start of the computer showed
    /// `now`.
    pub fn new(arrived: Moment, now: Now, clock: ClockQuality) -> Read {
        Read {
            arrived,
            offset: offset(now),
            clock,
        }
    }

    /// Whether both go into one block: by the same clock, which nobody set in between.
    fn goes_with(&self, other: &Read) -> bool {
        self.clock == other.clock && self.offset.abs_diff(other.offset) <= SET_BY_MS
    }
}

/// The wall clock less the one that counts from the start of the computer.
pub fn offset(now: Now) -> i64 {
    now.utc.0.saturating_sub_unsigned(now.moment.0)
}

/// What one commit takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub descriptions: BTreeMap<String, Description>,
    /// In order of arrival; each becomes a block.
    pub portions: Vec<Vec<Item>>,
}

impl Batch {
    /// All its samples.
    pub fn len(&self) -> usize {
        self.portions.iter().map(Vec::len).sum()
    }
}

/// Samples and descriptions that wait for a commit.
#[derive(Debug)]
pub struct Waiting {
    /// By class, the most critical first, each with its place in the order of arrival.
    queues: [VecDeque<(u64, Item)>; 3],
    /// How long a sample of each class may wait.
    windows: [Duration; 3],
    next: u64,
    descriptions: BTreeMap<String, Description>,
    described: Option<Moment>,
    /// Nothing is due before, as the disk failed.
    pause_until: Option<Moment>,
    lost: u64,
}

impl Waiting {
    /// Nothing waits yet; `windows` as for [`Waiting::set_windows`].
    pub fn new(windows: [Duration; 3]) -> Waiting {
        Waiting {
            queues: [VecDeque::new(), VecDeque::new(), VecDeque::new()],
            windows,
            next: 0,
            descriptions: BTreeMap::new(),
            described: None,
            pause_until: None,
            lost: 0,
        }
    }

    /// How long samples of each class may wait, in the order of [`Class::ALL`].
    pub fn set_windows(&mut self, windows: [Duration; 3]) {
        self.windows = windows;
    }

    /// When the next commit must begin; `None` while nothing waits.
    pub fn due(&self) -> Option<Moment> {
        let fronts = self.queues.iter().zip(self.windows);
        let fronts = fronts.filter_map(|(queue, window)| {
            let (_, first) = queue.front()?;
            Some(first.read.arrived + before_the_end_of(window))
        });
        let normal = self.windows[Class::Normal as usize];
        let described = self.described.map(|at| at + normal);
        let mut due = fronts.chain(described).min()?;
        if self.len() >= FULL {
            due = Moment(0);
        }
        Some(due.max(self.pause_until.unwrap_or_default()))
    }

    /// Adds a sample. When full, the oldest of the laziest class is dropped.
    pub fn push(&mut self, item: Item) {
        if self.len() >= MOST_WAITING {
            let laziest = self.queues.iter_mut().rev().find(|queue| !queue.is_empty());
            laziest.and_then(VecDeque::pop_front);
            self.lost += 1;
        }
        self.queues[item.class as usize].push_back((self.next, item));
        self.next += 1;
    }

    /// Notes what a topic measures.
    pub fn describe(&mut self, topic: String, description: Description, now: Moment) {
        if self.descriptions.len() < MOST_DESCRIPTIONS || self.descriptions.contains_key(&topic) {
            self.descriptions.insert(topic, description);
            self.described.get_or_insert(now);
        }
    }

    /// Takes what the next commit writes.
    pub fn take(&mut self) -> Batch {
        let mut portions: Vec<Vec<Item>> = Vec::new();
        for _ in 0..FULL {
            let Some(item) = self.pop() else { break };
            match portions.last_mut() {
                Some(last) if last[0].read.goes_with(&item.read) => last.push(item),
                _ => portions.push(vec![item]),
            }
        }
        self.described = None;
        self.pause_until = None;
        Batch {
            descriptions: std::mem::take(&mut self.descriptions),
            portions,
        }
    }

    /// Takes back a batch that could not be committed, to be tried again at `then`.
    pub fn put_back(&mut self, batch: Batch, then: Moment) {
        let back: Vec<Item> = batch.portions.into_iter().flatten().collect();
        let began = self.front().map_or(self.next, |(nth, _)| nth);
        // Those that came later have later places: what was taken had all places before.
        for (before, item) in (1..).zip(back.into_iter().rev()) {
            let nth = began.saturating_sub(before);
            self.queues[item.class as usize].push_front((nth, item));
        }
        while self.len() > MOST_WAITING {
            let laziest = self.queues.iter_mut().rev().find(|queue| !queue.is_empty());
            laziest.and_then(VecDeque::pop_front);
            self.lost += 1;
        }
        for (topic, description) in batch.descriptions {
            self.descriptions.entry(topic).or_insert(description);
            self.described.get_or_insert(then);
        }
        self.pause_until = Some(then);
    }

    /// Drops what waits of a topic that is to be forgotten.
    pub fn forget(&mut self, topic: &str) {
        for queue in &mut self.queues {
            queue.retain(|(_, item)| &*item.topic != topic);
        }
    }

    /// Samples that wait.
    pub fn len(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// Whether nothing at all waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.descriptions.is_empty()
    }

    /// Samples dropped since the start.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The first one's place, and its queue.
    fn front(&self) -> Option<(u64, usize)> {
        let queues = self.queues.iter().enumerate();
        let fronts = queues.filter_map(|(class, queue)| Some((queue.front()?.0, class)));
        fronts.min()
    }

    fn pop(&mut self) -> Option<Item> {
        let (_, class) = self.front()?;
        self.queues[class].pop_front().map(|(_, item)| item)
    }
}

fn before_the_end_of(window: Duration) -> Duration {
    window - TO_WRITE.min(window / PART_TO_WRITE)
}

#[cfg(test)]
mod tests;
