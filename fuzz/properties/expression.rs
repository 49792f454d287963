//! Any text as an expression and as a template: it is refused with words that point
//! into it, or it can be evaluated whatever the house answers, and gives no more
//! than it was given.
//!
//! The first line is the text, each other one an answer; they go round.

use hearth::home::Value;
use hearth::rules::expression::{Answer, Expression, Fault, MAX_PARTS, Scope, Template};
use hearth::rules::on_big_stack;

/// Beyond what an expression may have, so that too many answers are met as well.
const ANSWERS: usize = 3;
/// Digits of the longest number, written out.
const LONGEST_NUMBER: usize = 400;

pub fn hold(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let text = lines.next().unwrap_or_default();
    let answers: Vec<Answer> = lines.map(answer).collect();
    let scope = Scope {
        names: ["topic", "payload", "room", "round"]
            .map(str::to_owned)
            .into(),
    };
    let read = on_big_stack(|| {
        (
            Expression::condition(text, &scope),
            Expression::value(text, &scope),
            Template::compile(text, &scope),
        )
    });
    assert!(read.is_some(), "reading {text:?} panics");
    let Some((condition, value, template)) = read else {
        return;
    };
    for expression in [condition, value] {
        match expression {
            Ok(expression) => run(&expression, &answers),
            Err(faults) => can_be_shown(text, &faults),
        }
    }
    match template {
        Ok(template) => render(&template, &answers),
        Err(faults) => can_be_shown(text, &faults),
    }
}

fn answer(line: &str) -> Answer {
    match line {
        "" => None,
        "NaN" => Some(Value::Number(f64::NAN)),
        "inf" => Some(Value::Number(f64::INFINITY)),
        _ => Some(Value::parse(line)),
    }
}

/// So many answers, beginning with the `from`th.
fn taken(answers: &[Answer], from: usize, count: usize) -> Vec<Answer> {
    let round = answers.iter().cycle().skip(from);
    round.take(count).cloned().collect()
}

fn run(expression: &Expression, answers: &[Answer]) {
    assert!(expression.inputs().len() <= MAX_PARTS);
    for from in 0..ANSWERS.min(answers.len() + 1) {
        let given = taken(answers, from, expression.inputs().len());
        let names = taken(answers, from + 1, 4);
        let judged = expression.judge(&given, &names);
        let value = expression.evaluate(&given, &names);
        match (judged, &value) {
            (Ok(truth), value) => assert_eq!(*value, Ok(Some(Value::Switch(truth)))),
            (Err(why), _) => is_said(&why),
        }
        match value {
            Ok(Some(Value::Number(number))) => assert!(number.is_finite()),
            Ok(_) => {}
            Err(why) => is_said(&why),
        }
    }
}

fn render(template: &Template, answers: &[Answer]) {
    let asked: Vec<Vec<Answer>> = template
        .expressions()
        .enumerate()
        .map(|(nth, expression)| taken(answers, nth, expression.inputs().len()))
        .collect();
    assert_eq!(template.constant().is_some(), asked.is_empty());
    match template.render(&asked, &taken(answers, 1, 4)) {
        Ok(rendered) => {
            let longest = answers
                .iter()
                .flatten()
                .map(|answer| answer.to_string().len());
            let longest = longest.max().unwrap_or(0).max(LONGEST_NUMBER);
            let most = template.text().len() + asked.len() * longest;
            assert!(rendered.len() <= most, "{} bytes", rendered.len());
        }
        Err(why) => is_said(&why),
    }
}

fn is_said(why: &str) {
    assert!(!why.is_empty() && !why.contains("interpreter"), "{why}");
}

fn can_be_shown(text: &str, faults: &[Fault]) {
    assert!(!faults.is_empty() && faults.len() <= text.len() + 1);
    for fault in faults {
        is_said(&fault.message);
        assert!(
            text.get(fault.within.clone()).is_some(),
            "{text:?}: {fault:?}"
        );
    }
}
