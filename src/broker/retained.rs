//! The last retained message of each topic: the current state of the house.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::message::Message;
use super::outbound::Limits;
use super::topic;
use crate::clock::Now;

/// Retained messages in the order of their topics, so that a filter reads only
/// the stretch that shares its fixed beginning.
#[derive(Debug, Default)]
pub struct Retained {
    messages: BTreeMap<Arc<str>, Arc<Message>>,
    bytes: usize,
}

impl Retained {
    /// Keeps the message for its topic; an empty payload clears the topic
    /// [MQTT-3.3.1-6].
    pub fn store(&mut self, message: &Arc<Message>) {
        self.remove(&message.topic);
        if !message.payload.is_empty() {
            self.bytes += message.size();
            self.messages
                .insert(Arc::clone(&message.topic), Arc::clone(message));
        }
    }

    /// Whether a message of this size may take the place of the topic's last.
    pub fn has_room(&self, topic: &str, size: usize, limits: &Limits) -> bool {
        match self.messages.get(topic) {
            Some(old) => self.bytes - old.size() + size <= limits.bytes,
            None => self.messages.len() < limits.messages && self.bytes + size <= limits.bytes,
        }
    }

    fn remove(&mut self, topic: &str) {
        if let Some(old) = self.messages.remove(topic) {
            self.bytes -= old.size();
        }
    }

    /// The live messages whose topic matches, in the order of their topics.
    /// `forgotten` is told the topics whose message has expired.
    pub fn matching(
        &mut self,
        filter: &str,
        now: Now,
        forgotten: &mut impl FnMut(&Arc<str>),
    ) -> Vec<Arc<Message>> {
        let (mut found, mut expired) = (Vec::new(), Vec::new());
        for (name, message) in self.candidates(filter) {
            if !topic::matches(filter, name) {
                continue;
            }
            if message.is_expired(now) {
                expired.push(Arc::clone(name));
            } else {
                found.push(Arc::clone(message));
            }
        }
        for name in expired {
            forgotten(&name);
            self.remove(&name);
        }
        found
    }

    /// What they cost in memory, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of them, in the order of their topics.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Message>> {
        self.messages.values()
    }

    /// How many topics hold a message.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether no topic holds a message.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// A superset of the matches: all topics that begin like the filter.
    fn candidates<'a>(
        &'a self,
        filter: &str,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<Message>)> {
        // `a/#` also matches `a`, so the fixed part goes without its last slash.
        let fixed = filter.find(['+', '#']).map_or(filter, |end| &filter[..end]);
        let fixed = fixed.strip_suffix('/').unwrap_or(fixed).to_owned();
        let from = (Bound::Included(fixed.as_str()), Bound::Unbounded);
        self.messages
            .range::<str, _>(from)
            .take_while(move |(name, _)| name.starts_with(fixed.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::codec::{PublishProperties, Qos};
    use crate::clock::Moment;

    fn message(topic: &str, payload: &'static str) -> Arc<Message> {
        Arc::new(Message {
            topic: topic.into(),
            payload: payload.into(),
            qos: Qos::AtMostOnce,
            retain: true,
            properties: PublishProperties::default(),
            publisher: "test".into(),
            taken_in: None,
            received: Default::default(),
            expires: None,
        })
    }

    fn topics(retained: &mut Retained, filter: &str) -> Vec<String> {
        let found = retained.matching(filter, Now::default(), &mut |_| {});
        found
            .iter()
            .map(|message| message.topic.to_string())
            .collect()
    }

    #[test]
    fn filters_find_what_they_match() {
        let mut retained = Retained::default();
        for topic in [
            "home",
            "home/a/t",
            "home/b/t",
            "homes",
            "$SYS/x",
            "étage/temp",
        ] {
            retained.store(&message(topic, "1"));
        }
        assert_eq!(topics(&mut retained, "home/+/t"), ["home/a/t", "home/b/t"]);
        assert_eq!(
            topics(&mut retained, "home/#"),
            ["home", "home/a/t", "home/b/t"]
        );
        assert_eq!(topics(&mut retained, "#").len(), 5, "no $SYS in #");
        assert_eq!(topics(&mut retained, "étage/+"), ["étage/temp"]);
        assert_eq!(topics(&mut retained, "+"), ["home", "homes"]);
        assert_eq!(topics(&mut retained, "homes"), ["homes"]);
    }

    #[test]
    fn an_empty_payload_clears() {
        let mut retained = Retained::default();
        retained.store(&message("a", "1"));
        retained.store(&message("a", ""));
        assert!(retained.is_empty());
    }

    #[test]
    fn expired_messages_are_forgotten() {
        let mut retained = Retained::default();
        let mut old = (*message("a", "1")).clone();
        old.expires = Some(Moment(1000));
        retained.store(&Arc::new(old));
        let later = Now {
            moment: Moment(1000),
            ..Now::default()
        };
        let mut forgotten = Vec::new();
        let mut count = |now| {
            let mut forget = |topic: &Arc<str>| forgotten.push(topic.to_string());
            retained.matching("a", now, &mut forget).len()
        };
        assert_eq!((count(Now::default()), count(later)), (1, 0));
        assert_eq!(forgotten, ["a"]);
        assert!(retained.is_empty());
    }
}
