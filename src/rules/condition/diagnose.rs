//! What is wrong with a condition, in words that help to mend it.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::Expr;
use cel::common::types::CelBool;
use cel::parser::ParseError;

use super::operators::TEXT_FUNCTIONS;
use super::parse::{Positions, children};
use super::{Ask, Condition, evaluate, not_a_truth, operators};
use crate::home::Value;

/// Up to this many inputs, every combination of sample values is tried.
const MAX_COMBINED_INPUTS: usize = 5;

/// One thing that is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte range within the expression.
    pub within: Range<usize>,
    pub message: String,
    pub hint: Option<String>,
}

impl Fault {
    pub(super) fn new(within: Range<usize>, message: impl Into<String>) -> Fault {
        Fault {
            within,
            message: message.into(),
            hint: None,
        }
    }

    /// Of the whole expression.
    pub fn whole(text: &str, message: impl Into<String>) -> Fault {
        Fault::new(0..text.len(), message)
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// The byte range of the bracket or `?` that goes deeper than `limit`.
/// Quotes are not looked at, so a text full of brackets counts too.
pub(super) fn too_deep(text: &str, limit: usize) -> Option<Range<usize>> {
    let (mut depth, mut choices) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' => choices += 1,
            _ => {}
        }
        if depth + choices > limit {
            return Some(at..at + c.len_utf8());
        }
    }
    None
}

/// The parser's first complaint, translated.
pub(super) fn syntax(text: &str, errors: &[ParseError]) -> Fault {
    let first = errors.iter().find(|error| error.msg.starts_with("Syntax"));
    let position = first.or(errors.first()).map_or((1, 1), |error| error.pos);
    let at = byte_offset(text, position);
    let rest = &text[at..];
    let Some(next) = rest.chars().next() else {
        return ends_early(text);
    };
    let token: &str = match next.is_alphanumeric() {
        true => rest
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or(rest),
        false => &rest[..next.len_utf8()],
    };
    let within = at..at + token.len();
    let fault = Fault::new(within, format!("`{token}` is not understood here"));
    match token {
        "=" => fault.hint("a comparison is written `==`"),
        "is" | "equals" => fault.hint("a comparison is written `==`"),
        "and" | "AND" => fault.hint("`and` is written `&&`"),
        "or" | "OR" => fault.hint("`or` is written `||`"),
        "&" | "|" => fault.hint("`and` is written `&&`, `or` is written `||`"),
        "," => fault.hint("decimals are written with a point, such as 21.5"),
        ")" | "]" => fault.hint("this bracket was never opened, or something before it is missing"),
        "'" | "\"" => Fault::new(at..text.len(), "this text has no closing quote"),
        "’" | "‘" | "“" | "”" | "`" => {
            fault.hint("text is written in straight quotes: 'open'")
        }
        _ if last_word(&text[..at]) == "not" => fault.hint("`not` is written `!`, as in !(…)"),
        "°" => fault.hint("numbers are written without their unit"),
        _ => fault
            .hint("is an operator such as `==` or `&&` missing before it, or quotes around it?"),
    }
}

fn ends_early(text: &str) -> Fault {
    let end = text.len();
    let start = text
        .trim_end()
        .char_indices()
        .next_back()
        .map_or(0, |(at, _)| at);
    let count = |wanted: char| text.chars().filter(|c| *c == wanted).count();
    let fault = Fault::new(start..end, "the condition ends too early");
    if text.trim().is_empty() {
        return Fault::new(0..end, "the condition is empty").hint("leave `if` out to act always");
    }
    match count('(') > count(')') {
        true => fault.hint("a `)` is missing"),
        false => fault.hint("something must follow"),
    }
}

fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().unwrap_or_default()
}

/// The parser counts lines and characters from one.
fn byte_offset(text: &str, (line, column): (isize, isize)) -> usize {
    let index = |n: isize| usize::try_from(n - 1).unwrap_or(0);
    let before: usize = text
        .split_inclusive('\n')
        .take(index(line))
        .map(str::len)
        .sum();
    let in_line = text[before..].char_indices().nth(index(column));
    in_line.map_or(text.len(), |(at, _)| before + at)
}

/// `topic = …` meant as a function, or a text without quotes.
pub(super) fn unknown_name(name: &str, within: Range<usize>) -> Fault {
    let fault = Fault::new(within, format!("`{name}` means nothing here"));
    match name {
        "value" | "age" => fault.hint(format!("ask for a topic: {name}('home/room/thing')")),
        "on" | "off" => fault.hint(format!("text is written in quotes: '{name}'")),
        _ => fault.hint(format!(
            "text is written in quotes: '{name}'; a topic is asked for by value('…')"
        )),
    }
}

pub(super) fn unknown_function(name: &str, of_text: bool, within: Range<usize>) -> Fault {
    let known: &[&str] = if of_text {
        &TEXT_FUNCTIONS
    } else {
        &["value", "age"]
    };
    let fault = Fault::new(within, format!("there is no function `{name}`"));
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), known));
    match near.min() {
        Some((distance, known)) if distance <= 2 => fault.hint(format!("did you mean `{known}`?")),
        _ if of_text => fault.hint(format!("a text has {}", known.join(", "))),
        _ if TEXT_FUNCTIONS.contains(&name) => {
            fault.hint(format!("write it behind a text: value('…').{name}('…')"))
        }
        _ => fault.hint(format!("there are {}", known.join(" and "))),
    }
}

pub(super) fn topic_wanted(function: &str, written: &str, within: Range<usize>) -> Fault {
    let inner = written
        .split_once('(')
        .map_or("", |(_, inner)| inner.trim_end_matches(')').trim());
    let topic = if inner.contains('/') && !inner.contains(['\'', '"']) {
        inner
    } else {
        "home/room/thing"
    };
    Fault::new(within, format!("{function}(…) takes one topic, in quotes"))
        .hint(format!("write {function}('{topic}')"))
}

/// Runs every part of a condition on sample values. What fails on all of them
/// would always fail: it is a mistake, and better told now than at night.
pub(super) fn dry_run(condition: &Condition, positions: &Positions) -> Result<(), Vec<Fault>> {
    let samples = samples(condition);
    let mut faults = Vec::new();
    run_parts(&condition.expression, positions, &samples, &mut faults);
    if faults.is_empty() {
        faults.extend(never_a_truth(condition, &samples));
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// Whether a part is sound; innermost failures are the ones reported.
fn run_parts(
    node: &IdedExpr,
    positions: &Positions,
    samples: &[Vec<Option<Value>>],
    faults: &mut Vec<Fault>,
) {
    let found = faults.len();
    for child in children(&node.expr) {
        run_parts(child, positions, samples, faults);
    }
    if faults.len() > found || !matches!(node.expr, Expr::Call(_)) {
        return;
    }
    let mut complaint = None;
    for sample in samples {
        match evaluate(node, sample, |_| ()) {
            Ok(()) => return,
            Err(message) => complaint = Some(message),
        }
    }
    faults.extend(complaint.map(|message| Fault::new(positions.of(node), message)));
}

fn never_a_truth(condition: &Condition, samples: &[Vec<Option<Value>>]) -> Option<Fault> {
    let mut kind = "nothing";
    for sample in samples {
        let truth = evaluate(&condition.expression, sample, |value| {
            kind = operators::kind(value);
            value.as_ref().downcast_ref::<CelBool>().is_some()
        });
        if truth == Ok(true) {
            return None;
        }
    }
    let fault = Fault::whole(&condition.text, not_a_truth(kind));
    Some(fault.hint("compare it with something, such as == 'on' or > 20"))
}

/// Combinations of a number and a text for each value; an age is a number.
/// "No value" is left out: nothing fails on it.
fn samples(condition: &Condition) -> Vec<Vec<Option<Value>>> {
    let inputs = &condition.inputs;
    let varied = inputs.len().min(MAX_COMBINED_INPUTS);
    (0..1_usize << varied)
        .map(|bits| {
            inputs
                .iter()
                .enumerate()
                .map(|(index, input)| match input.ask {
                    // Beyond the limit, inputs vary together with earlier ones.
                    Ask::Value if bits >> (index % MAX_COMBINED_INPUTS) & 1 == 1 => {
                        Some(Value::Text("open".to_owned()))
                    }
                    _ => Some(Value::Number(1.0)),
                })
                .collect()
        })
        .collect()
}
