//! Texts with expressions in them.

use super::faults::shown;
use super::*;

fn compiled(text: &str) -> Result<Template, Vec<Fault>> {
    let scope = scope(&["topic", "room"]);
    on_big_stack(|| Template::compile(text, &scope)).unwrap()
}

fn rendered(text: &str, answers: &[Vec<Answer>], names: &[Answer]) -> Result<String, String> {
    match compiled(text) {
        Ok(template) => template.render(answers, names),
        Err(faults) => panic!("{text}: {faults:?}"),
    }
}

fn constant(text: &str) -> Option<String> {
    compiled(text).unwrap().constant().map(str::to_owned)
}

#[test]
fn values_are_written_into_the_text() {
    let names = [text("home/hall/lux"), text("hall")];
    let lux = vec![vec![number(21.5)], vec![]];
    assert_eq!(
        rendered("{{ value('a') }} lux in the {{room}}, é", &lux, &names),
        Ok("21.5 lux in the hall, é".to_owned())
    );
    assert_eq!(
        rendered("home/{{ room }}/lamp", &[], &names),
        Ok("home/hall/lamp".to_owned())
    );
    assert_eq!(
        rendered(
            "{{ 1 > 2 }}, {{ 2.50 }}, {{ 'on' }}, {{ '21.50' }}",
            &[],
            &[]
        ),
        Ok("off, 2.5, on, 21.50".to_owned())
    );
    assert_eq!(
        rendered("{\"a\":{\"b\":{{ 1 + 1 }}}}", &[], &[]),
        Ok("{\"a\":{\"b\":2}}".to_owned())
    );
    assert_eq!(
        rendered("{{ '}}' }} {{ \"it's }}\" }} {{ '{{' }}", &[], &[]),
        Ok("}} it's }} {{".to_owned())
    );
}

#[test]
fn a_text_without_expressions_is_constant() {
    assert_eq!(constant("on").as_deref(), Some("on"));
    assert_eq!(constant("").as_deref(), Some(""));
    assert_eq!(constant("{ x } }}").as_deref(), Some("{ x } }}"));
    assert_eq!(constant("{{ 1 }}"), None);
    let template = compiled("{{ value('a') }}, {{ age('b') }}").unwrap();
    let asked: Vec<String> = template
        .expressions()
        .flat_map(Expression::inputs)
        .map(ToString::to_string)
        .collect();
    assert_eq!(asked, ["a", "age('b')"]);
}

#[test]
fn what_has_no_value_is_said() {
    let error = |text: &str, answers: &[Vec<Answer>]| rendered(text, answers, &[]).unwrap_err();
    assert_eq!(error("{{ value('home/x') }}", &[]), "home/x has no value");
    assert_eq!(
        error("{{ rounded(value('a')) }}", &[vec![None]]),
        "a has no value"
    );
    assert_eq!(error("{{ room }}", &[]), "room has no value");
    assert_eq!(
        error("{{ 1 / value('a') }}", &[vec![number(0.0)]]),
        "1 / value('a') has no value"
    );
    assert_eq!(
        error("{{ value('a') + 1 }}", &[vec![text("x")]]),
        "value('a') + 1 has no value: `+` works on two numbers, not on a text and a number"
    );
}

#[test]
fn faults_of_templates_help() {
    let lines: Vec<String> = [
        "lux: {{ valeu('a') }}, é: {{ value('a' }}",
        "lux: {{ value('a') ",
        "lux: {{ value('a') }, and",
        "lux: {{ value('a) }} lux",
        "lux: {{}} {{   }}",
        "{{ kitchen }} {{ [1] }}",
        "{{{ room }}}",
        "{{ value('a') > 'x' && 1 + 'x' > 2 }}",
    ]
    .iter()
    .map(|text| format!("{text}\n    {}", shown(text, compiled(text).map(|_| ()))))
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_number_of_expressions_is_bounded() {
    assert!(compiled(&"{{ 1 }}".repeat(50)).is_ok());
    let text = "{{ 1 }}".repeat(51);
    let told = shown(&text, compiled(&text).map(|_| ()));
    assert_eq!(told, "[{{ 1 }}] more than 50 expressions in one text (-)");
}
