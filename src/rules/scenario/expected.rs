//! Whether what was expected of a rule has come.

use std::fmt;
use std::time::Duration;

use super::Run;
use crate::rules::engine::{Action, Notice};
use crate::rules::rule::{Expectation, Expected, Scenario};
use crate::rules::trace::spoken;

impl Run {
    pub(super) fn unmet(&self, scenario: &Scenario, end: Duration) -> Vec<String> {
        let missing = scenario.expect.iter().filter_map(|wanted| {
            let window = Window::new(wanted, end);
            let met = self.sent.iter();
            let met = met.filter(|(at, sent)| window.takes(*at, sent)).count();
            match wanted.times {
                Some(times) if met != times => {
                    let often = |n| {
                        if n == 1 {
                            "once".to_owned()
                        } else {
                            format!("{n} times")
                        }
                    };
                    let (times, met) = (often(times), often(met));
                    Some(format!("expected {window} {times}, but it was sent {met}"))
                }
                None if met == 0 => {
                    let instead = self.instead(wanted);
                    Some(format!("expected {window}, but {instead}"))
                }
                _ => None,
            }
        });
        let unwanted = scenario.expect_not.iter().filter_map(|unwanted| {
            let window = Window::new(unwanted, end);
            let mut sent = self.sent.iter();
            let (at, sent) = sent.find(|(at, sent)| window.takes(*at, sent))?;
            let (at, words) = (spoken(*at), sent.words());
            Some(format!(
                "expected no {window}, but {words} was sent at {at}"
            ))
        });
        missing.chain(unwanted).collect()
    }

    /// What was sent to the topic in place of what was expected.
    fn instead(&self, wanted: &Expectation) -> String {
        let there = self
            .sent
            .iter()
            .filter(|(_, sent)| sent.is_like(&wanted.what));
        let sent: Vec<String> = there
            .map(|(at, sent)| format!("{} at {}", sent.words(), spoken(*at)))
            .collect();
        match sent.len() {
            0 if matches!(wanted.what, Expected::Notice(_)) => {
                "nobody was told anything".to_owned()
            }
            0 => "nothing was sent there".to_owned(),
            1..=5 => format!("there was only {}", sent.join(", ")),
            n => format!("there was only {} and {} more", sent[..5].join(", "), n - 5),
        }
    }
}

/// What left the house or the rule.
pub(super) enum Sent {
    Message(Action),
    Notice(Notice),
}

impl Sent {
    fn words(&self) -> &str {
        match self {
            Sent::Message(action) => &action.payload,
            Sent::Notice(notice) => &notice.message,
        }
    }

    /// Whether it went where it was expected, whatever it says.
    fn is_like(&self, wanted: &Expected) -> bool {
        match (self, wanted) {
            (Sent::Message(action), Expected::Message { topic, .. }) => **topic == *action.topic,
            (Sent::Notice(_), Expected::Notice(_)) => true,
            _ => false,
        }
    }

    fn is(&self, wanted: &Expected) -> bool {
        self.is_like(wanted)
            && match wanted {
                Expected::Message { payload, .. } => payload
                    .as_ref()
                    .is_none_or(|payload| payload == self.words()),
                Expected::Notice(part) => self.words().contains(part),
            }
    }
}

/// An expectation with its window closed.
struct Window<'a> {
    wanted: &'a Expectation,
    before: Duration,
}

impl<'a> Window<'a> {
    fn new(wanted: &'a Expectation, end: Duration) -> Window<'a> {
        Window {
            wanted,
            before: wanted.before.unwrap_or(end),
        }
    }

    fn takes(&self, at: Duration, sent: &Sent) -> bool {
        sent.is(&self.wanted.what) && (self.wanted.after..=self.before).contains(&at)
    }
}

impl fmt::Display for Window<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wanted.what {
            Expected::Message {
                topic,
                payload: Some(payload),
            } => write!(f, "{topic} = {payload}")?,
            Expected::Message {
                topic,
                payload: None,
            } => write!(f, "message to {topic}")?,
            Expected::Notice(text) => write!(f, "notification with `{text}`")?,
        }
        let (after, before) = (spoken(self.wanted.after), spoken(self.before));
        write!(f, " from {after} to {before}")
    }
}
