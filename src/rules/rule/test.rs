//! What a rule's own tests say: what happens to the house, and what is to come of it.

use std::time::Duration;

use jiff::civil::DateTime;

/// One `[[rule.test]]`: what happens to the house, and what the rules make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub name: String,
    /// What the house's clock shows when it begins; 1970 where absent.
    pub starts: Option<DateTime>,
    pub given: Vec<Given>,
    pub expect: Vec<Expectation>,
    pub expect_not: Vec<Expectation>,
}

/// Something that happens at a time of the virtual clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub at: Duration,
    pub what: Happening,
}

/// What happens to the house in a test.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// `retain` messages are found again after a restart.
    Message {
        topic: String,
        payload: String,
        retain: bool,
    },
    /// The gateway is killed and comes back after this long.
    Restart(Duration),
}

/// An action within a window of the virtual clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub what: Expected,
    /// Not earlier than this.
    pub after: Duration,
    /// Not later than this; one hour after the last given message where absent.
    pub before: Option<Duration>,
    /// Exactly so often; at least once where absent.
    pub times: Option<usize>,
}

/// What is expected to happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Any payload where it is absent.
    Message {
        topic: String,
        payload: Option<String>,
    },
    /// A `notify` whose message contains this text.
    Notice(String),
}

impl Given {
    /// A message that is retained.
    pub fn message(at: Duration, topic: &str, payload: &str) -> Given {
        Given {
            at,
            what: Happening::Message {
                topic: topic.to_owned(),
                payload: payload.to_owned(),
                retain: true,
            },
        }
    }
}

impl Expectation {
    /// A message at any time.
    pub fn message(topic: &str, payload: Option<&str>) -> Expectation {
        Expectation {
            what: Expected::Message {
                topic: topic.to_owned(),
                payload: payload.map(str::to_owned),
            },
            after: Duration::ZERO,
            before: None,
            times: None,
        }
    }
}
