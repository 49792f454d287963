//! What the engine decided, as traces.

use std::collections::BTreeMap;

use super::topics::Topics;
use super::{Action, Running};
use crate::clock::Now;
use crate::home::Value;
use crate::rules::expression::Expression;
use crate::rules::trace::{Cause, Published, Trace, Verdict, as_json};
use crate::rules::trigger::{Trigger, shown};

impl Running {
    /// The trace that shows the rule to the page before anything has happened.
    pub(super) fn waiting(&self, now: Now) -> Trace {
        let values = self.triggers.iter();
        let values = values.map(|trigger| format!("{} {}", trigger.topic(), trigger.awaited()));
        let times = self.rule.clocks.iter().map(|clock| clock.text.clone());
        let awaited: Vec<String> = values.chain(times).collect();
        let because = format!("waiting for {}", awaited.join(", or for "));
        self.trace(Verdict::Waiting, because, now)
    }

    pub(super) fn trace(&self, outcome: Verdict, because: String, now: Now) -> Trace {
        Trace {
            rule: self.rule.name.clone(),
            at: now.utc,
            outcome,
            because,
            trigger: None,
            condition: self.rule.condition.as_ref().map(|c| c.text().to_owned()),
            values: BTreeMap::new(),
            actions: Vec::new(),
            steps: Vec::new(),
            run: None,
            chain: Vec::new(),
            last_fired: self.last_fired,
            took_us: 0,
        }
    }

    /// Adds what the condition saw and, if it fired, what was published.
    pub(super) fn with_values(&self, mut trace: Trace, answers: Vec<Option<Value>>) -> Trace {
        let inputs = self.rule.condition.iter().flat_map(Expression::inputs);
        let seen = inputs.zip(answers);
        trace.values = seen
            .map(|(input, answer)| (input.to_string(), as_json(answer.as_ref())))
            .collect();
        if trace.outcome == Verdict::Fired {
            trace.actions = self.rule.actions.iter().map(published).collect();
        }
        trace
    }
}

impl Trace {
    pub(super) fn caused_by(self, trigger: &Trigger) -> Trace {
        let cause = Cause {
            topic: trigger.topic().to_owned(),
            before: as_json(trigger.before()),
            after: as_json(trigger.last()),
        };
        Trace {
            trigger: Some(cause),
            ..self
        }
    }
}

fn published(action: &Action) -> Published {
    Published {
        topic: action.topic.to_string(),
        payload: action.payload.to_string(),
    }
}

pub(super) fn no_number(trigger: &Trigger, topics: &Topics) -> String {
    let said = shown(topics.value_of(trigger.topic()));
    let topic = trigger.topic();
    format!("{topic} said {said}, which is no number; the rule goes on as if it had not come")
}
