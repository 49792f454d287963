//! Where the answers to an expression's questions are found.

use super::Rule;
use super::running::Running;
use super::scene::Scene;
use super::topics::Topics;
use crate::home::Value;
use crate::rules::expression::{Answer, Ask, Input};

/// The place of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Topic(usize),
    /// A window of a topic.
    Window(usize, usize),
    Clock,
}

impl Asked {
    /// Of every expression of a rule, which hears of the topics from now on.
    pub(super) fn all(rule: &Rule, index: usize, topics: &mut Topics) -> Vec<Vec<Asked>> {
        let expressions = rule.expressions.iter();
        let places = |inputs: &[Input]| inputs.iter().map(|i| Asked::of(i, topics)).collect();
        let mut places = places;
        let all: Vec<Vec<Asked>> = expressions.map(|e| places(e.inputs())).collect();
        for waiting in rule.waited_for() {
            for asked in &all[waiting] {
                if let Asked::Topic(topic) | Asked::Window(topic, _) = asked {
                    topics.ask(*topic, index);
                }
            }
        }
        all
    }

    fn of(input: &Input, topics: &mut Topics) -> Asked {
        match &input.ask {
            Ask::Window { topic, over, .. } => {
                let topic = topics.know(topic);
                Asked::Window(topic, topics.window(topic, *over))
            }
            ask => match ask.topic() {
                Some(topic) => Asked::Topic(topics.know(topic)),
                None => Asked::Clock,
            },
        }
    }
}

impl Running {
    /// What the house answers to an expression, as of now.
    pub(super) fn answers(&self, expression: usize, scene: &Scene<'_>) -> Vec<Answer> {
        let inputs = self.rule.expressions[expression].inputs().iter();
        let asked = self.asked[expression].iter();
        inputs
            .zip(asked)
            .map(|(input, asked)| self.answer(input, *asked, scene))
            .collect()
    }

    fn answer(&self, input: &Input, asked: Asked, scene: &Scene<'_>) -> Answer {
        let (topics, now) = (scene.topics, scene.now);
        match (&input.ask, asked) {
            (Ask::Value(_), Asked::Topic(topic)) => topics.value(topic).cloned(),
            (Ask::Age(_), Asked::Topic(topic)) => topics.age(topic, now).map(Value::Number),
            (Ask::Since(_), Asked::Topic(topic)) => topics.since(topic, now).map(Value::Number),
            (Ask::Window { fold, .. }, Asked::Window(topic, window)) => {
                topics.fold(topic, window, *fold, now).map(Value::Number)
            }
            (ask, _) if scene.knows_time => ask.by_clock(now.utc, &self.rule.place).flatten(),
            _ => None,
        }
    }
}
