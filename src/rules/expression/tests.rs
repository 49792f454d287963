//! What expressions mean.

mod faults;
mod random;
mod templates;

use super::*;
use crate::rules::on_big_stack;

/// Of these variables.
fn scope(names: &[&str]) -> Scope {
    Scope {
        names: names.iter().map(|&name| name.to_owned()).collect(),
    }
}

fn compile(text: &str) -> Result<Expression, Vec<Fault>> {
    on_big_stack(|| Expression::condition(text, &Scope::default())).unwrap()
}

fn judge(text: &str, answers: &[Answer]) -> Result<bool, String> {
    match compile(text) {
        Ok(condition) => condition.judge(answers, &[]),
        Err(faults) => panic!("{text}: {faults:?}"),
    }
}

/// With the variables `topic`, `payload`, `room` and `round`.
fn value_of(text: &str, answers: &[Answer], names: &[Answer]) -> Result<Answer, String> {
    let scope = scope(&["topic", "payload", "room", "round"]);
    match on_big_stack(|| Expression::value(text, &scope)).unwrap() {
        Ok(expression) => expression.evaluate(answers, names),
        Err(faults) => panic!("{text}: {faults:?}"),
    }
}

fn number(n: f64) -> Answer {
    Some(Value::Number(n))
}

fn text(t: &str) -> Answer {
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
fn the_clock_and_the_sun_are_true_or_false() {
    let night = "between('22:00', '06:00') && !sun_up()";
    let switch = |on| Some(Value::Switch(on));
    assert_eq!(judge(night, &[switch(true), switch(false)]), Ok(true));
    assert_eq!(judge(night, &[switch(true), switch(true)]), Ok(false));
    assert_eq!(judge("sun_up()", &[switch(true)]), Ok(true));
    assert_eq!(judge("sun_up() == false", &[switch(false)]), Ok(true));
    assert_eq!(judge("value('a') == 'on'", &[switch(true)]), Ok(true));
    assert_eq!(
        judge("hour() >= 22 || hour() < 6", &[number(23.0)]),
        Ok(true)
    );
    assert_eq!(
        judge("weekday() in ['sat', 'sun']", &[text("sun")]),
        Ok(true)
    );
    assert_eq!(
        judge("sun_up() ? value('a') > 1 : true", &[switch(false), None]),
        Ok(true)
    );
}

#[test]
fn a_clock_or_sun_that_is_not_known_is_said() {
    let unknown = Err("between('22:00', '06:00') is not known now".to_owned());
    assert_eq!(
        judge("between('22:00', '6:00') && 1 == 1", &[None]),
        unknown
    );
    assert_eq!(judge("!between('22:00', '6:00')", &[]), unknown);
    let other = "between('22:00', '6:00') || value('a') + 1 > 2";
    let error = judge(other, &[Some(Value::Switch(false)), text("x")]);
    assert_eq!(
        error,
        Err("`+` works on two numbers, not on a text and a number".to_owned())
    );
}

#[test]
fn windows_and_spans_are_numbers_or_null() {
    let rising = "value('a') > avg('a', '10m') + 2 && since('b') > 60";
    let answers = |average| [number(25.0), average, number(61.0)];
    assert_eq!(judge(rising, &answers(number(22.0))), Ok(true));
    assert_eq!(judge(rising, &answers(number(24.0))), Ok(false));
    assert_eq!(judge(rising, &answers(None)), Ok(false));
    let names = |text: &str| -> Vec<String> {
        compile(text)
            .unwrap()
            .inputs()
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(
        names("min('a', '90s') < max('a', '24h') && min('a', '1m30s') < 1"),
        ["min('a', '1m30s')", "max('a', '1d')"]
    );
}

#[test]
fn variables_have_the_values_of_their_names() {
    let names = [text("home/hall/lux"), number(21.0), text("hall"), None];
    assert_eq!(value_of("payload + 1", &[], &names), Ok(number(22.0)));
    assert_eq!(value_of("room", &[], &names), Ok(text("hall")));
    assert_eq!(value_of("round", &[], &names), Ok(None));
    assert_eq!(value_of("round + 1", &[], &[]), Ok(None));
    assert_eq!(
        value_of("topic.startsWith('home/') ? room : 'none'", &[], &names),
        Ok(text("hall"))
    );
    assert_eq!(
        value_of("value('a') == payload", &[number(21.0)], &names),
        Ok(Some(Value::Switch(true)))
    );
    let switch = [None, Some(Value::Switch(false))];
    assert_eq!(value_of("payload", &[], &switch), Ok(switch[1].clone()));
    assert_eq!(value_of("payload == 'off'", &[], &switch), Ok(text("on")));
}

#[test]
fn results_are_values() {
    assert_eq!(value_of("'on'", &[], &[]), Ok(Some(Value::Switch(true))));
    assert_eq!(value_of("1 > 2", &[], &[]), Ok(Some(Value::Switch(false))));
    let text = Ok(Some(Value::Text("21".to_owned())));
    assert_eq!(value_of("'21'", &[], &[]), text, "a text stays one");
    assert_eq!(value_of("null", &[], &[]), Ok(None));
    let list = value_of("1 > value('a') ? [1] : 2", &[number(0.0)], &[]);
    assert_eq!(list, Err(LIST_IS_NO_VALUE.to_owned()));
}

#[test]
fn what_has_no_finite_number_is_null() {
    for nothing in ["1 / 0", "0 / 0", "1e308 * 10", "5 % 0", "-1e308 - 1e308"] {
        assert_eq!(value_of(nothing, &[], &[]), Ok(None), "{nothing}");
        assert_eq!(judge(&format!("{nothing} > 1"), &[]), Ok(false));
        assert_eq!(judge(&format!("{nothing} == null"), &[]), Ok(true));
    }
    for no_number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(value_of("value('a')", &[number(no_number)], &[]), Ok(None));
    }
    let zero = value_of("0 * -1", &[], &[]).unwrap().unwrap();
    assert_eq!(zero.to_string(), "0", "and not -0");
    let large = value_of("9223372036854775807 + 1", &[], &[]);
    assert_eq!(large, Ok(number(9_223_372_036_854_775_808.0)));
}

#[test]
fn numbers_are_rounded_as_at_school() {
    let rounded = |text: &str| value_of(text, &[number(21.456)], &[]);
    assert_eq!(rounded("rounded(value('a'))"), Ok(number(21.0)));
    assert_eq!(rounded("rounded(value('a'), 1)"), Ok(number(21.5)));
    assert_eq!(rounded("rounded(2.5)"), Ok(number(3.0)));
    assert_eq!(rounded("rounded(-2.5)"), Ok(number(-3.0)));
    assert_eq!(rounded("rounded(0.15, 1)"), Ok(number(0.2)));
    assert_eq!(rounded("rounded(1e300, 9)"), Ok(number(1e300)));
    assert_eq!(rounded("rounded(null, 1)"), Ok(None));
    assert_eq!(
        value_of("rounded(value('a'))", &[text("x")], &[]).unwrap_err(),
        "rounded(…) works on a number, not on a text"
    );
}
