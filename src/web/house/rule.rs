//! The last trace of a rule, as it is retained at `hearth/rule/<rule>/last`.

use serde::Deserialize;

use crate::broker::Message;
use crate::clock::UtcMillis;
use crate::web::wording;

/// A rule and what it last did, or why it did nothing.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Rule {
    pub name: String,
    pub at: UtcMillis,
    pub verdict: Verdict,
    /// One sentence, from the rules part.
    pub because: String,
    pub actions: Vec<Action>,
    /// When it last fired, if what came since hides it.
    pub fired_before: Option<UtcMillis>,
}

/// How the evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Waiting,
    Holding,
    Fired,
    ConditionFalse,
    Error,
    /// One that a later version of the rules part has.
    #[serde(other)]
    Other,
}

/// A message that the rule published.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Action {
    pub topic: String,
    pub payload: String,
}

/// The fields of a trace that the page shows; others are passed over.
#[derive(Deserialize)]
struct Trace {
    rule: String,
    at: UtcMillis,
    outcome: Verdict,
    #[serde(default)]
    because: String,
    #[serde(default)]
    actions: Vec<Action>,
    last_fired: Option<UtcMillis>,
}

impl Verdict {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Waiting => "waiting",
            Verdict::Holding => "holding",
            Verdict::Fired => "fired",
            Verdict::ConditionFalse => "condition was false",
            Verdict::Error => "error",
            Verdict::Other => "looked",
        }
    }

    /// How the page marks it; empty for what is neither news nor trouble.
    pub fn mark(self) -> &'static str {
        match self {
            Verdict::Fired => "good",
            Verdict::Error => "bad",
            _ => "",
        }
    }
}

/// Reads a trace; none if the payload is something else.
pub fn read(message: &Message) -> Option<Rule> {
    let trace: Trace = serde_json::from_slice(&message.payload).ok()?;
    Some(Rule {
        name: wording::cut(&trace.rule),
        at: trace.at,
        verdict: trace.outcome,
        because: wording::sentence(&trace.because),
        actions: trace.actions,
        fired_before: trace.last_fired.filter(|_| trace.outcome != Verdict::Fired),
    })
}
