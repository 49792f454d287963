//! What the engine decided, as traces, and what a rule is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::running::Running;
use super::topics::Topics;
use crate::clock::Now;
use crate::rules::trace::{Trace, Verdict};
use crate::rules::trigger::{Trigger, shown};

impl Running {
    /// The trace that shows the rule to the page before anything has happened.
    pub(super) fn waiting(&self, now: Now) -> Trace {
        let because = match &self.rule.keep {
            Some(keep) => {
                let (thing, at) = (keep.thing.topic(), &keep.at);
                let word = if keep.inverted { "unless" } else { "while" };
                let condition = keep.condition.map(|c| self.rule.expressions[c].text());
                let condition = condition.map(|text| format!(" {word} {text}"));
                format!(
                    "sees to it that {thing} is {at}{}",
                    condition.unwrap_or_default()
                )
            }
            None => format!("waiting for {}", self.awaited().join(", or for ")),
        };
        self.trace(Verdict::Waiting, because, now)
    }

    /// What it waits for, each as a trace names it.
    pub(super) fn awaited(&self) -> Vec<String> {
        let rule = &self.rule;
        let values = rule.triggers.iter().map(|settings| {
            let topic: Arc<str> = settings.subject.to_string().into();
            let trigger = Trigger::new(settings, topic);
            format!("{} {}", trigger.name(), trigger.awaited())
        });
        let times = rule.clocks.iter().map(|clock| clock.text.clone());
        let start = rule.at_start.then(|| "the start of Hearth".to_owned());
        values.chain(times).chain(start).collect()
    }

    pub(super) fn trace(&self, outcome: Verdict, because: String, now: Now) -> Trace {
        let rule = &self.rule;
        let kept = rule.keep.as_ref().and_then(|keep| keep.condition);
        let condition = rule.condition.or(kept);
        Trace {
            rule: rule.name.to_string(),
            at: now.utc,
            outcome,
            because,
            trigger: None,
            condition: condition.map(|c| rule.expressions[c].text().to_owned()),
            values: BTreeMap::new(),
            actions: Vec::new(),
            steps: Vec::new(),
            run: None,
            chain: Vec::new(),
            last_fired: self.last_fired,
            took_us: 0,
        }
    }
}

impl Trace {
    pub(super) fn caused_by(self, trigger: &Trigger) -> Trace {
        Trace {
            trigger: Some(trigger.cause()),
            ..self
        }
    }
}

pub(super) fn no_number(trigger: &Trigger, topics: &Topics) -> String {
    let said = shown(topics.value_of(trigger.topic()));
    let topic = trigger.topic();
    format!("{topic} said {said}, which is no number; the rule goes on as if it had not come")
}
