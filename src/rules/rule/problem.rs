//! What can be wrong with a rule, and where.

use std::ops::Range;

/// A rule that cannot be used, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleProblem {
    /// Index into the list of rules.
    pub rule: usize,
    pub at: Where,
    /// The part of a text at `at` that it speaks of.
    pub within: Option<Within>,
    /// Another rule that has to do with it.
    pub other: Option<(usize, String)>,
    pub message: String,
    pub hint: Option<String>,
}

/// A part of an expression or a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    /// The whole text, as it stands at the place.
    pub text: String,
    /// Bytes of it.
    pub range: Range<usize>,
}

/// The place in a rule that a problem speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Name,
    /// A trigger that looks at topics.
    When(usize),
    /// A trigger that is a time.
    Clock(usize),
    Condition,
    Keep,
    /// Actions are counted as they are read, each before those within it.
    Then(usize),
    Test(usize),
}

/// MQTT's limit for a topic.
const MAX_TOPIC_BYTES: usize = 65_535;

/// What keeps a text from being the name of one topic.
pub fn topic_problem(topic: &str) -> Result<(), String> {
    if topic.is_empty() {
        Err("a topic is missing".to_owned())
    } else if topic.contains(['+', '#']) {
        Err(format!(
            "`{topic}` stands for many topics; one is needed here"
        ))
    } else if topic.starts_with("$share/") {
        Err(format!("`{topic}` is a shared subscription, not a topic"))
    } else if topic.contains('\0') {
        Err("a topic holds no zero byte".to_owned())
    } else if topic.len() > MAX_TOPIC_BYTES {
        Err(format!("a topic has at most {MAX_TOPIC_BYTES} bytes"))
    } else {
        Ok(())
    }
}
