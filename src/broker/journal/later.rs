//! Changes of what is retained that nobody waits for: the last one of each topic.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::broker::message::Message;
use crate::clock::Moment;

/// How surely what is retained outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// Somebody is told that nobody forgets it, or would be if there were somebody to tell.
    Promised,
    /// It may be `save_every` old.
    Soon,
    /// It may be older: a note of Hearth's own, of which the next one soon comes.
    Seldom,
}

/// Gathers for a time that begins with the first change.
#[derive(Debug)]
pub struct Later {
    every: Duration,
    due: Option<Moment>,
    /// `None` where nothing is retained any more.
    messages: FxHashMap<Arc<str>, Option<Arc<Message>>>,
}

impl Later {
    pub fn new(every: Duration) -> Later {
        Later {
            every,
            due: None,
            messages: FxHashMap::default(),
        }
    }

    pub fn put(&mut self, topic: Arc<str>, message: Option<Arc<Message>>) {
        self.messages.insert(topic, message);
    }

    /// The topic's change goes another way.
    pub fn forget(&mut self, topic: &Arc<str>) {
        self.messages.remove(topic);
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub fn set_date(&mut self, now: Moment) {
        if self.due.is_none() && !self.is_empty() {
            self.due = Some(now + self.every);
        }
    }

    pub fn due(&self) -> Option<Moment> {
        self.due
    }

    pub fn is_due(&self, now: Moment) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// All changes, in no order.
    pub fn take(&mut self) -> impl Iterator<Item = (Arc<str>, Option<Arc<Message>>)> {
        self.due = None;
        self.messages.drain()
    }
}
