//! The expression of a `keep`, for those who look at rules without running
//! them: what it asks of the house, and how it judges made-up answers.

use super::big_stack::on_big_stack;
use super::expression::{self, Answer, Ask, Expression, Scope};
use super::schedule::Place;
use crate::clock::UtcMillis;

/// An expression that can be asked for its inputs and judged.
#[derive(Debug)]
pub(super) struct Asked {
    expression: Expression,
    place: Place,
}

/// One input of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input {
    /// As a sentence names it: `home/pond/level`, `age('home/pond/level')`.
    pub shown: String,
    pub kind: Kind,
    /// Its topic, if it asks for one.
    pub topic: String,
    ask: Ask,
    place: Place,
}

/// What can answer an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whatever a topic says.
    Value,
    /// What a topic said over some time; a number or nothing.
    Number,
    /// Seconds since something; there is an answer once the topic has a value.
    Seconds,
    /// The house's clock.
    Clock,
}

impl Asked {
    /// Reads an expression; none if anything is wrong with it, which its own
    /// check tells.
    pub fn new(text: &str, place: &Place) -> Option<Asked> {
        let read = on_big_stack(|| Expression::condition(text, &Scope::default()));
        Some(Asked {
            expression: read?.ok()?,
            place: place.clone(),
        })
    }

    /// What it asks, in the order in which [`Asked::judge`] takes the answers.
    pub fn inputs(&self) -> Vec<Input> {
        let inputs = self.expression.inputs().iter();
        inputs.map(|input| Input::new(input, &self.place)).collect()
    }

    /// Judges it; none if these answers give neither true nor false.
    pub fn judge(&self, answers: &[Answer]) -> Option<bool> {
        self.expression.judge(answers, &[]).ok()
    }
}

impl Input {
    fn new(input: &expression::Input, place: &Place) -> Input {
        Input {
            shown: input.to_string(),
            kind: match &input.ask {
                Ask::Value(_) => Kind::Value,
                Ask::Age(_) | Ask::Since(_) => Kind::Seconds,
                Ask::Window { .. } => Kind::Number,
                _ => Kind::Clock,
            },
            topic: input.ask.topic().unwrap_or_default().to_owned(),
            ask: input.ask.clone(),
            place: place.clone(),
        }
    }

    /// An input whose topic may say anything.
    #[cfg(test)]
    pub fn value(topic: &str) -> Input {
        let ask = Ask::Value(topic.to_owned());
        Input::new(&expression::Input { ask }, &Place::default())
    }

    /// What the clock answers at a moment, if it asks the clock.
    pub fn at(&self, moment: UtcMillis) -> Answer {
        self.ask.by_clock(moment, &self.place).flatten()
    }

    /// The moment that all inputs of the clock are asked at, as one input.
    pub fn moment(&self) -> Input {
        Input {
            shown: "the time".to_owned(),
            ask: Ask::Hour,
            ..self.clone()
        }
    }

    /// A moment as an example shows it: `it is 22:30 on Monday, 5 January`.
    pub fn shown_at(&self, moment: UtcMillis) -> String {
        let moment = jiff::Timestamp::from_millisecond(moment.0);
        let local = moment.map(|moment| moment.to_zoned(self.place.zone.clone()));
        match local {
            Ok(local) => format!("it is {}", local.strftime("%H:%M on %A, %-d %B")),
            Err(_) => "it is late".to_owned(),
        }
    }
}
