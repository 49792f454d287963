//! What rules would have done beside what was done.
//!
//! The two are the same if they say the same to the same topic at nearly the same
//! time: a live house takes a moment to act. Rows leave in order of time, as soon
//! as nothing can join them any more.

use std::collections::VecDeque;
use std::time::Duration;

use super::Taken;
use crate::clock::UtcMillis;
use crate::home::{Reading, Value, topic};

/// So far apart may the two be.
const TOLERANCE: Duration = Duration::from_secs(2);

/// One line of the comparison; at least one of the two is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub at: UtcMillis,
    pub would: Option<Taken>,
    pub did: Option<Reading>,
}

/// How the two compare as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub same: usize,
    pub only_would: usize,
    pub only_did: usize,
    /// Would be said where nothing is recorded: whether it was, nobody knows.
    pub unknown: usize,
}

/// Joins the two.
#[derive(Debug, Default)]
pub struct Compare {
    /// In order of time. Bounded by what is said within the tolerance.
    rows: VecDeque<Row>,
    summary: Summary,
}

impl Row {
    /// Whether the history could tell that it was done.
    pub fn is_known(&self) -> bool {
        self.would
            .as_ref()
            .is_none_or(|would| topic::is_recorded(&would.topic))
    }
}

impl Compare {
    /// The rules would say this.
    pub fn would(&mut self, would: Taken) {
        let fits = |row: &Row| {
            let did = row.did.as_ref().filter(|_| row.would.is_none());
            did.is_some_and(|did| is_same(&would, did))
        };
        match self.rows.iter().position(fits) {
            Some(row) => self.rows[row].would = Some(would),
            None => self.insert(Row {
                at: would.at,
                would: Some(would),
                did: None,
            }),
        }
    }

    /// This was said.
    pub fn did(&mut self, did: Reading) {
        let fits = |row: &Row| {
            let would = row.would.as_ref().filter(|_| row.did.is_none());
            would.is_some_and(|would| is_same(would, &did))
        };
        match self.rows.iter().position(fits) {
            Some(row) => self.rows[row].did = Some(did),
            None => self.insert(Row {
                at: did.at,
                would: None,
                did: Some(did),
            }),
        }
    }

    /// The next row that is complete when all until `now` has been told.
    pub fn settle(&mut self, now: UtcMillis) -> Option<Row> {
        let first = self.rows.front()?;
        let is_whole = first.would.is_some() && first.did.is_some();
        match is_whole || now.since(first.at) > TOLERANCE {
            true => self.pop(),
            false => None,
        }
    }

    /// The next row when nothing more comes.
    pub fn pop(&mut self) -> Option<Row> {
        let row = self.rows.pop_front()?;
        let count = match (&row.would, &row.did) {
            (Some(_), Some(_)) => &mut self.summary.same,
            (Some(_), None) if row.is_known() => &mut self.summary.only_would,
            (Some(_), None) => &mut self.summary.unknown,
            (None, _) => &mut self.summary.only_did,
        };
        *count += 1;
        Some(row)
    }

    /// Of the rows that have left.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    fn insert(&mut self, row: Row) {
        let at = self.rows.partition_point(|other| other.at <= row.at);
        self.rows.insert(at, row);
    }
}

fn is_same(would: &Taken, did: &Reading) -> bool {
    let apart = would.at.since(did.at).max(did.at.since(would.at));
    *would.topic == *did.topic && apart <= TOLERANCE && Value::parse(&would.payload) == did.value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn would(at: i64, topic: &str, payload: &str) -> Taken {
        Taken {
            at: UtcMillis(at),
            topic: topic.into(),
            payload: payload.into(),
        }
    }

    fn did(at: i64, topic: &str, payload: &str) -> Reading {
        Reading {
            at: UtcMillis(at),
            topic: topic.to_owned(),
            value: Value::parse(payload),
        }
    }

    fn rows(compare: &mut Compare) -> Vec<(i64, bool, bool)> {
        std::iter::from_fn(|| compare.pop())
            .map(|row| (row.at.0, row.would.is_some(), row.did.is_some()))
            .collect()
    }

    #[test]
    fn what_is_nearly_at_once_is_the_same_and_each_is_counted_once() {
        const LAMP: &str = "home/a/lamp/set";
        let mut compare = Compare::default();
        compare.would(would(1000, LAMP, "on"));
        compare.did(did(1004, LAMP, "on"));
        compare.did(did(1005, LAMP, "on"));
        compare.would(would(1500, LAMP, "off"));
        compare.did(did(1600, "home/a/fan/set", "off"));
        compare.did(did(9000, LAMP, "21.50"));
        compare.would(would(11_000, LAMP, "21.5"));
        compare.did(did(20_000, LAMP, "on"));
        compare.would(would(22_001, LAMP, "on"));
        compare.would(would(23_000, "garden/log", "hello"));
        assert_eq!(
            rows(&mut compare),
            [
                (1000, true, true),
                (1005, false, true),
                (1500, true, false),
                (1600, false, true),
                (9000, true, true),
                (20_000, false, true),
                (22_001, true, false),
                (23_000, true, false),
            ]
        );
        let summary = Summary {
            same: 2,
            only_would: 2,
            only_did: 3,
            unknown: 1,
        };
        assert_eq!(compare.summary(), summary);
    }

    #[test]
    fn a_row_leaves_when_it_is_whole_or_nothing_can_join_it() {
        let mut compare = Compare::default();
        compare.would(would(1000, "home/a/b/set", "on"));
        assert_eq!(compare.settle(UtcMillis(3000)), None);
        compare.did(did(2500, "home/a/b/set", "on"));
        assert!(compare.settle(UtcMillis(2500)).is_some());
        compare.did(did(5000, "home/a/b/set", "on"));
        assert_eq!(compare.settle(UtcMillis(7000)), None);
        assert!(compare.settle(UtcMillis(7001)).is_some());
        assert_eq!(compare.settle(UtcMillis(9000)), None);
    }
}
