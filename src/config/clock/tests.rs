//! Rules that wait for times, tried by their own tests, across both changes of the clocks.

use std::path::Path;

use crate::config::load_text;

/// A house in Berlin with one rule that waits for `when`.
fn house(when: &str, test: &str) -> String {
    format!(
        r#"
[home]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13.405

[[rule]]
name = "Lamp"
when = {when}
then = [{{ set = "home/hall/lamp", to = "on" }}]

[[rule.test]]
name = "at its time"
given = []
{test}
"#
    )
}

fn holds(when: &str, test: &str) {
    let text = house(when, test);
    if let Err(problems) = load_text("hearth.toml", &text, Path::new("/")) {
        panic!("{when}: {}", problems.render(false));
    }
}

const LAMP: &str = r#"set = "home/hall/lamp""#;

fn expected(after: &str, before: &str) -> String {
    format!(r#"expect = [{{ {LAMP}, after = "{after}", before = "{before}" }}]"#)
}

fn not_expected(after: &str, before: &str) -> String {
    format!(r#"expect_not = [{{ {LAMP}, after = "{after}", before = "{before}" }}]"#)
}

fn from(starts: &str, expectations: &[String]) -> String {
    format!("starts = \"{starts}\"\n{}", expectations.join("\n"))
}

#[test]
fn a_time_of_day_comes_on_its_days() {
    let (friday, saturday) = ("2026-11-27T07:00", "2026-11-28T07:00");
    let when = r#"{ at = "07:30", days = "mon-fri" }"#;
    holds(
        when,
        &from(
            friday,
            &[expected("30m", "30m"), not_expected("31m", "71h")],
        ),
    );
    holds(
        when,
        &from(
            saturday,
            &[not_expected("0s", "48h"), expected("48h30m", "48h30m")],
        ),
    );
}

#[test]
fn two_times_in_one_minute_both_come() {
    let when = r#"[{ at = "07:30" }, { at = "07:30:20" }]"#;
    let both = format!(
        r#"expect = [{{ {LAMP}, after = "30m", before = "30m" }}, {{ {LAMP}, after = "30m20s", before = "30m20s" }}]"#
    );
    holds(when, &from("2026-11-27T07:00", &[both]));
}

#[test]
fn a_time_that_the_clocks_skip_comes_at_the_change_or_not_at_all() {
    let spring = "2026-03-29T01:00";
    let once = [expected("1h", "1h"), not_expected("1h1m", "20h")];
    holds(r#"{ at = "02:30" }"#, &from(spring, &once));
    holds(
        r#"{ at = "02:30", dst = "skip" }"#,
        &from(spring, &[not_expected("0s", "20h")]),
    );
}

#[test]
fn a_time_that_the_clocks_pass_twice_comes_once() {
    let autumn = "2026-10-25T01:00";
    for dst in ["once", "skip"] {
        let when = format!(r#"{{ at = "02:30", dst = "{dst}" }}"#);
        let once = [expected("1h30m", "1h30m"), not_expected("1h31m", "20h")];
        holds(&when, &from(autumn, &once));
    }
}

#[test]
fn a_cron_and_the_sun_are_times_too() {
    let quarter = [expected("10m", "10m"), not_expected("11m", "24m")];
    holds(
        r#"{ cron = "*/15 * * * *" }"#,
        &from("2026-11-27T07:05", &quarter),
    );
    // In Berlin the sun sets at 21:33 on the longest day.
    let sunset = [expected("1h", "1h6m"), not_expected("1h7m", "20h")];
    holds(r#"{ sunset = "-30m" }"#, &from("2026-06-21T20:00", &sunset));
}

#[test]
fn a_test_of_a_time_can_fail() {
    let text = house(
        r#"{ at = "07:30" }"#,
        &from("2026-11-27T08:00", &[expected("0s", "1h")]),
    );
    let problems = load_text("hearth.toml", &text, Path::new("/")).unwrap_err();
    assert!(
        problems
            .render(false)
            .contains("the test `at its time` fails")
    );
}
