//! The last traces of each rule, and how many there were.
//!
//! Only the last one is retained by the broker, so the others are kept here, as the JSON
//! that came: that is the most compact form of them. Bounded in rules, traces and bytes.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::trace::{Trace, Verdict};
use crate::home::topic;

/// Traces kept of each rule.
pub const MAX_TRACES: usize = 100;
/// Rules whose traces are kept; those of further ones are passed over.
pub const MAX_RULES: usize = 1000;
/// All of them together take no more than this; then those rules forget that hold most.
const MAX_BYTES: usize = 16 << 20;
/// A longer one is counted and not kept; it can be read at the rule's `last`.
const MAX_TRACE_BYTES: usize = 64 << 10;

/// What came on `hearth/rule/+/trace`, by the rules' words.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    rules: BTreeMap<String, Ring>,
    bytes: usize,
}

/// Of one rule; newest last.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    traces: VecDeque<Bytes>,
    bytes: usize,
    /// How many came, by what they told.
    pub counts: Counts,
}

/// Traces since the gateway started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub told: u64,
    pub fired: u64,
    pub errors: u64,
}

impl Traces {
    /// Keeps a trace of the rule.
    pub fn push(&mut self, rule: &str, payload: &[u8], trace: &Trace) {
        if self.rules.len() >= MAX_RULES && !self.rules.contains_key(rule) {
            return;
        }
        let ring = self.rules.entry(rule.to_owned()).or_default();
        ring.counts.count(trace.verdict);
        if payload.len() > MAX_TRACE_BYTES {
            return;
        }
        ring.bytes += payload.len();
        self.bytes += payload.len();
        // A copy: what came may be a part of something larger.
        ring.traces.push_back(Bytes::copy_from_slice(payload));
        if ring.traces.len() > MAX_TRACES {
            self.bytes -= ring.drop_oldest();
        }
        while self.bytes > MAX_BYTES {
            let largest = self.rules.values_mut().max_by_key(|ring| ring.bytes);
            self.bytes -= largest.map_or(self.bytes, Ring::drop_oldest);
        }
    }

    /// The rule is no more.
    pub fn forget(&mut self, rule: &str) {
        if let Some(ring) = self.rules.remove(rule) {
            self.bytes -= ring.bytes;
        }
    }

    /// What came from the rule, if anything did.
    pub fn of(&self, rule: &str) -> Option<&Ring> {
        self.rules.get(rule)
    }

    /// The JSON of the rule's traces.
    pub fn newest_first(&self, rule: &str) -> Vec<Bytes> {
        let ring = self.rules.get(rule).into_iter();
        ring.flat_map(Ring::newest_first).cloned().collect()
    }

    /// What came, by the rules' words.
    pub fn counts(&self) -> impl Iterator<Item = (&str, Counts)> {
        let rings = self.rules.iter();
        rings.map(|(rule, ring)| (rule.as_str(), ring.counts))
    }

    /// Of the rule with this name, read: newest first.
    pub fn read(&self, name: &str) -> impl Iterator<Item = Trace> {
        let ring = self.rules.get(&topic::word(name));
        let payloads = ring.into_iter().flat_map(Ring::newest_first);
        payloads.filter_map(|payload| Trace::read(payload))
    }
}

impl Ring {
    fn newest_first(&self) -> impl Iterator<Item = &Bytes> {
        self.traces.iter().rev()
    }

    fn drop_oldest(&mut self) -> usize {
        let dropped = self.traces.pop_front().map_or(0, |oldest| oldest.len());
        self.bytes -= dropped;
        dropped
    }
}

impl Counts {
    fn count(&mut self, verdict: Verdict) {
        self.told += 1;
        match verdict {
            Verdict::Fired => self.fired += 1,
            Verdict::Error => self.errors += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(traces: &mut Traces, rule: &str, at: u32, padding: usize) {
        let padding = "x".repeat(padding);
        let json =
            format!(r#"{{"rule":"{rule}","at":{at},"outcome":"fired","because":"{padding}"}}"#);
        let trace = Trace::read(json.as_bytes()).unwrap();
        traces.push(rule, json.as_bytes(), &trace);
    }

    fn sum(traces: &Traces) -> usize {
        let rings = traces.rules.values();
        rings.flat_map(|ring| &ring.traces).map(Bytes::len).sum()
    }

    #[test]
    fn the_last_hundred_of_a_rule_are_kept_and_all_are_counted() {
        let mut traces = Traces::default();
        (0..250).for_each(|at| push(&mut traces, "a", at, 0));
        push(&mut traces, "b", 7, 0);
        let kept: Vec<i64> = traces.read("A").map(|trace| trace.at.0).collect();
        assert_eq!((kept.len(), kept[0], kept[99]), (100, 249, 150));
        assert_eq!(traces.of("a").unwrap().counts.fired, 250);
        assert_eq!(traces.bytes, sum(&traces));
        traces.forget("a");
        assert!(traces.of("a").is_none());
        assert_eq!(traces.bytes, sum(&traces));
    }

    #[test]
    fn a_flood_stays_within_its_bounds() {
        let mut traces = Traces::default();
        for n in 0..MAX_RULES + 50 {
            push(&mut traces, &format!("r{n}"), 1, 0);
        }
        assert_eq!(traces.rules.len(), MAX_RULES);
        for at in 0..600 {
            push(&mut traces, &format!("r{}", at % 6), at, 60_000);
        }
        assert!(traces.bytes <= MAX_BYTES && traces.bytes == sum(&traces));
        assert_eq!(traces.read("r999").count(), 1, "the small ones stay");
        push(&mut traces, "r1", 1000, MAX_TRACE_BYTES);
        assert_ne!(traces.read("r1").next().unwrap().at.0, 1000);
    }
}
