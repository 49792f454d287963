//! Messages that did not reach someone: counted by reason, and where it is
//! wanted, published again as dead letters.
//!
//! A dead letter is `$hearth/dead/<reason>/<topic>` with the same payload, and
//! its origin as user properties. Letters wait until the batch is done, so the
//! flow that lost a message does not pay for them. They are few at a time, and
//! none is made of what the broker itself publishes: a letter that is lost
//! leaves no letter.

use std::sync::Arc;
use std::time::Duration;

use super::Router;
use crate::broker::codec::{PublishProperties, Qos};
use crate::broker::journal::Saving;
use crate::broker::message::Message;
use crate::broker::outbound::Dropped;
use crate::broker::subscriptions::has_few_levels;
use crate::broker::topic;
use crate::clock::{Moment, Now};

/// Letters that wait for the end of the batch; further ones are only counted.
const MOST_WAITING: usize = 64;
/// Time that each letter pays for, and how far it may be in debt: 20 letters a
/// second in the long run, 100 at once.
const PACE: Duration = Duration::from_millis(50);
const DEBT: Duration = Duration::from_secs(5);

/// Dead letters to write, and how many of them may be.
#[derive(Debug, Default)]
pub(super) struct DeadLetters {
    wanted: bool,
    waiting: Vec<Letter>,
    paid_until: Moment,
}

#[derive(Debug)]
struct Letter {
    why: Dropped,
    message: Arc<Message>,
    receiver: Option<Arc<str>>,
}

impl DeadLetters {
    pub fn new(wanted: bool) -> DeadLetters {
        DeadLetters {
            wanted,
            ..DeadLetters::default()
        }
    }

    /// Whether losses are to be told here at all.
    pub fn are_wanted(&self) -> bool {
        self.wanted
    }

    /// This message did not reach `receiver`, or anybody.
    pub fn lost(&mut self, why: Dropped, message: &Arc<Message>, receiver: Option<&Arc<str>>) {
        if self.wanted && self.waiting.len() < MOST_WAITING && !is_own(&message.topic) {
            self.waiting.push(Letter {
                why,
                message: Arc::clone(message),
                receiver: receiver.cloned(),
            });
        }
    }

    fn may_send(&mut self, now: Now) -> bool {
        let owed = self.paid_until.since(now.moment);
        if owed + PACE > DEBT {
            return false;
        }
        self.paid_until = self.paid_until.max(now.moment) + PACE;
        true
    }
}

impl Router {
    /// Publishes the dead letters of the batch.
    pub(super) fn send_dead_letters(&mut self, now: Now) {
        for letter in std::mem::take(&mut self.dead.waiting) {
            if self.dead.may_send(now)
                && let Some(message) = letter.into_message(now)
            {
                self.counters.dead_letters += 1;
                self.route(&Arc::new(message), None, Saving::Soon, now);
            }
        }
    }
}

impl Letter {
    /// `None` where the topic leaves no room for the prefix.
    fn into_message(self, now: Now) -> Option<Message> {
        let topic = format!("$hearth/dead/{}/{}", self.why.name(), self.message.topic);
        if !topic::valid_name(&topic) || !has_few_levels(&topic) {
            return None;
        }
        Some(Message {
            topic: topic.into(),
            payload: self.message.payload.clone(),
            qos: Qos::AtMostOnce,
            retain: false,
            properties: self.properties(now),
            publisher: Arc::clone(&self.message.publisher),
            taken_in: None,
            received: now.utc,
            expires: None,
        })
    }

    /// The message's own, and where it came from.
    fn properties(&self, now: Now) -> PublishProperties {
        let rare = self.message.properties.rare.as_deref();
        let mut rare = rare.cloned().unwrap_or_default();
        let mut tell = |name: &str, value: String| {
            rare.user_properties.push((name.to_owned(), value));
        };
        tell("publisher", plain_name(&self.message.publisher));
        if let Some(receiver) = &self.receiver {
            tell("receiver", plain_name(receiver));
        }
        tell("received-ms", self.message.received.0.to_string());
        tell("dropped-ms", now.utc.0.to_string());
        PublishProperties {
            message_expiry: None,
            rare: Some(Arc::new(rare)),
        }
    }
}

impl Dropped {
    /// As the topic of a dead letter and a label of the metrics say it.
    pub fn name(self) -> &'static str {
        match self {
            Dropped::QueueFull => "queue-full",
            Dropped::Expired => "expired",
            Dropped::TooLarge => "too-large",
            Dropped::Refused => "refused",
        }
    }
}

/// Whether only the broker itself writes the topic.
fn is_own(topic: &str) -> bool {
    topic.starts_with("$SYS/") || topic.starts_with("$hearth/")
}

/// Without the U+0000 that marks the names of Hearth's own parts.
fn plain_name(client_id: &str) -> String {
    client_id.trim_start_matches('\0').to_owned()
}
