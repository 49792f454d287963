//! Who led to what: the rules behind a message.
//!
//! A message that a rule published carries the rules whose actions led to it.
//! The broker knows nothing of that, so the engine remembers for a short while
//! what it said, and knows its own words again when they come back; also as the
//! state that answers a command.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::home::Value;

/// An answer that takes longer is nobody's echo.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Words on more topics than this are not known again …
const MOST_TOPICS: usize = 4096;
/// … and on each topic the last ones.
const MOST_WORDS: usize = 8;
/// A longer chain forgets where it began.
const LONGEST: usize = 32;

/// The rules whose actions led here, the first one first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chain(Vec<Arc<str>>);

impl Chain {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter()
    }

    /// How often a rule stands in it.
    pub fn count(&self, rule: &str) -> usize {
        self.0.iter().filter(|name| &***name == rule).count()
    }

    /// The chain with one rule more.
    pub fn and(&self, rule: &Arc<str>) -> Chain {
        let skipped = (self.0.len() + 1).saturating_sub(LONGEST);
        let names = self.0.iter().skip(skipped).chain([rule]);
        Chain(names.cloned().collect())
    }
}

/// What rules said lately.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    by_topic: FxHashMap<Arc<str>, VecDeque<Word>>,
}

#[derive(Debug)]
struct Word {
    /// None if it emptied the topic.
    value: Option<Value>,
    said: Moment,
    chain: Chain,
}

impl Echoes {
    /// Remembers a message.
    pub(super) fn said(&mut self, topic: &Arc<str>, payload: &str, chain: &Chain, now: Moment) {
        if let Some(thing) = topic.strip_suffix("/set") {
            self.remember(thing.into(), payload, chain, now);
        }
        self.remember(Arc::clone(topic), payload, chain, now);
    }

    fn remember(&mut self, topic: Arc<str>, payload: &str, chain: &Chain, now: Moment) {
        if self.by_topic.len() >= MOST_TOPICS {
            let is_new = |word: &Word| now.since(word.said) <= ANSWERS_WITHIN;
            self.by_topic
                .retain(|_, words| words.back().is_some_and(is_new));
        }
        if self.by_topic.len() < MOST_TOPICS {
            let words = self.by_topic.entry(topic).or_default();
            if words.len() == MOST_WORDS {
                words.pop_front();
            }
            words.push_back(Word {
                value: (!payload.is_empty()).then(|| Value::parse(payload)),
                said: now,
                chain: chain.clone(),
            });
        }
    }

    /// The rules behind a message that has come.
    pub(super) fn behind(&self, topic: &str, value: Option<&Value>, now: Moment) -> Chain {
        let words = self.by_topic.get(topic).into_iter().flatten();
        let is_it =
            |word: &&Word| word.value.as_ref() == value && now.since(word.said) <= ANSWERS_WITHIN;
        let word = words.rev().find(is_it);
        word.map(|word| word.chain.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_again_for_a_while() {
        let mut echoes = Echoes::default();
        let chain = Chain::default().and(&"A".into());
        let command: Arc<str> = "home/hall/lamp/set".into();
        echoes.said(&command, "on", &chain, Moment(1000));
        let (on, off) = (Value::parse("on"), Value::parse("off"));
        let behind = |topic, value, at| echoes.behind(topic, Some(value), Moment(at));
        assert_eq!(behind("home/hall/lamp/set", &on, 1000), chain);
        assert_eq!(behind("home/hall/lamp", &on, 6000), chain);
        assert!(behind("home/hall/lamp", &on, 6001).is_empty());
        assert!(behind("home/hall/lamp", &off, 1000).is_empty());
        assert!(behind("home/hall/fan", &on, 1000).is_empty());
        echoes.said(&command, "", &chain, Moment(1000));
        assert_eq!(echoes.behind("home/hall/lamp", None, Moment(1000)), chain);
    }

    #[test]
    fn words_and_chains_are_bounded() {
        let mut echoes = Echoes::default();
        let mut chain = Chain::default();
        for n in 0..3 * MOST_TOPICS {
            let topic: Arc<str> = format!("t/{n}").into();
            chain = chain.and(&topic);
            echoes.said(&topic, "1", &chain, Moment(n as u64));
        }
        assert!(echoes.by_topic.len() <= MOST_TOPICS);
        assert_eq!(chain.names().count(), LONGEST);
    }
}
