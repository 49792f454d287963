//! The current values of the topics that rules name.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::Event;
use crate::clock::Now;
use crate::home::Value;
use crate::rules::pattern::Pattern;
use crate::rules::window::{Fold, Numbers, Window};

/// A longer payload is no value: it bounds what the engine remembers.
pub const MAX_VALUE_BYTES: usize = 1024;

/// Why a payload is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    NotUtf8,
    /// Its length.
    TooLong(usize),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::NotUtf8 => f.write_str("sent bytes that are no text (UTF-8)"),
            Unreadable::TooLong(length) => write!(f, "sent {length} bytes")
                .and_then(|()| write!(f, "; a value has at most {MAX_VALUE_BYTES}")),
        }?;
        f.write_str("; the rule goes on as if it had not come")
    }
}

/// Topics that patterns have brought in; more are not looked at.
pub const MOST_MATCHED: usize = 10_000;

/// Every named topic, with what is known of it and who watches it.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_name: FxHashMap<Arc<str>, usize>,
    all: Vec<Topic>,
    patterns: Vec<(Pattern, Watcher)>,
    /// How many topics no rule names: patterns brought them in.
    matched: usize,
}

/// A rule's trigger, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watcher {
    pub rule: usize,
    /// Among the triggers that the rule was written with.
    pub nth: usize,
}

#[derive(Debug, Default)]
struct Topic {
    name: Arc<str>,
    value: Option<Value>,
    /// Milliseconds on the monotonic clock; negative before the gateway's start.
    heard: Option<i64>,
    /// Since when it has its value, on the same clock.
    since: Option<i64>,
    windows: Vec<(Duration, Window)>,
    /// Whether the patterns that it matches have brought it in.
    met: bool,
    /// Rules and their triggers on this topic, by index.
    watchers: Vec<(usize, usize)>,
    /// Rules whose expressions ask for it.
    asking: Vec<usize>,
}

/// A message that was taken in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub topic: usize,
    pub readable: Result<(), Unreadable>,
}

impl Topics {
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_name.keys()
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.patterns.iter().map(|(pattern, _)| pattern)
    }

    pub(super) fn name(&self, topic: usize) -> &Arc<str> {
        &self.all[topic].name
    }

    /// The topic's index; from now on its value is remembered.
    pub(super) fn know(&mut self, name: &str) -> usize {
        if let Some(&known) = self.by_name.get(name) {
            return known;
        }
        let name: Arc<str> = name.into();
        self.all.push(Topic {
            name: Arc::clone(&name),
            ..Topic::default()
        });
        self.by_name.insert(name, self.all.len() - 1);
        self.all.len() - 1
    }

    /// Lets a rule hear when a topic's value may have changed.
    pub(super) fn ask(&mut self, topic: usize, rule: usize) {
        let asking = &mut self.all[topic].asking;
        if !asking.contains(&rule) {
            asking.push(rule);
        }
    }

    /// The index of the topic's window of this length.
    pub(super) fn window(&mut self, topic: usize, over: Duration) -> usize {
        let windows = &mut self.all[topic].windows;
        let known = windows.iter().position(|(length, _)| *length == over);
        known.unwrap_or_else(|| {
            windows.push((over, Window::new(over)));
            windows.len() - 1
        })
    }

    /// Lets a trigger hear of a topic.
    pub(super) fn watch(&mut self, topic: usize, rule: usize, trigger: usize) {
        self.all[topic].watchers.push((rule, trigger));
    }

    /// Lets a trigger hear of each topic that matches.
    pub(super) fn watch_all(&mut self, pattern: Pattern, watcher: Watcher) {
        self.patterns.push((pattern, watcher));
    }

    pub(super) fn watchers(&self, topic: usize) -> &[(usize, usize)] {
        &self.all[topic].watchers
    }

    pub(super) fn asking(&self, topic: usize) -> &[usize] {
        &self.all[topic].asking
    }

    pub(super) fn value(&self, topic: usize) -> Option<&Value> {
        self.all[topic].value.as_ref()
    }

    pub(super) fn value_of(&self, name: &str) -> Option<&Value> {
        self.value(*self.by_name.get(name)?)
    }

    /// Seconds since the topic's last message.
    pub(super) fn age(&self, topic: usize, now: Now) -> Option<f64> {
        self.silence(topic, now)
            .map(|silence| silence.as_secs_f64())
    }

    /// How long nothing has come.
    pub(super) fn silence(&self, topic: usize, now: Now) -> Option<Duration> {
        Some(passed(self.all[topic].heard?, now))
    }

    /// Seconds for which the topic has had its value.
    pub(super) fn since(&self, topic: usize, now: Now) -> Option<f64> {
        Some(passed(self.all[topic].since?, now).as_secs_f64())
    }

    pub(super) fn fold(&self, topic: usize, window: usize, fold: Fold, now: Now) -> Option<f64> {
        let (_, window) = self.all[topic].windows.get(window)?;
        window.fold(fold, now.moment)
    }

    /// The patterns that a topic matches which is heard of for the first time. The topic
    /// is known from now on if there are any.
    pub(super) fn meet(&mut self, name: &str) -> Vec<Watcher> {
        let known = self.by_name.get(name).copied();
        if self.patterns.is_empty() || known.is_some_and(|known| self.all[known].met) {
            return Vec::new();
        }
        let watchers = self.matching(name);
        // A topic that a rule names may match the pattern of another.
        if let Some(known) = known {
            self.all[known].met = true;
            return watchers;
        }
        if !watchers.is_empty() && self.matched < MOST_MATCHED {
            self.matched += 1;
            let known = self.know(name);
            self.all[known].met = true;
            return watchers;
        }
        Vec::new()
    }

    /// The patterns that a topic matches.
    pub(super) fn matching(&self, name: &str) -> Vec<Watcher> {
        let matching = self.patterns.iter();
        let matching = matching.filter(|(pattern, _)| pattern.captures(name).is_some());
        matching.map(|(_, watcher)| *watcher).collect()
    }

    /// Remembers what an event says, if its topic is known. An empty payload,
    /// which also clears a retained message, means no value.
    pub(super) fn take_in(&mut self, event: Event<'_>, now: Now) -> Option<Taken> {
        let index = *self.by_name.get(event.topic)?;
        let topic = &mut self.all[index];
        let readable = read(event.payload).map(|value| {
            // The wall clock may be set while the house runs; an age must not jump then.
            let age = i64::try_from(now.utc.since(event.received).as_millis());
            topic.hear(
                value,
                monotonic(now).saturating_sub(age.unwrap_or(i64::MAX)),
            );
        });
        Some(Taken {
            topic: index,
            readable,
        })
    }

    /// Takes over what another engine has heard.
    pub(super) fn inherit(&mut self, heard: Topics) {
        let Topics {
            by_name, mut all, ..
        } = heard;
        for (name, index) in by_name {
            let Some(&mine) = self.by_name.get(&name) else {
                continue;
            };
            let topic = &mut self.all[mine];
            let old = std::mem::take(&mut all[index]);
            (topic.value, topic.heard, topic.since) = (old.value, old.heard, old.since);
            for (over, window) in old.windows {
                let same = topic.windows.iter_mut().find(|(length, _)| *length == over);
                if let Some((_, mine)) = same {
                    *mine = window;
                }
            }
        }
    }

    /// Every topic that has been heard of.
    pub(super) fn heard(&self) -> Vec<usize> {
        let heard = self.all.iter().enumerate();
        heard
            .filter(|(_, topic)| topic.heard.is_some())
            .map(|(index, _)| index)
            .collect()
    }

    /// Numbers that were said before the gateway started.
    pub(super) fn recall(&mut self, topic: &str, at: i64, numbers: Numbers) {
        if let Some(&index) = self.by_name.get(topic) {
            for (_, window) in &mut self.all[index].windows {
                window.merge(at, numbers);
            }
        }
    }

    /// The topics of which windows are wanted, with the longest.
    pub(super) fn windows(&self) -> impl Iterator<Item = (&Arc<str>, Duration)> {
        self.by_name.iter().filter_map(|(name, index)| {
            let windows = self.all[*index].windows.iter();
            Some((name, windows.map(|(over, _)| *over).max()?))
        })
    }
}

impl Topic {
    fn hear(&mut self, value: Option<Value>, at: i64) {
        self.heard = Some(at);
        if self.since.is_none() || self.value != value {
            self.since = Some(at);
        }
        if let Some(number) = value.as_ref().and_then(Value::as_number) {
            for (_, window) in &mut self.windows {
                window.push(at, number);
            }
        }
        self.value = value;
    }
}

fn passed(since: i64, now: Now) -> Duration {
    let millis = monotonic(now).saturating_sub(since);
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn monotonic(now: Now) -> i64 {
    i64::try_from(now.moment.0).unwrap_or(i64::MAX)
}

fn read(payload: &[u8]) -> Result<Option<Value>, Unreadable> {
    if payload.len() > MAX_VALUE_BYTES {
        return Err(Unreadable::TooLong(payload.len()));
    }
    let text = std::str::from_utf8(payload).map_err(|_| Unreadable::NotUtf8)?;
    Ok((!text.is_empty()).then(|| Value::parse(text)))
}
