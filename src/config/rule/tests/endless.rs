//! Rules that never end, and tests of rules that would not: reading them ends, and they
//! are named.

use std::path::Path;

use crate::config::load_text;

fn problems(text: &str) -> String {
    let read = load_text("hearth.toml", text, Path::new("/etc/hearth"));
    read.err().map_or(String::new(), |p| p.render(false))
}

#[test]
fn a_rule_that_never_ends_is_stopped_and_its_test_says_so() {
    let told = problems(
        r#"
        [[rule]]
        name = "Endless"
        when = { topic = "go", comes = true }
        then = [{ repeat = 1000, do = { repeat = 1000, do = { publish = "x", payload = "1" } } }, { publish = "done", payload = "1" }]
        [[rule.test]]
        name = "comes to its end"
        given = [{ at = "1s", topic = "go", payload = "1" }]
        expect = [{ publish = "done" }]
        "#,
    );
    assert!(told.contains("the test `comes to its end` fails"), "{told}");
    assert!(
        told.contains("stopped after 10000 steps without a wait, because it would never end"),
        "{told}"
    );
}

#[test]
fn a_test_of_a_year_is_given_up_where_the_rule_looks_each_second() {
    let told = problems(
        r#"
        [[rule]]
        name = "Keep"
        keep = { thing = "home/pond/pump", at = "on", while = "age('t') > 60" }
        [[rule.test]]
        name = "never"
        given = []
        expect_not = [{ set = "home/pond/lamp", before = "8784h" }]
        "#,
    );
    assert!(
        told.contains("the test was given up at 1d3h46m41s"),
        "{told}"
    );
    assert!(told.contains("end it earlier, with `before`"), "{told}");
}
