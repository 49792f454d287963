//! Any text is answered, and what can be read never panics.

use proptest::prelude::*;

use super::*;

/// Pieces of conditions in any order, so that many of them parse.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "value('a')",
        "age('b')",
        "avg('c', '10m')",
        "between('22:00', '06:00')",
        "sun_up()",
        "weekday()",
        "rounded(",
        "payload",
        "room",
        "{{",
        "}}",
        "value",
        "(",
        ")",
        "[",
        "]",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "?",
        ":",
        ",",
        ".",
        "1",
        "2.5",
        "'on'",
        "\"x\"",
        "true",
        "null",
        "in",
        "x",
        "has",
        "é",
        "'",
        "9223372036854775808",
        "1u",
        "b'a'",
        "{",
        "}",
        ".contains('x')",
        ".map(x, x)",
        "\n",
        "\\",
        "\u{0}",
        "//",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
}

fn answers() -> Vec<Answer> {
    let text = Some(Value::Text("é".to_owned()));
    let switch = Some(Value::Switch(true));
    vec![None, number(0.0), number(f64::MAX), text, switch]
}

fn hold_up(text: &str) {
    let scope = scope(&["payload", "room"]);
    let read = on_big_stack(|| {
        let condition = Expression::condition(text, &scope);
        (condition, Template::compile(text, &scope))
    });
    let (condition, template) = read.expect("it panics");
    match condition {
        Ok(condition) => {
            for answer in answers() {
                let names = [answer.clone(), answer.clone()];
                let answers = vec![answer; condition.inputs().len()];
                told(text, condition.judge(&answers, &names).err());
                told(text, condition.evaluate(&answers, &names).err());
            }
        }
        Err(faults) => sensible(text, &faults),
    }
    match template {
        Ok(template) => {
            for answer in answers() {
                let answers = vec![vec![answer.clone(); 200]; 50];
                told(
                    text,
                    template.render(&answers, &[answer.clone(), answer]).err(),
                );
            }
        }
        Err(faults) => sensible(text, &faults),
    }
}

fn sensible(text: &str, faults: &[Fault]) {
    assert!(!faults.is_empty() && faults.len() <= text.len() + 1);
    for fault in faults {
        assert!(
            text.get(fault.within.clone()).is_some(),
            "{text:?}: {fault:?}"
        );
        told(text, Some(fault.message.clone()));
    }
}

/// Nothing that only its programmer understands.
fn told(text: &str, message: Option<String>) {
    let message = message.unwrap_or_default();
    for word in [
        "interpreter",
        "Undeclared",
        "overload",
        "Overload",
        "#",
        "@",
    ] {
        assert!(
            !message.contains(word) || text.contains(word),
            "{text:?}: {message}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,60}") {
        hold_up(&text);
    }

    #[test]
    fn any_pieces_are_answered(text in pieces()) {
        hold_up(&text);
    }
}
