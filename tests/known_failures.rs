//! Failures that other systems are known for, each as rules with tests that show that
//! it does not happen here; and for each, a change that brings it about, so that the
//! tests are known to be able to fail.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use hearth::config;

/// A file, how many tests it has at least, a text in it and what brings the failure
/// about in its place.
const FAILURES: [(&str, usize, &str, &str); 15] = [
    (
        "timer_lost_at_restart",
        2,
        r#"after_downtime = "fire""#,
        r#"after_downtime = "skip""#,
    ),
    (
        "hold_lost_at_restart",
        3,
        r#"after_downtime = "fire""#,
        r#"after_downtime = "resume""#,
    ),
    (
        "pump_off_after_restart",
        3,
        r#"keep = { thing = "home/cellar/pump", at = "on", while = "value('home/cellar/level') > 20", otherwise = "off" }"#,
        r#"when = { topic = "home/cellar/level", above = 20 }
           then = [{ set = "home/cellar/pump", to = "on" }]"#,
    ),
    (
        "board_back_with_outputs_off",
        2,
        r#"keep = { thing = "home/greenhouse/heater", at = "on", while = "value('home/greenhouse/temperature') < 4" }"#,
        r#"when = { topic = "home/greenhouse/temperature", below = 4 }
           then = [{ set = "home/greenhouse/heater", to = "on" }]"#,
    ),
    (
        "unavailable_is_no_value",
        4,
        r#"is_not = "off""#,
        "changes = true",
    ),
    (
        "summer_time_begins",
        3,
        r#"dst = "once""#,
        r#"dst = "skip""#,
    ),
    (
        "summer_time_ends",
        3,
        r#"at = "02:30""#,
        r#"cron = "*/30 * * * *""#,
    ),
    (
        "two_times_in_one_minute",
        2,
        r#"at = "07:30, 07:30:30""#,
        r#"at = "07:30""#,
    ),
    ("flapping_sensor", 2, ", until_below = 26.5", ""),
    (
        "told_again_after_each_restart",
        2,
        r#"when = { topic = "home/cellar/oil", below = 200, until_above = 300 }"#,
        r#"when = [{ topic = "home/cellar/oil", below = 200 }, { start = true }]"#,
    ),
    ("cooldown_lost_at_restart", 1, r#"cooldown = "10m""#, ""),
    (
        "queue_that_loses",
        2,
        r#"mode = "queued""#,
        r#"mode = "single""#,
    ),
    (
        "missed_time",
        1,
        r#"keep = { thing = "home/shop/sign", at = "on", while = "between('17:00', '23:00')", otherwise = "off" }"#,
        r#"when = { at = "23:00" }
           then = [{ set = "home/shop/sign", to = "off" }]"#,
    ),
    ("loop_of_one", 2, "allow_cycle = 2", "allow_cycle = 9"),
    (
        "two_rules_at_one_time",
        2,
        r#"at = "06:45""#,
        r#"at = "06:46""#,
    ),
];

/// It is refused, so it has no tests.
const REFUSED: &str = "lamp_and_mode";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/known_failures")
}

#[test]
fn they_do_not_happen() {
    for (name, least, ..) in FAILURES {
        let file = folder().join(format!("{name}.toml"));
        let (config, _) = config::load(&file).unwrap_or_else(|problems| panic!("{problems}"));
        let tests: usize = config.rules.iter().map(|rule| rule.tests.len()).sum();
        assert!(tests >= least, "{name} has {tests} tests only");
        let untested = config.rules.iter().find(|rule| rule.tests.is_empty());
        assert_eq!(untested.map(|rule| &rule.name), None, "{name}");
    }
}

#[test]
fn each_is_found_where_it_does_happen() {
    for (name, _, from, to) in FAILURES {
        let text = fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
        assert!(text.contains(from), "{name} does not hold {from}");
        let broken = text.replace(from, to);
        let Err(problems) = config::load_text(name, &broken, &folder()) else {
            panic!("{name} passes with {to}");
        };
        let problems = problems.to_string();
        assert!(
            problems.contains("expected"),
            "{name} with {to} fails otherwise: {problems}"
        );
    }
}

#[test]
fn two_rules_in_a_circle_are_refused() {
    let file = folder().join(format!("{REFUSED}.toml"));
    let problems = config::load(&file).unwrap_err().to_string();
    for part in [
        "start each other without end",
        "`Lamp follows the mode`",
        "`Mode follows the lamp`",
        "`allow_cycle = 1`",
    ] {
        assert!(problems.contains(part), "{part} is missing in {problems}");
    }
}

#[test]
fn each_file_says_what_goes_wrong_elsewhere_and_is_tried() -> io::Result<()> {
    let known: BTreeSet<String> = FAILURES
        .iter()
        .map(|(name, ..)| *name)
        .chain([REFUSED])
        .map(|name| format!("{name}.toml"))
        .collect();
    let mut found = BTreeSet::new();
    for file in fs::read_dir(folder())? {
        let file = file?;
        let text = fs::read_to_string(file.path())?;
        let name = file.file_name().to_string_lossy().into_owned();
        assert!(text.starts_with("# Elsewhere: "), "{name}");
        found.insert(name);
    }
    assert_eq!(found, known);
    Ok(())
}
