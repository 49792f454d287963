//! What conditions mean, and what their faults say.

use super::*;
use crate::rules::on_big_stack;

fn scope(names: &[&str]) -> Scope {
    Scope {
        names: names.iter().map(|&name| name.to_owned()).collect(),
    }
}

fn compile(text: &str) -> Result<Expression, Vec<Fault>> {
    on_big_stack(|| Expression::condition(text, &Scope::default())).unwrap()
}

fn judge(text: &str, answers: &[Option<Value>]) -> Result<bool, String> {
    match compile(text) {
        Ok(condition) => condition.judge(answers, &[]),
        Err(faults) => panic!("{text}: {faults:?}"),
    }
}

fn faults(text: &str) -> String {
    let faults = match compile(text) {
        Ok(_) => return "fine".to_owned(),
        Err(faults) => faults,
    };
    let line = |fault: &Fault| {
        let hint = fault.hint.as_deref().unwrap_or("-");
        format!(
            "[{}] {} ({hint})",
            &text[fault.within.clone()],
            fault.message
        )
    };
    faults.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn number(n: f64) -> Option<Value> {
    Some(Value::Number(n))
}

fn text(t: &str) -> Option<Value> {
    Some(Value::parse(t))
}

#[test]
fn values_are_compared() {
    let window = "value('home/greenhouse/window') != 'open'";
    assert_eq!(judge(window, &[text("open")]), Ok(false));
    assert_eq!(judge(window, &[text("shut")]), Ok(true));
    assert_eq!(judge("value('a') == 'on'", &[text("ON")]), Ok(true));
    assert_eq!(judge("value('a') == 28", &[number(28.0)]), Ok(true));
    assert_eq!(judge("28.0 == value('a')", &[number(28.0)]), Ok(true));
    assert_eq!(
        judge("value('a') > 20 && value('a') < 30", &[number(25.0)]),
        Ok(true)
    );
    assert_eq!(judge("value('a') in ['x', 'y']", &[text("y")]), Ok(true));
    assert_eq!(judge("value('a') in [1, 2]", &[number(2.0)]), Ok(true));
    assert_eq!(
        judge("value('a').startsWith('op')", &[text("open")]),
        Ok(true)
    );
    assert_eq!(
        judge("(value('a') > 1 ? 'x' : 'y') == 'y'", &[number(1.0)]),
        Ok(true)
    );
}

#[test]
fn every_number_is_a_decimal_number() {
    assert_eq!(judge("value('a') + 1 > 2", &[number(1.5)]), Ok(true));
    assert_eq!(judge("-value('a') * 2 == -3", &[number(1.5)]), Ok(true));
    assert_eq!(
        judge("7 / 2 == 3.5 && value('a') % 2 == 1", &[number(5.0)]),
        Ok(true)
    );
    assert_eq!(judge("age('a') >= 60", &[number(61.0)]), Ok(true));
}

#[test]
fn no_value_makes_comparisons_false_and_never_fails() {
    assert_eq!(judge("value('a') > 20", &[None]), Ok(false));
    assert_eq!(judge("value('a') <= 20", &[None]), Ok(false));
    assert_eq!(
        judge("value('a') - value('b') > 0", &[None, number(1.0)]),
        Ok(false)
    );
    assert_eq!(judge("-value('a') < 20", &[None]), Ok(false));
    assert_eq!(judge("value('a') == null", &[None]), Ok(true));
    assert_eq!(judge("value('a') != 'open'", &[None]), Ok(true));
    assert_eq!(judge("value('a') in [1]", &[None]), Ok(false));
    assert_eq!(judge("value('a').contains('x')", &[None]), Ok(false));
    assert_eq!(judge("!(age('a') < 60)", &[None]), Ok(true));
}

#[test]
fn a_text_where_a_number_is_needed_is_said() {
    let error = judge("value('a') > 20", &[text("unavailable")]);
    assert_eq!(
        error,
        Err("a text cannot be compared with a number by `>`".to_owned())
    );
    let error = judge("value('a') + 1 > 20", &[text("on")]);
    assert_eq!(
        error,
        Err("`+` works on two numbers, not on a text and a number".to_owned())
    );
}

#[test]
fn the_same_question_is_asked_once() {
    let condition = compile("value('a') > 1 && value('a') < 3 && age('a') < 9").unwrap();
    let inputs: Vec<String> = condition.inputs().iter().map(ToString::to_string).collect();
    assert_eq!(inputs, ["a", "age('a')"]);
}

#[test]
fn faults_help() {
    let lines: Vec<String> = [
        "value('é') = 'x'",
        "value('a') == 1 and value('b') == 2",
        "not value('a') == 1",
        "value('a') is 'on'",
        "value('a'",
        "value('a) == 1",
        "value(’a’) == 1",
        "value('a') > 28,5",
        "value('a') > 28 °C",
        "value('a') >",
        " ",
        "value('a')) == 1",
        "valeu('a') > 1",
        "foo(1)",
        "startsWith('a')",
        "value('a').beginsWith('x')",
        "value(home/a/b) > 1",
        "1 == 1 && foo ( value( 'é' ) )",
        "value() > 1",
        "value('home/+/x') > 1",
        "value('a') == open",
        "'é' == 'x' && window == 'open'",
        "value('a') == true",
        "value('a') != 'ON'",
        "value('a') == '21.5'",
        "value('a')",
        "value('a') + 1",
        "age('a') > 'x'",
        "value('a') > 1 || 'x' + 1 > 2",
        "!value('a')",
        "value('a') in 'abc'",
        "value('a').b == 1",
        "[1, 2].map(x, x) == [1]",
        "{'a': 1} == 1",
        "b'x' == 1",
        "#0 == 1",
    ]
    .iter()
    .map(|text| format!("{text}\n    {}", faults(text)))
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn size_and_nesting_are_bounded() {
    let deep = format!("{}1 == 1{}", "(".repeat(17), ")".repeat(17));
    assert!(
        faults(&deep).contains("nested more than 16"),
        "{}",
        faults(&deep)
    );
    let allowed = format!("{}1 == 1{}", "(".repeat(16), ")".repeat(16));
    assert_eq!(faults(&allowed), "fine");
    let sum = format!("{}1 > 0", "1+".repeat(60));
    assert!(
        faults(&sum).contains("nested too deeply"),
        "{}",
        faults(&sum)
    );
    let long = format!("value('{}') == 1", "x".repeat(1000));
    assert!(
        faults(&long).contains("1014 bytes long"),
        "{}",
        faults(&long)
    );
    let choices = format!("{}1 == 1", "true?1==1:".repeat(50));
    assert!(
        faults(&choices).contains("nested more than 16"),
        "{}",
        faults(&choices)
    );
}

mod random {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of conditions in any order, so that many of them parse.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "value('a')",
            "age('b')",
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

    fn hold_up(text: &str) {
        match compile(text) {
            Ok(condition) => {
                for answer in [
                    None,
                    number(0.0),
                    number(f64::MAX),
                    Some(Value::Text("é".into())),
                ] {
                    let answers = vec![answer; condition.inputs().len()];
                    let _ = condition.judge(&answers, &[]);
                }
            }
            Err(faults) => {
                assert!(!faults.is_empty() && faults.len() <= text.len() + 1);
                for fault in faults {
                    assert!(
                        text.get(fault.within.clone()).is_some(),
                        "{text:?}: {fault:?}"
                    );
                    assert!(
                        !fault.message.contains("interpreter"),
                        "{text:?}: {fault:?}"
                    );
                    assert!(
                        !fault.message.contains("cannot be read"),
                        "{text:?}: {fault:?}"
                    );
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn any_text_is_answered(text in "\\PC{0,60}") {
            hold_up(&text);
        }

        #[test]
        fn any_pieces_are_answered(text in pieces()) {
            hold_up(&text);
        }
    }
}
