//! One trace of a rule in words: what it decided, why, and what it did.
//!
//! Traces come as JSON from the rules part. What a later version of it adds is passed
//! over; a text that is longer than a page can hold is cut.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::clock::UtcMillis;
use crate::web::wording;

/// Entries of one kind that a page shows of a trace.
const MAX_ENTRIES: usize = 200;

/// One evaluation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trace {
    /// The rule's name.
    pub rule: String,
    pub at: UtcMillis,
    pub verdict: Verdict,
    /// One sentence, from the rules part.
    pub because: String,
    /// The topic of the message that led here.
    pub trigger: Option<String>,
    pub condition: Option<String>,
    /// What the condition saw, by topic or call.
    pub values: Vec<(String, String)>,
    /// What was published, in order.
    pub actions: Vec<Action>,
    /// What was done besides, in order.
    pub steps: Vec<String>,
    /// Actions that go on over time share a number.
    pub run: Option<u64>,
    /// The rules whose actions led here, the first one first.
    pub chain: Vec<String>,
    /// When it last fired, if this does not tell it.
    pub fired_before: Option<UtcMillis>,
    /// Microseconds.
    pub took_us: u64,
}

/// How the evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Waiting,
    Holding,
    Fired,
    Running,
    Done,
    ConditionFalse,
    Passed,
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

/// The fields as they come.
#[derive(Deserialize)]
struct Json {
    rule: String,
    at: UtcMillis,
    outcome: Verdict,
    #[serde(default)]
    because: String,
    trigger: Option<Cause>,
    condition: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, Value>,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    steps: Vec<String>,
    run: Option<u64>,
    #[serde(default)]
    chain: Vec<String>,
    last_fired: Option<UtcMillis>,
    #[serde(default)]
    took_us: u64,
}

#[derive(Deserialize)]
struct Cause {
    topic: String,
}

impl Verdict {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Waiting => "waiting",
            Verdict::Holding => "holding",
            Verdict::Fired => "fired",
            Verdict::Running => "goes on",
            Verdict::Done => "done",
            Verdict::ConditionFalse => "condition was false",
            Verdict::Passed => "let pass",
            Verdict::Error => "error",
            Verdict::Other => "looked",
        }
    }

    /// How the page marks it; empty for what is neither news nor trouble.
    pub fn mark(self) -> &'static str {
        match self {
            Verdict::Fired | Verdict::Running | Verdict::Done => "good",
            Verdict::Error => "bad",
            _ => "",
        }
    }
}

impl Trace {
    /// Reads a trace; none if the payload is something else.
    pub fn read(payload: &[u8]) -> Option<Trace> {
        let json: Json = serde_json::from_slice(payload).ok()?;
        let values = json.values.iter().take(MAX_ENTRIES);
        Some(Trace {
            rule: wording::cut(&json.rule),
            at: json.at,
            verdict: json.outcome,
            because: wording::sentence(&json.because),
            trigger: json.trigger.map(|cause| cause.topic),
            condition: json.condition.as_deref().map(wording::sentence),
            values: values
                .map(|(name, value)| (wording::cut(name), worded(value)))
                .collect(),
            actions: json.actions.into_iter().take(MAX_ENTRIES).collect(),
            steps: cut(&json.steps, wording::sentence),
            run: json.run,
            chain: cut(&json.chain, wording::cut),
            fired_before: json.last_fired.filter(|_| json.outcome != Verdict::Fired),
            took_us: json.took_us,
        })
    }

    /// When the rule last fired, this included.
    pub fn fired(&self) -> Option<UtcMillis> {
        match self.verdict {
            Verdict::Fired => Some(self.at),
            _ => self.fired_before,
        }
    }

    /// `3 values`, if it looked at any.
    pub fn looked_at(&self) -> Option<String> {
        let count = u64::try_from(self.values.len()).unwrap_or(u64::MAX);
        (count > 0).then(|| wording::count(count, "value"))
    }

    /// `12 µs`, `1.4 ms`.
    pub fn took(&self) -> String {
        match self.took_us {
            micros @ 0..1000 => format!("{micros} µs"),
            micros @ 1000..100_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
            micros => wording::took(micros / 1000),
        }
    }
}

impl Action {
    /// `home/hall/lamp/set ← on`
    pub fn words(&self) -> String {
        let (topic, payload) = (wording::cut(&self.topic), wording::cut(&self.payload));
        match payload.is_empty() {
            true => format!("{topic} ← (empty)"),
            false => format!("{topic} ← {payload}"),
        }
    }
}

fn cut(texts: &[String], to: fn(&str) -> String) -> Vec<String> {
    let texts = texts.iter().take(MAX_ENTRIES);
    texts.map(|text| to(text)).collect()
}

fn worded(value: &Value) -> String {
    match value {
        Value::Null => "no value".to_owned(),
        Value::String(text) => wording::cut(text),
        other => wording::cut(&other.to_string()),
    }
}
