//! `hearth test`: runs the tests that stand beside the rules.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::rules::engine::Rule;
use crate::rules::{RuleSettings, Scenario, compile, scenario};

/// Arguments of `hearth test`.
#[derive(Clone, Debug, clap::Args)]
pub struct TestArgs {
    /// Run only tests whose own or whose rule's name contains this
    pub filter: Option<String>,
    /// The config file with the rules
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How the tests went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub passed: usize,
    pub failed: usize,
}

/// Runs the tests of `rules` and prints a line for each, with the timeline
/// where one fails. `filter` is compared without regard to case.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn run_tests(
    rules: &[RuleSettings],
    filter: Option<&str>,
    out: &mut impl Write,
) -> io::Result<Summary> {
    let filter = filter.unwrap_or_default().to_lowercase();
    let mut summary = Summary::default();
    for (index, settings) in rules.iter().enumerate() {
        let tests = chosen(settings, &filter);
        if tests.is_empty() {
            continue;
        }
        writeln!(out, "{}", settings.name)?;
        match compile::compile(index, settings) {
            Ok(rule) => run_rule(&Arc::new(rule), &tests, &mut summary, out)?,
            Err(problems) => {
                summary.failed += tests.len();
                for problem in problems {
                    writeln!(out, "  cannot be tested: {}", problem.message)?;
                }
            }
        }
    }
    let Summary { passed, failed } = summary;
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(summary)
}

fn chosen<'a>(settings: &'a RuleSettings, filter: &str) -> Vec<&'a Scenario> {
    let matches = |name: &str| name.to_lowercase().contains(filter);
    let tests = settings.tests.iter();
    tests
        .filter(|test| matches(&settings.name) || matches(&test.name))
        .collect()
}

fn run_rule(
    rule: &Arc<Rule>,
    tests: &[&Scenario],
    summary: &mut Summary,
    out: &mut impl Write,
) -> io::Result<()> {
    for test in tests {
        match scenario::run(rule, test) {
            Ok(()) => {
                summary.passed += 1;
                writeln!(out, "  ok      {}", test.name)?;
            }
            Err(failure) => {
                summary.failed += 1;
                writeln!(out, "  FAILED  {}", test.name)?;
                for line in failure.to_string().lines() {
                    writeln!(out, "          {line}")?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::home::Thing;
    use crate::rules::{ActionSettings, Expectation, Given, Subject, Test, TriggerSettings};

    fn greenhouse() -> RuleSettings {
        let given = |second, payload: &str| {
            Given::message(
                Duration::from_secs(second),
                "home/greenhouse/temperature",
                payload,
            )
        };
        let fan_on = |before| Expectation {
            before,
            ..Expectation::message("home/greenhouse/fan/set", Some("on"))
        };
        RuleSettings {
            when: vec![TriggerSettings {
                subject: Subject::Topic("home/greenhouse/temperature".to_owned()),
                test: Test::Above {
                    limit: 28.0,
                    until_below: 26.5,
                },
                hold: Duration::from_secs(30),
            }],
            condition: Some("value('home/greenhouse/window') != 'open'".to_owned()),
            then: vec![ActionSettings::Set {
                thing: Thing::new("greenhouse", "fan").topic(),
                to: "on".to_owned(),
            }],
            tests: vec![
                Scenario {
                    name: "a short spike does nothing".to_owned(),
                    starts: None,
                    given: vec![given(0, "29"), given(20, "25")],
                    expect: Vec::new(),
                    expect_not: vec![fan_on(Some(Duration::from_secs(600)))],
                },
                Scenario {
                    name: "at once".to_owned(),
                    starts: None,
                    given: vec![given(0, "29")],
                    expect: vec![fan_on(Some(Duration::from_secs(10)))],
                    expect_not: Vec::new(),
                },
            ],
            ..RuleSettings::new("Fan on when hot")
        }
    }

    fn output(filter: Option<&str>) -> (Summary, String) {
        let mut out = Vec::new();
        let summary = run_tests(&[greenhouse()], filter, &mut out).unwrap();
        (summary, String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_test_has_a_line_and_a_failure_its_timeline() {
        let (summary, text) = output(None);
        assert_eq!((summary.passed, summary.failed), (1, 1));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_filter_chooses() {
        let (summary, text) = output(Some("SPIKE"));
        assert_eq!((summary.passed, summary.failed), (1, 0));
        assert!(!text.contains("at once"), "{text}");
        let (summary, text) = output(Some("kitchen"));
        assert_eq!(summary, Summary::default());
        assert_eq!(text, "0 passed, 0 failed\n");
    }
}
