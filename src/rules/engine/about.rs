//! What each rule is about, as of now.

use super::running::Running;
use super::{Engine, Left};
use crate::clock::{Moment, Now};
use crate::rules::about::{About, Kept, Pending, State};
use crate::rules::expression::Template;
use crate::rules::program::Op;
use crate::rules::rule::Subject;
use crate::rules::trace::spoken;

impl Engine {
    /// What the rule of this name is about.
    pub fn about(&self, rule: &str, now: Now) -> Option<About> {
        let found = self.named(rule)?;
        Some(self.rules[found].about(now))
    }
}

impl Running {
    fn about(&self, now: Now) -> About {
        let rule = &self.rule;
        let keeps = rule.keep.as_ref().map(|keep| Kept {
            thing: keep.thing.topic(),
            at: keep.at.clone(),
        });
        let published = rule.steps.iter().filter_map(|step| match &step.op {
            Op::Publish { topic, .. } => Some(filter(&topic.template)),
            _ => None,
        });
        let kept = rule.keep.iter().map(|keep| keep.thing.set_topic());
        let mut written: Vec<String> = published.chain(kept).collect();
        written.sort_unstable();
        written.dedup();
        let is_set = |topic: &&String| topic.starts_with("home/") && topic.ends_with("/set");
        let (sets, publishes): (Vec<_>, Vec<_>) = written.iter().partition(is_set);
        let sets = sets.into_iter();
        let tripped = self.tripped.filter(|until| *until > now.moment);
        About {
            name: rule.name.to_string(),
            enabled: self.enabled,
            button: rule.button.clone(),
            waits_for: self.awaited(),
            listens: self.listens(),
            sets: sets
                .filter_map(|topic| topic.strip_suffix("/set"))
                .map(str::to_owned)
                .collect(),
            publishes: publishes.into_iter().cloned().collect(),
            keeps,
            state: match tripped {
                _ if !self.enabled => State::Disabled,
                Some(_) => State::Tripped,
                None => State::Ready,
            },
            note: match tripped {
                Some(_) => "it triggered itself, directly or through other rules".to_owned(),
                None => String::new(),
            },
            pending: self.pending(now),
        }
    }

    fn listens(&self) -> Vec<String> {
        let triggers = self.rule.triggers.iter();
        triggers
            .map(|trigger| match &trigger.subject {
                Subject::Topic(topic) => topic.clone(),
                Subject::Matches(pattern) => pattern.filter(),
            })
            .collect()
    }

    fn pending(&self, now: Now) -> Vec<Pending> {
        let at = |what: String, until: Moment| Pending {
            what,
            until: Left::until(until, now).end(),
        };
        let held = self.triggers.iter().filter_map(|watching| {
            let until = watching
                .trigger
                .deadline()
                .filter(|_| !watching.trigger.is_quiet())?;
            Some(at(watching.trigger.held(), until))
        });
        let runs = self.runs.iter().map(|run| {
            let what = match self.rule.steps.get(run.at).map(|step| &step.op) {
                Some(Op::Delay(delay)) => format!("waits {} before it goes on", spoken(*delay)),
                Some(Op::WaitFor { condition, .. }) => {
                    format!("waits for {}", self.rule.expressions[*condition].text())
                }
                _ => "goes on".to_owned(),
            };
            at(what, run.until)
        });
        let rests = self.cooldown.filter(|until| *until > now.moment);
        let rests = rests.map(|until| at("rests after it has acted".to_owned(), until));
        let tripped = self.tripped.filter(|until| *until > now.moment);
        let tripped = tripped.map(|until| at("off, because it triggered itself".to_owned(), until));
        held.chain(runs).chain(rests).chain(tripped).collect()
    }
}

/// A topic with `+` where an expression stands.
fn filter(template: &Template) -> String {
    if let Some(constant) = template.constant() {
        return constant.to_owned();
    }
    // An expression may hold slashes of its own.
    let plain = template.with("+");
    let levels = plain.split('/');
    let levels = levels.map(|level| if level.contains('+') { "+" } else { level });
    levels.collect::<Vec<_>>().join("/")
}
