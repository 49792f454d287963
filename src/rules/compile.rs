//! From a rule as it was read to one that runs.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::big_stack::on_big_stack;
use super::expression::{Ask, Expression, Fault, Scope, Template};
use super::program::{Keep, Op, Rule, Step, Text, Words};
use super::rule::{
    ActionSettings, Channel, KeepSettings, NotifySettings, RuleProblem, RuleSettings, Subject,
    Where, Within,
};
use crate::broker::Qos;

/// Makes a rule fit to run.
///
/// # Errors
///
/// Everything that is wrong with it; its tests are not run.
pub fn compile(index: usize, settings: &RuleSettings) -> Result<Rule, Vec<RuleProblem>> {
    let mut problems = super::check::shape(index, settings);
    // The parser of expressions needs much stack.
    let compiled = on_big_stack(|| {
        let mut compiler = Compiler::new(index, settings);
        let rule = compiler.rule(settings);
        (rule, compiler.problems)
    });
    let Some((rule, mut found)) = compiled else {
        let message = "the expressions of this rule cannot be read";
        problems.push(RuleProblem::new(index, Where::Name, message));
        return Err(problems);
    };
    problems.append(&mut found);
    match problems.is_empty() {
        true => Ok(rule),
        false => Err(problems),
    }
}

struct Compiler {
    rule: usize,
    scope: Scope,
    expressions: Vec<Expression>,
    steps: Vec<Step>,
    counters: usize,
    /// The counter of the repeat that is being laid out.
    counter: Option<usize>,
    /// How many actions have been read.
    actions: usize,
    /// Whether the house knows where it is.
    knows_place: bool,
    problems: Vec<RuleProblem>,
}

impl Compiler {
    fn new(rule: usize, settings: &RuleSettings) -> Compiler {
        let mut names = vec!["topic".to_owned(), "payload".to_owned()];
        names.extend(captures(settings));
        names.push("round".to_owned());
        Compiler {
            rule,
            scope: Scope { names },
            expressions: Vec::new(),
            steps: Vec::new(),
            counters: 0,
            counter: None,
            actions: 0,
            knows_place: settings.place.position.is_some(),
            problems: Vec::new(),
        }
    }

    fn rule(&mut self, settings: &RuleSettings) -> Rule {
        let condition = settings.condition.as_ref();
        let condition = condition.map(|text| self.condition(text, Where::Condition));
        let keep = settings.keep.as_ref().map(|keep| self.keep(keep));
        self.actions(&settings.then);
        Rule {
            name: settings.name.as_str().into(),
            triggers: settings.when.clone(),
            clocks: settings.clocks.clone(),
            at_start: settings.at_start,
            button: settings.button.clone(),
            captures: captures(settings),
            expressions: std::mem::take(&mut self.expressions),
            condition,
            keep,
            steps: std::mem::take(&mut self.steps),
            tells: tells(settings),
            counters: self.counters,
            mode: settings.mode,
            cooldown: settings.cooldown,
            rate: settings.rate,
            after_downtime: settings.after_downtime,
            allow_cycle: settings.allow_cycle,
            place: settings.place.clone(),
            print: print(settings),
        }
    }

    fn keep(&mut self, keep: &KeepSettings) -> Keep {
        // Nothing has come, so there is nothing to name.
        let names = std::mem::take(&mut self.scope.names);
        let condition = keep.condition.as_ref();
        let condition = condition.map(|text| self.condition(text, Where::Keep));
        self.scope.names = names;
        Keep {
            thing: keep.thing.clone(),
            at: keep.at.clone(),
            condition,
            inverted: keep.inverted,
            otherwise: keep.otherwise.clone(),
        }
    }

    /// The index of a condition; that of none if it is wrong.
    fn condition(&mut self, text: &str, at: Where) -> usize {
        match Expression::condition(text, &self.scope) {
            Ok(expression) => {
                self.may_ask(&expression, at);
                self.expressions.push(expression);
            }
            Err(faults) => self.wrong(text, at, faults),
        }
        self.expressions.len().saturating_sub(1)
    }

    /// A template; none if it is wrong.
    fn text(&mut self, text: &str, at: Where) -> Option<Text> {
        let first = self.expressions.len();
        match Template::compile(text, &self.scope) {
            Ok(template) => {
                template.expressions().for_each(|e| self.may_ask(e, at));
                self.expressions.extend(template.expressions().cloned());
                Some(Text { template, first })
            }
            Err(faults) => {
                self.wrong(text, at, faults);
                None
            }
        }
    }

    /// The sun is asked for only where the house knows where it is.
    fn may_ask(&mut self, expression: &Expression, at: Where) {
        let mut asks = expression.inputs().iter().map(|input| &input.ask);
        if !self.knows_place && asks.any(|ask| *ask == Ask::SunUp) {
            let message = "whether the sun is up depends on where the house is";
            let problem = RuleProblem::new(self.rule, at, message);
            let problem = problem.hint("write `latitude` and `longitude` under [home]");
            self.problems.push(problem);
        }
    }

    fn wrong(&mut self, text: &str, at: Where, faults: Vec<Fault>) {
        let problems = faults.into_iter().map(|fault| RuleProblem {
            within: Some(Within {
                text: text.to_owned(),
                range: fault.within,
            }),
            hint: fault.hint,
            ..RuleProblem::new(self.rule, at, fault.message)
        });
        self.problems.extend(problems);
    }

    fn actions(&mut self, actions: &[ActionSettings]) {
        for action in actions {
            let at = Where::Then(self.actions);
            self.actions += 1;
            self.action(action, at);
        }
    }

    fn action(&mut self, action: &ActionSettings, at: Where) {
        match action {
            ActionSettings::Set { thing, to } => {
                let topic = format!("{thing}/set");
                self.publish(&topic, to, Qos::AtLeastOnce, false, at);
            }
            ActionSettings::Publish {
                topic,
                payload,
                qos,
                retain,
            } => self.publish(topic, payload, *qos, *retain, at),
            ActionSettings::Scene(levels) => {
                for (thing, to) in levels {
                    self.publish(&thing.set_topic(), to, Qos::AtLeastOnce, false, at);
                }
            }
            ActionSettings::Delay(duration) => self.step(Op::Delay(*duration)),
            ActionSettings::WaitFor {
                condition,
                timeout,
                on_timeout,
            } => {
                let condition = self.condition(condition, at);
                self.step(Op::WaitFor {
                    condition,
                    timeout: *timeout,
                    on_timeout: *on_timeout,
                });
            }
            ActionSettings::Choose { arms, otherwise } => {
                let arms = arms.iter().map(|arm| (&arm.condition, &arm.then));
                self.choose(arms.map(|(c, t)| (c.as_str(), t.as_slice())), otherwise, at);
            }
            ActionSettings::Repeat {
                times,
                condition,
                body,
            } => self.repeat(*times, condition.as_deref(), body, at),
            ActionSettings::Notify(notify) => self.notify(notify, at),
            ActionSettings::Enable(rule) => self.switch(rule, true),
            ActionSettings::Disable(rule) => self.switch(rule, false),
            ActionSettings::Stop => self.step(Op::Stop),
        }
    }

    fn publish(&mut self, topic: &str, payload: &str, qos: Qos, retain: bool, at: Where) {
        let (topic, payload) = (self.text(topic, at), self.text(payload, at));
        if let (Some(topic), Some(payload)) = (topic, payload) {
            self.step(Op::Publish {
                topic,
                payload,
                qos,
                retain,
            });
        }
    }

    fn choose<'a>(
        &mut self,
        arms: impl Iterator<Item = (&'a str, &'a [ActionSettings])>,
        otherwise: &[ActionSettings],
        at: Where,
    ) {
        let mut ends = Vec::new();
        for (condition, then) in arms {
            let condition = self.condition(condition, at);
            let unless = self.steps.len();
            self.step(Op::Unless { condition, to: 0 });
            self.actions(then);
            ends.push(self.steps.len());
            self.step(Op::Jump(0));
            let next = self.steps.len();
            self.steps[unless].op = Op::Unless {
                condition,
                to: next,
            };
        }
        self.actions(otherwise);
        let end = self.steps.len();
        for jump in ends {
            self.steps[jump].op = Op::Jump(end);
        }
    }

    fn repeat(&mut self, times: u32, condition: Option<&str>, body: &[ActionSettings], at: Where) {
        let counter = self.counters;
        self.counters += 1;
        self.step(Op::Begin(counter));
        let around = self.counter.replace(counter);
        let condition = condition.map(|text| self.condition(text, at));
        let round = self.steps.len();
        self.step(Op::Stop);
        self.actions(body);
        self.step(Op::Jump(round));
        self.counter = around;
        let out = self.steps.len();
        self.steps[round].op = Op::Round {
            counter,
            times,
            condition,
            out,
        };
    }

    fn notify(&mut self, notify: &NotifySettings, at: Where) {
        if let Channel::Topic(topic) = &notify.to {
            return self.publish(topic, &notify.message, Qos::AtLeastOnce, false, at);
        }
        let title = notify.title.as_ref();
        let title = title.and_then(|title| self.text(title, at));
        let Some(message) = self.text(&notify.message, at) else {
            return;
        };
        self.step(Op::Notify(Words {
            message,
            title,
            to: notify.to.clone(),
            timeout: notify.timeout,
            retries: notify.retries,
        }));
    }

    fn switch(&mut self, rule: &str, on: bool) {
        self.step(Op::Switch {
            rule: rule.to_owned(),
            on,
        });
    }

    fn step(&mut self, op: Op) {
        self.steps.push(Step {
            op,
            counter: self.counter,
        });
    }
}

/// The names that the patterns of a rule's triggers capture.
fn captures(settings: &RuleSettings) -> Vec<String> {
    let patterns = settings.when.iter().filter_map(|t| match &t.subject {
        Subject::Matches(pattern) => Some(pattern),
        Subject::Topic(_) => None,
    });
    let names = patterns.flat_map(|pattern| pattern.names().map(str::to_owned));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The topics at which it tells people.
fn tells(settings: &RuleSettings) -> Vec<String> {
    let topics = settings.actions().filter_map(|action| match action {
        ActionSettings::Notify(notify) => match &notify.to {
            Channel::Topic(topic) => Some(topic.clone()),
            Channel::Ntfy(_) | Channel::Webhook(_) => None,
        },
        _ => None,
    });
    topics.collect()
}

/// Differs when the rule does something else; its tests are no part of that.
fn print(settings: &RuleSettings) -> u64 {
    let mut hasher = FxHasher::default();
    let RuleSettings {
        when,
        clocks,
        condition,
        then,
        keep,
        mode,
        cooldown,
        ..
    } = settings;
    format!("{when:?}{clocks:?}{condition:?}{then:?}{keep:?}{mode:?}{cooldown:?}")
        .hash(&mut hasher);
    hasher.finish()
}

impl RuleProblem {
    pub(super) fn new(rule: usize, at: Where, message: impl Into<String>) -> RuleProblem {
        RuleProblem {
            rule,
            at,
            within: None,
            other: None,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> RuleProblem {
        RuleProblem {
            hint: Some(hint.into()),
            ..self
        }
    }
}
