//! What was read and not yet committed: bounded, in memory, without I/O.
//!
//! A healthy disk empties it every few seconds. While the disk is slow, full or
//! away the newest readings stay and the oldest are dropped and counted, so
//! that nobody in the house ever waits for the disk.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::clock::Moment;
use crate::home::{DeviceClass, Reading};

/// A commit takes at most this many readings; so many do not wait for their time.
pub const BATCH: usize = 1000;
/// So many readings wait at most: minutes of an outage, about a megabyte.
pub const MOST_WAITING: usize = 10_000;
/// Descriptions of so many topics wait at most; further ones are ignored.
const MOST_DESCRIPTIONS: usize = 1000;

/// What a topic measures, as its board says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    pub unit: Option<String>,
    pub device_class: Option<DeviceClass>,
}

/// What one commit takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub descriptions: BTreeMap<String, Description>,
    pub readings: Vec<Reading>,
}

/// Readings and descriptions that wait for a commit.
#[derive(Debug)]
pub struct Backlog {
    /// When full, the oldest reading is dropped and counted in `lost`.
    readings: VecDeque<Reading>,
    descriptions: BTreeMap<String, Description>,
    commit_every: Duration,
    due: Option<Moment>,
    lost: u64,
}

impl Backlog {
    /// An empty backlog whose content is due `commit_every` after it arrives.
    pub fn new(commit_every: Duration) -> Backlog {
        Backlog {
            readings: VecDeque::new(),
            descriptions: BTreeMap::new(),
            commit_every,
            due: None,
            lost: 0,
        }
    }

    /// When the next commit is due; `None` while nothing waits.
    pub fn due(&self) -> Option<Moment> {
        self.due
    }

    /// Adds a reading; a full batch is due at once.
    pub fn push(&mut self, reading: Reading, now: Moment) {
        self.readings.push_back(reading);
        self.drop_oldest();
        if self.readings.len() == BATCH {
            self.due = Some(now);
        }
        self.due_by(now + self.commit_every);
    }

    /// Notes what a topic measures.
    pub fn describe(&mut self, topic: String, description: Description, now: Moment) {
        if self.descriptions.len() < MOST_DESCRIPTIONS || self.descriptions.contains_key(&topic) {
            self.descriptions.insert(topic, description);
            self.due_by(now + self.commit_every);
        }
    }

    /// Takes what the next commit writes. What is left after a full batch is
    /// due at once.
    pub fn take(&mut self, now: Moment) -> Batch {
        let count = self.readings.len().min(BATCH);
        let batch = Batch {
            descriptions: std::mem::take(&mut self.descriptions),
            readings: self.readings.drain(..count).collect(),
        };
        self.due = (!self.readings.is_empty()).then_some(now);
        batch
    }

    /// Takes back a batch that could not be committed, to be tried again after
    /// `pause`.
    pub fn put_back(&mut self, batch: Batch, now: Moment, pause: Duration) {
        for reading in batch.readings.into_iter().rev() {
            self.readings.push_front(reading);
        }
        self.drop_oldest();
        for (topic, description) in batch.descriptions {
            self.descriptions.entry(topic).or_insert(description);
        }
        self.due = Some(now + pause);
    }

    /// Readings that wait.
    pub fn len(&self) -> usize {
        self.readings.len()
    }

    /// Whether nothing at all waits.
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.descriptions.is_empty()
    }

    /// Readings dropped since the start.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn due_by(&mut self, moment: Moment) {
        self.due = Some(self.due.map_or(moment, |due| due.min(moment)));
    }

    fn drop_oldest(&mut self) {
        let excess = self.readings.len().saturating_sub(MOST_WAITING);
        self.readings.drain(..excess);
        self.lost += excess as u64;
    }
}

#[cfg(test)]
mod tests {
    use crate::clock::UtcMillis;
    use crate::home::Value;

    use super::*;

    const PERIOD: Duration = Duration::from_secs(2);

    fn reading(at: usize) -> Reading {
        Reading {
            topic: "home/lab/temperature".into(),
            value: Value::Number(20.5),
            at: UtcMillis(i64::try_from(at).unwrap()),
        }
    }

    fn filled(count: usize) -> Backlog {
        let mut backlog = Backlog::new(PERIOD);
        for at in 0..count {
            backlog.push(reading(at), Moment(100));
        }
        backlog
    }

    #[test]
    fn a_reading_waits_no_longer_than_its_period() {
        let mut backlog = filled(1);
        backlog.push(reading(1), Moment(1500));
        assert_eq!(backlog.due(), Some(Moment(2100)));
        assert_eq!(backlog.take(Moment(2100)).readings.len(), 2);
        assert_eq!(backlog.due(), None);
    }

    #[test]
    fn a_full_batch_is_due_at_once_and_so_is_the_rest() {
        let mut backlog = filled(BATCH + 1);
        assert_eq!(backlog.due(), Some(Moment(100)));
        assert_eq!(backlog.take(Moment(150)).readings.len(), BATCH);
        assert_eq!(backlog.due(), Some(Moment(150)));
        assert_eq!(backlog.take(Moment(150)).readings.len(), 1);
        assert!(backlog.is_empty());
    }

    #[test]
    fn a_failed_batch_keeps_its_place_and_waits_for_its_pause() {
        let mut backlog = filled(3);
        let batch = backlog.take(Moment(2100));
        backlog.push(reading(3), Moment(2200));
        backlog.put_back(batch, Moment(2300), Duration::from_secs(10));
        backlog.push(reading(4), Moment(11_000));
        assert_eq!(backlog.due(), Some(Moment(12_300)));
        let times: Vec<_> = backlog.take(Moment(12_300)).readings;
        assert_eq!(times, (0..5).map(reading).collect::<Vec<_>>());
    }

    #[test]
    fn an_outage_keeps_the_newest_and_counts_the_lost() {
        let mut backlog = filled(BATCH);
        let batch = backlog.take(Moment(100));
        for at in 0..MOST_WAITING {
            backlog.push(reading(BATCH + at), Moment(200));
        }
        backlog.put_back(batch, Moment(300), PERIOD);
        assert_eq!(
            (backlog.len(), backlog.lost()),
            (MOST_WAITING, BATCH as u64)
        );
        assert_eq!(
            backlog.take(Moment(400)).readings.first(),
            Some(&reading(BATCH))
        );
    }

    #[test]
    fn a_newer_description_is_not_undone_by_a_failed_one() {
        let in_unit = |unit: &str| Description {
            unit: Some(unit.into()),
            device_class: None,
        };
        let mut backlog = Backlog::new(PERIOD);
        backlog.describe("t".into(), in_unit("C"), Moment(0));
        let batch = backlog.take(Moment(0));
        backlog.describe("t".into(), in_unit("°C"), Moment(1));
        backlog.put_back(batch, Moment(2), PERIOD);
        assert_eq!(backlog.take(Moment(3)).descriptions["t"], in_unit("°C"));
    }
}
