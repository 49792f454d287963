//! Expressions run on sample values before they run on the house's.
//!
//! What fails on every sample would always fail: it is a mistake, and better
//! told at load than at night.

use cel::IdedExpr;
use cel::common::ast::Expr;

use super::operators::{self, Operand};
use super::parse::{Positions, children};
use super::{Answer, Ask, Expression, Fault, Known, LIST_IS_NO_VALUE, Scope};
use super::{evaluate, not_a_truth};
use crate::home::Value;

/// Every combination of the samples of up to so many inputs and names is tried.
const MAX_COMBINED: usize = 5;

/// Values that stand for those of the house.
struct Sample {
    answers: Vec<Answer>,
    names: Vec<Answer>,
}

/// A condition must be true or false at least sometimes.
pub(super) fn condition(
    expression: &Expression,
    positions: &Positions,
    scope: &Scope,
) -> Result<(), Vec<Fault>> {
    sound(expression, positions, scope, |samples| {
        let mut kind = "nothing";
        for sample in samples {
            let truth = run(&expression.root, expression, sample, |operand| {
                kind = operand.kind();
                matches!(operand, Operand::Truth(_))
            });
            if truth == Ok(true) {
                return None;
            }
        }
        let fault = Fault::whole(&expression.text, not_a_truth(kind));
        Some(fault.hint("compare it with something, such as == 'on' or > 20"))
    })
}

/// Any value will do, but a list is none.
pub(super) fn value(
    expression: &Expression,
    positions: &Positions,
    scope: &Scope,
) -> Result<(), Vec<Fault>> {
    sound(expression, positions, scope, |samples| {
        let mut lists = samples.iter().map(|sample| {
            run(&expression.root, expression, sample, |operand| {
                matches!(operand, Operand::List)
            })
        });
        let always = lists.all(|is_list| is_list == Ok(true));
        always.then(|| Fault::whole(&expression.text, LIST_IS_NO_VALUE))
    })
}

fn sound(
    expression: &Expression,
    positions: &Positions,
    scope: &Scope,
    result: impl FnOnce(&[Sample]) -> Option<Fault>,
) -> Result<(), Vec<Fault>> {
    let samples = samples(expression, scope);
    let mut faults = Vec::new();
    run_parts(
        &expression.root,
        expression,
        positions,
        &samples,
        &mut faults,
    );
    if faults.is_empty() {
        faults.extend(result(&samples));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults),
    }
}

fn run<T>(
    part: &IdedExpr,
    expression: &Expression,
    sample: &Sample,
    then: impl FnOnce(Operand<'_>) -> T,
) -> Result<T, String> {
    let known = Known {
        inputs: &expression.inputs,
        answers: &sample.answers,
        names: &sample.names,
    };
    evaluate(part, &known, |value| then(operators::operand(value)))
}

/// Whether a part is sound; innermost failures are the ones reported.
fn run_parts(
    node: &IdedExpr,
    expression: &Expression,
    positions: &Positions,
    samples: &[Sample],
    faults: &mut Vec<Fault>,
) {
    let found = faults.len();
    for child in children(&node.expr) {
        run_parts(child, expression, positions, samples, faults);
    }
    if faults.len() > found || !matches!(node.expr, Expr::Call(_)) {
        return;
    }
    let mut complaint = None;
    for sample in samples {
        match run(node, expression, sample, |_| ()) {
            Ok(()) => return,
            Err(message) => complaint = Some(message),
        }
    }
    faults.extend(complaint.map(|message| Fault::new(positions.of(node), message)));
}

/// What an input or a name may be.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Text(&'static str),
    Truth,
    NumberOrText,
}

/// Combinations of what each may be. "No value" is left out: nothing fails on it.
fn samples(expression: &Expression, scope: &Scope) -> Vec<Sample> {
    let inputs: Vec<Kind> = expression.inputs.iter().map(|i| of_input(&i.ask)).collect();
    let names: Vec<Kind> = scope.names.iter().map(|name| of_name(name)).collect();
    let varied = inputs.iter().chain(&names).filter(|kind| kind.varies());
    let varied = varied.count().min(MAX_COMBINED);
    let sample = |bits: usize| {
        let mut nth = 0;
        let mut take = |kind: &Kind| {
            // Beyond the limit, they vary together with earlier ones.
            let is_other = bits >> (nth % MAX_COMBINED) & 1 == 1;
            nth += usize::from(kind.varies());
            kind.sample(is_other)
        };
        Sample {
            answers: inputs.iter().map(&mut take).collect(),
            names: names.iter().map(&mut take).collect(),
        }
    };
    (0..1_usize << varied).map(sample).collect()
}

fn of_input(ask: &Ask) -> Kind {
    match ask {
        Ask::Value(_) => Kind::NumberOrText,
        Ask::Weekday => Kind::Text("mon"),
        Ask::Between { .. } | Ask::SunUp => Kind::Truth,
        Ask::Age(_) | Ask::Since(_) | Ask::Window { .. } | Ask::Hour | Ask::Minute | Ask::Month => {
            Kind::Number
        }
    }
}

fn of_name(name: &str) -> Kind {
    match name {
        "topic" => Kind::Text("home/room/thing"),
        "round" => Kind::Number,
        _ => Kind::NumberOrText,
    }
}

impl Kind {
    fn varies(self) -> bool {
        matches!(self, Kind::Truth | Kind::NumberOrText)
    }

    fn sample(self, is_other: bool) -> Answer {
        Some(match self {
            Kind::Text(text) => Value::Text(text.to_owned()),
            Kind::Truth => Value::Switch(is_other),
            Kind::NumberOrText if is_other => Value::Text("open".to_owned()),
            Kind::Number | Kind::NumberOrText => Value::Number(1.0),
        })
    }
}
