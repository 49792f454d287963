//! The current values of the topics that rules name.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::Event;
use crate::clock::Now;
use crate::home::Value;

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

/// Every named topic, with what is known of it and who watches it.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_name: FxHashMap<Arc<str>, usize>,
    all: Vec<Topic>,
}

#[derive(Debug, Default)]
struct Topic {
    value: Option<Value>,
    /// Milliseconds on the monotonic clock; negative before the gateway's start.
    heard: Option<i64>,
    /// Rules and their triggers, by index.
    watchers: Vec<(usize, usize)>,
}

impl Topics {
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_name.keys()
    }

    /// The topic's index; from now on its value is remembered.
    pub(super) fn know(&mut self, name: &str) -> usize {
        if let Some(&known) = self.by_name.get(name) {
            return known;
        }
        self.all.push(Topic::default());
        self.by_name.insert(name.into(), self.all.len() - 1);
        self.all.len() - 1
    }

    pub(super) fn watch(&mut self, name: &str, watcher: (usize, usize)) {
        let topic = self.know(name);
        self.all[topic].watchers.push(watcher);
    }

    pub(super) fn watchers(&self, topic: usize) -> &[(usize, usize)] {
        &self.all[topic].watchers
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
        let heard = self.all[topic].heard?;
        let millis = monotonic(now).saturating_sub(heard);
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
    }

    /// Remembers what an event says, if a rule names its topic. An empty
    /// payload, which also clears a retained message, means no value.
    pub(super) fn take_in(
        &mut self,
        event: Event<'_>,
        now: Now,
    ) -> Option<(usize, Result<(), Unreadable>)> {
        let index = *self.by_name.get(event.topic)?;
        let topic = &mut self.all[index];
        let read = read(event.payload).map(|value| {
            // The wall clock may be set while the house runs; an age must not jump then.
            let age = i64::try_from(now.utc.since(event.received).as_millis());
            topic.heard = Some(monotonic(now).saturating_sub(age.unwrap_or(i64::MAX)));
            topic.value = value;
        });
        Some((index, read))
    }
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
