//! What the faults of expressions say.

use super::*;

fn faults(text: &str) -> String {
    shown(text, compile(text).map(|_| ()))
}

/// The place, the message and the hint of each fault.
pub(super) fn shown(text: &str, compiled: Result<(), Vec<Fault>>) -> String {
    let Err(faults) = compiled else {
        return "fine".to_owned();
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
fn faults_of_questions_and_variables_help() {
    let scope = scope(&["topic", "payload", "room"]);
    let lines: Vec<String> = [
        "avg('home/hall/lux') > 1",
        "avg('home/hall/lux', 600) > 1",
        "max(home/hall/lux, '10m') > 1",
        "min('home/hall/lux', '10 minits') > 1",
        "min('home/hall/lux', '500ms') > 1",
        "min('home/hall/lux', '25h') > 1",
        "avg('home/+/lux', '1h') > 1",
        "average('home/hall/lux', '1h') > 1",
        "since(room) > 1",
        "value('home/' + room + '/lux') > 1",
        "between('22:00')",
        "between(22, 6)",
        "between('22:00', '24:00')",
        "between('10pm', '6:00')",
        "between('6:00', '06:00')",
        "between('22:00', '6:00') == 'on'",
        "hour > 22",
        "hour('22') > 1",
        "now() > 22",
        "sunup()",
        "sun_up == true",
        "weekday() == 'Saturday'",
        "weekday() in ['mo', 'sat']",
        "weekday() == 6",
        "value('a') in ['open', 'ON', 1, '2']",
        "payload == true",
        "age('a') == '60'",
        "round > 2",
        "round(value('a')) > 2",
        "rounded() > 1",
        "rounded(1, 2, 3) > 1",
        "rounded(1.5, 20) > 1",
        "rounded('x') > 1",
        "romo == 'hall'",
        "kitchen == 'hall'",
        "value('a') > 1e999",
        "value('a') > 99999999999999999999",
        "value('a') == 'C:\\\\dir\\q' && 1 == 1",
        "has(1)",
        "for == 1",
        "topic > 1",
        "payload > 1 && room == 'hall'",
    ]
    .iter()
    .map(|text| {
        let compiled = on_big_stack(|| Expression::condition(text, &scope)).unwrap();
        format!("{text}\n    {}", shown(text, compiled.map(|_| ())))
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_condition_is_never_a_list_and_a_value_neither() {
    let faults = |text: &str| {
        let compiled = on_big_stack(|| Expression::value(text, &Scope::default())).unwrap();
        shown(text, compiled.map(|_| ()))
    };
    assert_eq!(faults("value('a') > 1 ? 'x' : 2"), "fine");
    assert_eq!(
        faults("[1, 2]"),
        "[[1, 2]] a list is no value; a number or a text is needed here (-)"
    );
    assert_eq!(
        faults("'a' + 1"),
        "['a' + 1] `+` works on two numbers, not on a text and a number (-)"
    );
}

#[test]
fn the_number_of_parts_is_bounded() {
    let listed = |elements: usize| format!("1 in [{}2]", "1,".repeat(elements - 1));
    assert_eq!(faults(&listed(MAX_PARTS - 3)), "fine");
    let told = faults(&listed(MAX_PARTS - 2));
    assert!(told.contains("more than 200 parts"), "{told}");
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
