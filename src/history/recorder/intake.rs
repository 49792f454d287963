//! Which messages are samples, and what is known of each.
//!
//! A publication may carry user properties of MQTT 5: `boot` and `seq`, by which a doubled
//! one is known, and `at`, when it was measured.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::broker::Message;
use crate::clock::{ClockQuality, UtcMillis};
use crate::history::place::{Seen, Verdict};
use crate::history::policy::{Policy, Treatment};
use crate::history::sample::{Origin, kept};
use crate::history::waiting::{Description, Item, Read};
use crate::home::{About, Thing, Value, topic};

/// A board whose clock is ahead by more than this does not know the time.
const MOST_AHEAD: Duration = Duration::from_mins(1);
/// Of so many topics it is remembered what came; then it is begun anew.
const MOST_TOPICS: usize = 10_000;

/// Judges messages.
#[derive(Debug)]
pub struct Intake {
    policy: Policy,
    heard: HashMap<Arc<str>, Heard>,
    doubled: u64,
}

#[derive(Debug)]
struct Heard {
    treatment: Treatment,
    /// Of boards that count what they say.
    seen: Option<Box<Seen>>,
}

impl Intake {
    pub fn new(policy: Policy) -> Intake {
        Intake {
            policy,
            heard: HashMap::new(),
            doubled: 0,
        }
    }

    /// The sample that a message is; `now` is what the wall clock shows.
    ///
    /// A message is one when it is live, on a topic that is recorded, and text. What was
    /// retained before the subscription was recorded when it was said; an empty payload takes
    /// a retained message away and says nothing, but for wishes: a webhook needs no body.
    pub fn take(&mut self, message: &Message, read: Read, now: UtcMillis) -> Option<Item> {
        let says = |text: &&str| !text.trim().is_empty() || topic::is_wish_to_rules(&message.topic);
        let payload = message.text().filter(says)?;
        if message.retain || !topic::is_recorded(&message.topic) {
            return None;
        }
        let value = kept(Value::parse(payload))?;
        let origin = origin(message);
        let heard = self.heard(&message.topic);
        let treatment = heard.treatment;
        if !treatment.record {
            return None;
        }
        if let Some(origin) = origin {
            // An unsure one is placed among those that are there, which know.
            if heard.seen.get_or_insert_default().judge(origin) == Verdict::Doubled {
                self.doubled += 1;
                return None;
            }
        }
        Some(Item {
            topic: Arc::clone(&message.topic),
            at: measured(message, read.clock, now).unwrap_or(message.received),
            value,
            origin,
            class: treatment.class,
            read,
        })
    }

    /// Remembers a sample from before the start.
    pub fn remember(&mut self, topic: &str, origin: Origin) {
        let heard = self.heard(&Arc::from(topic));
        heard.seen.get_or_insert_default().judge(origin);
    }

    /// Samples that had come before, since the start.
    pub fn doubled(&self) -> u64 {
        self.doubled
    }

    fn heard(&mut self, topic: &Arc<str>) -> &mut Heard {
        if self.heard.len() >= MOST_TOPICS && !self.heard.contains_key(topic) {
            self.heard.clear();
        }
        let policy = &self.policy;
        self.heard
            .entry(Arc::clone(topic))
            .or_insert_with(|| Heard {
                treatment: policy.of(topic),
                seen: None,
            })
    }
}

fn property<T: std::str::FromStr>(message: &Message, name: &str) -> Option<T> {
    let properties = message.properties.rare.as_ref()?.user_properties.iter();
    let mut found = properties.filter(|(key, _)| key == name);
    found.next().and_then(|(_, value)| value.parse().ok())
}

fn origin(message: &Message) -> Option<Origin> {
    Some(Origin {
        boot: property(message, "boot")?,
        sequence: property(message, "seq")?,
    })
}

/// When it was measured, if its board says so and can be believed. With a clock that may be
/// off by anything nobody can tell.
fn measured(message: &Message, clock: ClockQuality, now: UtcMillis) -> Option<UtcMillis> {
    let at = UtcMillis(property(message, "at")?);
    (clock > ClockQuality::Unknown && at <= now + MOST_AHEAD).then_some(at)
}

/// What a board's `about` says of its things; nothing if it cannot be read.
pub fn descriptions(message: &Message) -> Vec<(String, Description)> {
    let Ok(about) = serde_json::from_slice::<About>(&message.payload) else {
        return Vec::new();
    };
    let things = about.things.into_iter();
    let things = things.filter(|thing| Thing::from_topic(&thing.topic).is_some());
    things
        .map(|thing| {
            let description = Description {
                unit: thing.unit,
                device_class: thing.device_class,
            };
            (thing.topic, description)
        })
        .collect()
}

#[cfg(test)]
mod tests;
