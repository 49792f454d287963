//! What a scenario expects, held against what was sent.

use std::fmt;
use std::time::Duration;

use crate::rules::engine::{Action, Notice};
use crate::rules::rule::{Expectation, Expected, Scenario};
use crate::rules::trace::spoken;

/// A reason tells at most so many messages.
const MOST_TOLD: usize = 5;

/// What left the house or the rule.
pub(super) enum Sent {
    Message {
        action: Action,
        /// Whether its topic is one at which the rule tells people.
        tells: bool,
    },
    Notice(Notice),
}

/// A sentence for each expectation that was not met, up to `end`.
pub(super) fn unmet(scenario: &Scenario, sent: &[(Duration, Sent)], end: Duration) -> Vec<String> {
    let missing = scenario.expect.iter().filter_map(|wanted| {
        let window = Window::new(wanted, end);
        let met = sent.iter().filter(|(at, sent)| window.takes(*at, sent));
        let met: Vec<&(Duration, Sent)> = met.collect();
        let often = match wanted.times {
            Some(times) if met.len() != times => format!(" {}", how_often(times)),
            None if met.is_empty() => String::new(),
            _ => return None,
        };
        let instead = match met.len() {
            0 => instead(wanted, sent),
            n => format!("it was sent {}: {}", how_often(n), when(&met)),
        };
        Some(format!("expected {window}{often}, but {instead}"))
    });
    let unwanted = scenario.expect_not.iter().filter_map(|unwanted| {
        let window = Window::new(unwanted, end);
        let (at, sent) = sent.iter().find(|(at, sent)| window.takes(*at, sent))?;
        let (at, words) = (spoken(*at), sent.words());
        Some(format!(
            "expected no {window}, but {words} was sent at {at}"
        ))
    });
    missing.chain(unwanted).collect()
}

/// What was sent to the topic in place of what was expected.
fn instead(wanted: &Expectation, sent: &[(Duration, Sent)]) -> String {
    let like = sent.iter().filter(|(_, sent)| sent.is_like(&wanted.what));
    let like: Vec<&(Duration, Sent)> = like.collect();
    match like.len() {
        0 if matches!(wanted.what, Expected::Notice(_)) => "nobody was told anything".to_owned(),
        0 => "nothing was sent there".to_owned(),
        _ => format!("there was only {}", when(&like)),
    }
}

/// The first messages, with their times.
fn when(sent: &[&(Duration, Sent)]) -> String {
    let told = sent.iter().take(MOST_TOLD);
    let told: Vec<String> = told
        .map(|(at, sent)| format!("{} at {}", sent.words(), spoken(*at)))
        .collect();
    match sent.len().saturating_sub(MOST_TOLD) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

fn how_often(times: usize) -> String {
    match times {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

impl Sent {
    fn words(&self) -> &str {
        match self {
            Sent::Message { action, .. } => &action.payload,
            Sent::Notice(notice) => &notice.message,
        }
    }

    /// Whether it went where it was expected, whatever it says.
    fn is_like(&self, wanted: &Expected) -> bool {
        match (self, wanted) {
            (Sent::Message { action, .. }, Expected::Message { topic, .. }) => {
                **topic == *action.topic
            }
            (Sent::Message { tells, .. }, Expected::Notice(_)) => *tells,
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
