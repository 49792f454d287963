//! A rule's actions, one step after the other, until one waits or all are done.

use std::sync::Arc;

use super::run::{Report, Run, Stand};
use super::running::Running;
use super::scene::Scene;
use super::{Action, Notice};
use crate::home::Value;
use crate::rules::expression::Answer;
use crate::rules::program::{Op, Text, Words};
use crate::rules::rule::topic_problem;
use crate::rules::trace::{Published, as_json, spoken};

/// Actions that have done so many steps without a wait never end.
pub const MOST_STEPS: usize = 10_000;

impl Running {
    /// Does steps until one has to wait.
    pub(super) fn advance(
        &mut self,
        run: &mut Run,
        report: &mut Report,
        scene: &mut Scene<'_>,
    ) -> Stand {
        let rule = Arc::clone(&self.rule);
        for _ in 0..MOST_STEPS {
            let Some(step) = rule.steps.get(run.at) else {
                return Stand::Over;
            };
            scene.outcome.steps += 1;
            let mut next = run.at + 1;
            match &step.op {
                Op::Publish {
                    topic,
                    payload,
                    qos,
                    retain,
                } => {
                    let said = self.message(run, topic, payload, report, scene);
                    if let Some((topic, payload)) = said {
                        report.actions.push(Published {
                            topic: topic.to_string(),
                            payload: payload.to_string(),
                        });
                        let action = Action {
                            rule: Arc::clone(&rule.name),
                            topic,
                            payload,
                            qos: *qos,
                            retain: *retain,
                        };
                        scene.publish(action, &run.start.chain);
                    }
                }
                Op::Notify(words) => self.notify(run, words, report, scene),
                Op::Delay(duration) => {
                    report.steps.push(format!("waits {}", spoken(*duration)));
                    run.until = scene.now.moment + *duration;
                    return Stand::Waits;
                }
                Op::WaitFor {
                    condition, timeout, ..
                } => {
                    if self.judge_in(run, *condition, report, scene) != Ok(true) {
                        let text = rule.expressions[*condition].text();
                        let most = spoken(*timeout);
                        report
                            .steps
                            .push(format!("waits for {text}, at most {most}"));
                        run.until = scene.now.moment + *timeout;
                        return Stand::Waits;
                    }
                }
                Op::Unless { condition, to } => {
                    if !self.chooses(run, *condition, report, scene) {
                        next = *to;
                    }
                }
                Op::Jump(to) => next = *to,
                Op::Begin(counter) => run.counters[*counter] = 0,
                Op::Round {
                    counter,
                    times,
                    condition,
                    out,
                } => {
                    run.counters[*counter] += 1;
                    let goes_on = run.counters[*counter] <= *times
                        && condition.is_none_or(|condition| {
                            self.judge_in(run, condition, report, scene) == Ok(true)
                        });
                    if !goes_on {
                        next = *out;
                    }
                }
                Op::Switch { rule: other, on } => {
                    let turned = if *on { "turned on" } else { "turned off" };
                    report.steps.push(format!("{turned} the rule `{other}`"));
                    let by = Arc::clone(&rule.name);
                    scene.switches.push((other.clone(), *on, by));
                }
                Op::Stop => return Stand::Over,
            }
            run.at = next;
        }
        Stand::Endless
    }

    fn chooses(&self, run: &Run, condition: usize, report: &mut Report, scene: &Scene<'_>) -> bool {
        let chosen = self.judge_in(run, condition, report, scene) == Ok(true);
        if chosen {
            let text = self.rule.expressions[condition].text();
            report.steps.push(format!("chose `{text}`"));
        }
        chosen
    }

    fn message(
        &self,
        run: &Run,
        topic: &Text,
        payload: &Text,
        report: &mut Report,
        scene: &Scene<'_>,
    ) -> Option<(Arc<str>, Arc<str>)> {
        let topic = self.render(run, topic, report, scene)?;
        let payload = self.render(run, payload, report, scene)?;
        let is_topic = topic_problem(&topic).is_ok() && !topic.starts_with('$');
        if !is_topic {
            let shown: String = topic.chars().take(100).collect();
            let error = format!("`{shown}` is no topic to publish to");
            report.error.get_or_insert(error);
            return None;
        }
        Some((topic, payload))
    }

    fn notify(&self, run: &Run, words: &Words, report: &mut Report, scene: &mut Scene<'_>) {
        let Some(message) = self.render(run, &words.message, report, scene) else {
            return;
        };
        let title = words.title.as_ref();
        let title = title.and_then(|title| self.render(run, title, report, scene));
        report.steps.push(format!("told people: {message}"));
        scene.outcome.notices.push(Notice {
            rule: Arc::clone(&self.rule.name),
            message,
            title,
            to: words.to.clone(),
            timeout: words.timeout,
            retries: words.retries,
        });
    }

    /// A text with its expressions answered; an expression without an answer is told.
    fn render(
        &self,
        run: &Run,
        text: &Text,
        report: &mut Report,
        scene: &Scene<'_>,
    ) -> Option<Arc<str>> {
        if let Some(constant) = text.template.constant() {
            return Some(constant.into());
        }
        let many = text.template.expressions().count();
        let answers: Vec<Vec<Answer>> = (text.first..text.first + many)
            .map(|expression| self.seen(expression, report, scene))
            .collect();
        match text.template.render(&answers, &self.names(run)) {
            Ok(text) => Some(text.into()),
            Err(error) => {
                report.error.get_or_insert(error);
                None
            }
        }
    }

    /// The values of the names within a run, `round` last.
    fn names(&self, run: &Run) -> Vec<Answer> {
        let step = self.rule.steps.get(run.at);
        let round = step.and_then(|step| step.counter);
        let round = round.map(|counter| Value::Number(f64::from(run.counters[counter])));
        let names = run.start.names.iter().cloned();
        names.chain([round]).collect()
    }

    pub(super) fn judge_in(
        &self,
        run: &Run,
        condition: usize,
        report: &mut Report,
        scene: &Scene<'_>,
    ) -> Result<bool, String> {
        let step = self.rule.steps.get(run.at);
        let counter = step.and_then(|step| step.counter);
        let round = counter.map(|counter| run.counters[counter]);
        let judged = self.judge(condition, &run.start.names, round, report, scene);
        if let Err(error) = &judged {
            let text = self.rule.expressions[condition].text();
            let error = format!("`{text}` could not be judged: {error}");
            report.error.get_or_insert(error);
        }
        judged
    }

    /// Judges a condition, and notes what it saw.
    pub(super) fn judge(
        &self,
        condition: usize,
        names: &[Answer],
        round: Option<u32>,
        report: &mut Report,
        scene: &Scene<'_>,
    ) -> Result<bool, String> {
        let answers = self.seen(condition, report, scene);
        let round = round.map(|round| Value::Number(f64::from(round)));
        let names: Vec<Answer> = names.iter().cloned().chain([round]).collect();
        self.rule.expressions[condition].judge(&answers, &names)
    }

    fn seen(&self, expression: usize, report: &mut Report, scene: &Scene<'_>) -> Vec<Answer> {
        let answers = self.answers(expression, scene);
        let inputs = self.rule.expressions[expression].inputs();
        for (input, answer) in inputs.iter().zip(&answers) {
            report
                .values
                .insert(input.to_string(), as_json(answer.as_ref()));
        }
        answers
    }
}
