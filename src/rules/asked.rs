//! The expression of a `keep`, for those who look at rules without running
//! them: what it asks of the house, and how it judges made-up answers.

use super::check::compile_condition;
use super::condition::{Ask, Condition};
use crate::home::Value;

/// An expression that can be asked for its inputs and judged.
#[derive(Debug)]
pub(super) struct Asked(Condition);

/// One input of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Input {
    /// As a sentence names it: `home/pond/level`, `age('home/pond/level')`.
    pub shown: String,
    pub kind: Kind,
    /// Its topic.
    pub topic: String,
}

/// What can answer an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whatever a topic says.
    Value,
    /// Seconds since something; there is an answer once the topic has a value.
    Seconds,
}

impl Asked {
    /// Reads an expression; none if anything is wrong with it, which its own
    /// check tells.
    pub fn new(text: &str) -> Option<Asked> {
        compile_condition(text).ok().map(Asked)
    }

    /// What it asks, in the order in which [`Asked::judge`] takes the answers.
    pub fn inputs(&self) -> Vec<Input> {
        let input = |input: &super::condition::Input| Input {
            shown: input.to_string(),
            kind: match input.ask {
                Ask::Value => Kind::Value,
                Ask::Age => Kind::Seconds,
            },
            topic: input.topic.clone(),
        };
        self.0.inputs().iter().map(input).collect()
    }

    /// Judges it; none if these answers give neither true nor false.
    pub fn judge(&self, answers: &[Option<Value>]) -> Option<bool> {
        self.0.judge(answers).ok()
    }
}
