//! The functions that ask the house something: what they take, and how to say
//! what is wrong with it.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use jiff::civil::Time;

use super::parse::Positions;
use super::{Ask, Fault, Fold};
use crate::home::duration;
use crate::rules::rule::topic_problem;
use crate::rules::schedule::parse_time;

/// Their names.
pub(super) const QUESTIONS: [&str; 12] = [
    "value", "age", "since", "avg", "min", "max", "between", "hour", "minute", "weekday", "month",
    "sun_up",
];

/// How far a window may reach back.
const WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

pub(super) fn is_one(name: &str) -> bool {
    QUESTIONS.contains(&name)
}

/// How a question is written, if `name` is one.
pub(super) fn example(name: &str, topic: &str) -> Option<String> {
    match name {
        "value" | "age" | "since" => Some(format!("{name}('{topic}')")),
        "avg" | "min" | "max" => Some(format!("{name}('{topic}', '10m')")),
        "between" => Some("between('22:00', '06:00')".to_owned()),
        _ => is_one(name).then(|| format!("{name}()")),
    }
}

/// What a call of one of [`QUESTIONS`] asks.
pub(super) fn read(
    call: &CallExpr,
    text: &str,
    positions: &Positions,
    within: Range<usize>,
) -> Result<Ask, Fault> {
    let question = Question {
        call,
        written: text.get(within.clone()).unwrap_or_default(),
        positions,
        within,
    };
    question.read()
}

struct Question<'a> {
    call: &'a CallExpr,
    written: &'a str,
    positions: &'a Positions,
    within: Range<usize>,
}

impl Question<'_> {
    fn read(&self) -> Result<Ask, Fault> {
        match self.call.func_name.as_str() {
            "value" => Ok(Ask::Value(self.one_topic()?)),
            "age" => Ok(Ask::Age(self.one_topic()?)),
            "since" => Ok(Ask::Since(self.one_topic()?)),
            "avg" => self.window(Fold::Average),
            "min" => self.window(Fold::Least),
            "max" => self.window(Fold::Greatest),
            "between" => self.between(),
            "hour" => self.bare(Ask::Hour),
            "minute" => self.bare(Ask::Minute),
            "weekday" => self.bare(Ask::Weekday),
            "month" => self.bare(Ask::Month),
            _ => self.bare(Ask::SunUp),
        }
    }

    fn one_topic(&self) -> Result<String, Fault> {
        match self.call.args.as_slice() {
            [topic] if literal(topic).is_some() => self.topic(topic),
            _ => Err(self.takes("one topic, in quotes")),
        }
    }

    fn topic(&self, node: &IdedExpr) -> Result<String, Fault> {
        let topic = literal(node).unwrap_or_default();
        topic_problem(topic).map_err(|message| Fault::new(self.positions.of(node), message))?;
        Ok(topic.to_owned())
    }

    fn window(&self, fold: Fold) -> Result<Ask, Fault> {
        let [topic, over] = self.call.args.as_slice() else {
            return Err(self.takes("a topic and a time, both in quotes"));
        };
        let (Some(_), Some(span)) = (literal(topic), literal(over)) else {
            return Err(self.takes("a topic and a time, both in quotes"));
        };
        let fault = |message| Fault::new(self.positions.of(over), message);
        let over = duration::parse(span).map_err(|_| {
            fault(format!("`{span}` is no time to look back"))
                .hint("write one with its unit: '30s', '10m', '1h30m'")
        })?;
        if !WINDOW.contains(&over) {
            let fault = fault(format!("`{span}` is out of range"));
            return Err(fault.hint("a window reaches from '1s' to '24h' back"));
        }
        let topic = self.topic(topic)?;
        Ok(Ask::Window { topic, over, fold })
    }

    fn between(&self) -> Result<Ask, Fault> {
        let [from, to] = self.call.args.as_slice() else {
            return Err(self.takes("two times of day, both in quotes"));
        };
        let (from, to) = (self.time(from)?, self.time(to)?);
        if from == to {
            let fault = Fault::new(self.within.clone(), "this ends when it begins");
            return Err(fault.hint("the second time is the first that is outside"));
        }
        Ok(Ask::Between { from, to })
    }

    fn time(&self, node: &IdedExpr) -> Result<Time, Fault> {
        let Some(text) = literal(node) else {
            return Err(self.takes("two times of day, both in quotes"));
        };
        parse_time(text).map_err(|problem| Fault::new(self.positions.of(node), problem.message))
    }

    fn bare(&self, ask: Ask) -> Result<Ask, Fault> {
        match self.call.args.as_slice() {
            [] => Ok(ask),
            _ => Err(self.takes("nothing")),
        }
    }

    /// It takes something else; the hint says how, with the topic if there is one.
    fn takes(&self, what: &str) -> Fault {
        let name = &self.call.func_name;
        let inner = self.written.split_once('(').map_or("", |(_, inner)| inner);
        let inner = inner.split([',', ')']).next().unwrap_or(inner).trim();
        let quoted = self.call.args.first().and_then(literal);
        let topic = match quoted {
            Some(topic) if topic_problem(topic).is_ok() => topic,
            None if inner.contains('/') && !inner.contains(['\'', '"']) => inner,
            _ => "home/room/thing",
        };
        let fault = Fault::new(self.within.clone(), format!("{name}(…) takes {what}"));
        match example(name, topic) {
            Some(example) if quoted.is_none() && self.written.contains('+') => fault.hint(format!(
                "write {example}; a topic stands there in full and is not put together"
            )),
            Some(example) => fault.hint(format!("write {example}")),
            None => fault,
        }
    }
}

/// The text, if it is one in quotes.
fn literal(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
