//! Messages that the other side may send straight back to us.
//!
//! MQTT 3.1.1 cannot ask a broker to leave out what we published ourselves. So
//! what we publish under a topic that we also subscribe to is remembered, and
//! its echo is known when it comes. An echo that never came must not swallow
//! another message for long, so what is remembered is bounded in number and age.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::time::Duration;

use rustc_hash::FxBuildHasher;

use crate::clock::Moment;

/// The oldest is forgotten for a new one beyond this. An echo that is not known
/// any more is taken as another's message, once.
const MOST: usize = 4096;
/// Brokers send echoes at once, or after a reconnect.
const LIFETIME: Duration = Duration::from_secs(60);

/// What was sent and has not come back.
#[derive(Debug, Default)]
pub struct Echoes {
    /// In the order of sending.
    sent: VecDeque<Sent>,
}

#[derive(Debug)]
struct Sent {
    at: Moment,
    topic: u64,
    payload: u64,
}

impl Echoes {
    /// Remembers a message that goes out under this topic of the other side.
    pub fn sent(&mut self, topic: &str, payload: &[u8], now: Moment) {
        if self.sent.len() >= MOST {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent {
            at: now,
            topic: fingerprint(topic.as_bytes()),
            payload: fingerprint(payload),
        });
    }

    /// Whether this message is the echo of one of ours. A broker keeps the
    /// order within a topic, so ours from before it will not come any more.
    pub fn take(&mut self, topic: &str, payload: &[u8], now: Moment) -> bool {
        let is_old = |sent: &Sent| now.since(sent.at) > LIFETIME;
        while self.sent.front().is_some_and(is_old) {
            self.sent.pop_front();
        }
        let (topic, payload) = (fingerprint(topic.as_bytes()), fingerprint(payload));
        let is_it = |sent: &Sent| sent.topic == topic && sent.payload == payload;
        let Some(found) = self.sent.iter().position(is_it) else {
            return false;
        };
        let mut index = 0;
        self.sent.retain(|sent| {
            index += 1;
            index > found + 1 || sent.topic != topic
        });
        true
    }
}

fn fingerprint(bytes: &[u8]) -> u64 {
    FxBuildHasher.hash_one(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_message_has_one_echo() {
        let mut echoes = Echoes::default();
        for _ in 0..2 {
            echoes.sent("t", b"on", Moment(0));
        }
        assert!(!echoes.take("t", b"off", Moment(1)));
        assert!(!echoes.take("u", b"on", Moment(1)));
        assert!(echoes.take("t", b"on", Moment(1)));
        assert!(echoes.take("t", b"on", Moment(1)));
        assert!(!echoes.take("t", b"on", Moment(1)), "another's message");
    }

    #[test]
    fn ours_from_before_an_echo_of_its_topic_are_over() {
        let mut echoes = Echoes::default();
        for (topic, payload) in [("t", "lost"), ("u", "1"), ("t", "2"), ("t", "3")] {
            echoes.sent(topic, payload.as_bytes(), Moment(0));
        }
        assert!(echoes.take("t", b"2", Moment(1)));
        assert!(!echoes.take("t", b"lost", Moment(1)));
        assert!(echoes.take("u", b"1", Moment(1)));
        assert!(echoes.take("t", b"3", Moment(1)));
    }

    #[test]
    fn what_never_comes_back_is_forgotten() {
        let mut echoes = Echoes::default();
        echoes.sent("t", b"on", Moment(0));
        assert!(!echoes.take("t", b"on", Moment(60_001)));
        for number in 0..=MOST {
            echoes.sent("t", number.to_string().as_bytes(), Moment(0));
        }
        assert_eq!(echoes.sent.len(), MOST);
        assert!(!echoes.take("t", b"0", Moment(1)));
        assert!(echoes.take("t", b"1", Moment(1)));
    }

    proptest! {
        /// A broker that sends back all, in order, mixed with others' messages.
        #[test]
        fn all_echoes_are_known_and_nothing_else(
            steps in prop::collection::vec((any::<bool>(), 0..3_u8, 0..2_u8), 0..60),
        ) {
            let mut echoes = Echoes::default();
            let mut wire = VecDeque::new();
            for (is_ours, topic, payload) in steps {
                let topic = format!("t/{topic}");
                // Others' messages differ from ours: equal ones are interchangeable.
                let payload = format!("{is_ours}{payload}");
                if is_ours {
                    echoes.sent(&topic, payload.as_bytes(), Moment(0));
                }
                wire.push_back((is_ours, topic, payload));
            }
            for (is_ours, topic, payload) in wire {
                let known = echoes.take(&topic, payload.as_bytes(), Moment(1));
                prop_assert_eq!(known, is_ours);
            }
            prop_assert!(echoes.sent.is_empty());
        }
    }
}
