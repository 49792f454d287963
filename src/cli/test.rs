//! `hearth test`: runs the tests that stand beside the rules.

mod junit;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::clock::Clock;
use crate::config;
use crate::rules::engine::Rule;
use crate::rules::scenario::Failure;
use crate::rules::{RuleSettings, Scenario, compile, scenario};

const EXIT_CODES: &str = "\
Exit codes:
  0   every test passed
  1   a test failed, or no test has that name
  64  the command line is wrong
  78  the config is wrong";

/// Arguments of `hearth test`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct TestArgs {
    /// Run only tests whose own or whose rule's name contains this
    pub filter: Option<String>,
    /// The config file with the rules
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write the outcome to FILE too, as JUnit XML, which CI systems show
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// How the tests went, rule by rule.
#[derive(Clone, Debug, Default)]
pub struct Report {
    suites: Vec<Suite>,
}

/// The tests of one rule.
#[derive(Clone, Debug)]
struct Suite {
    rule: String,
    cases: Vec<Case>,
}

/// One test.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    took: Duration,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
enum Outcome {
    Passed,
    Failed {
        failure: Failure,
        /// Where the clock stood, if no time that the rule waits for came.
        began: Option<String>,
    },
    /// The rule cannot be run: why.
    Broken(String),
}

pub(super) fn run(args: &TestArgs) -> anyhow::Result<()> {
    let path = args.config.as_deref();
    let path = path.unwrap_or(config::DEFAULT_PATH.as_ref());
    let (config, _) = config::load_untested(path)?;
    let filter = args.filter.as_deref();
    let stdout = io::stdout();
    let colours = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let report = run_tests(&config.rules, filter, colours, &mut stdout.lock())?;
    if let Some(file) = &args.junit {
        write_junit(&report, file)?;
    }
    if let (Some(filter), true) = (filter, report.suites.is_empty()) {
        bail!(
            "no test has `{filter}` in its name or its rule's; `hearth test` alone runs all of them"
        );
    }
    match report.failed() {
        0 => Ok(()),
        1 => bail!("1 rule test failed"),
        failed => bail!("{failed} rule tests failed"),
    }
}

fn write_junit(report: &Report, file: &Path) -> anyhow::Result<()> {
    std::fs::write(file, junit::document(report))
        .with_context(|| format!("cannot write {}", file.display()))
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
    colours: bool,
    out: &mut impl Write,
) -> io::Result<Report> {
    let filter = filter.unwrap_or_default().to_lowercase();
    let clock = Clock::start();
    let mut report = Report::default();
    for (index, settings) in rules.iter().enumerate() {
        let tests = chosen(settings, &filter);
        if tests.is_empty() {
            continue;
        }
        writeln!(out, "{}", settings.name)?;
        let compiled = compile::compile(index, settings).map(Arc::new);
        let compiled = compiled.map_err(|problems| {
            let messages = problems.into_iter().map(|problem| problem.message);
            messages.collect::<Vec<_>>().join("; ")
        });
        let mut cases = Vec::new();
        for test in tests {
            let began = clock.now().moment;
            let outcome = match &compiled {
                Ok(rule) => run_one(rule, test),
                Err(why) => Outcome::Broken(why.clone()),
            };
            let case = Case {
                name: test.name.clone(),
                took: clock.now().moment.since(began),
                outcome,
            };
            case.print(colours, out)?;
            cases.push(case);
        }
        report.suites.push(Suite {
            rule: settings.name.clone(),
            cases,
        });
    }
    writeln!(
        out,
        "{} passed, {} failed",
        report.passed(),
        report.failed()
    )?;
    Ok(report)
}

fn chosen<'a>(settings: &'a RuleSettings, filter: &str) -> Vec<&'a Scenario> {
    let matches = |name: &str| name.to_lowercase().contains(filter);
    let tests = settings.tests.iter();
    tests
        .filter(|test| matches(&settings.name) || matches(&test.name))
        .collect()
}

fn run_one(rule: &Arc<Rule>, test: &Scenario) -> Outcome {
    match scenario::run(rule, test) {
        Ok(()) => Outcome::Passed,
        Err(failure) => Outcome::Failed {
            began: began(rule, test, &failure),
            failure,
        },
    }
}

/// What the clock showed when the test began, for a rule that waits for times and saw
/// none of them come.
fn began(rule: &Rule, test: &Scenario, failure: &Failure) -> Option<String> {
    // Decisions stand further in than what happened; the first one is what it waits for.
    let is_decision = |what: &str| what.starts_with(' ') && !what.starts_with("  waiting:");
    let decided = failure
        .timeline
        .iter()
        .any(|entry| is_decision(&entry.what));
    if decided || rule.clocks.is_empty() {
        return None;
    }
    let zone = &rule.place.zone;
    let begins = test
        .starts
        .and_then(|local| local.to_zoned(zone.clone()).ok());
    let shown = begins.unwrap_or_else(|| jiff::Timestamp::UNIX_EPOCH.to_zoned(zone.clone()));
    let hint = match test.starts {
        None => "; `starts` says when it begins",
        Some(_) => "",
    };
    let shown = shown.strftime("%H:%M on %A %Y-%m-%d");
    Some(format!("the test's clock began at {shown}{hint}"))
}

impl Report {
    fn cases(&self) -> impl Iterator<Item = &Case> {
        self.suites.iter().flat_map(|suite| &suite.cases)
    }

    fn passed(&self) -> usize {
        self.cases().filter(|case| case.passed()).count()
    }

    fn failed(&self) -> usize {
        self.cases().count() - self.passed()
    }
}

impl Case {
    fn passed(&self) -> bool {
        matches!(self.outcome, Outcome::Passed)
    }

    fn print(&self, colours: bool, out: &mut impl Write) -> io::Result<()> {
        let (colour, word) = match self.passed() {
            true => ("\x1b[32m", "ok    "),
            false => ("\x1b[1;31m", "FAILED"),
        };
        match colours {
            true => writeln!(out, "  {colour}{word}\x1b[0m  {}", self.name)?,
            false => writeln!(out, "  {word}  {}", self.name)?,
        }
        for line in self.outcome.lines() {
            writeln!(out, "          {line}")?;
        }
        Ok(())
    }
}

impl Outcome {
    /// Why, and then what happened; nothing of a test that passed.
    fn lines(&self) -> Vec<String> {
        match self {
            Outcome::Passed => Vec::new(),
            Outcome::Broken(why) => vec![format!("cannot be tested: {why}")],
            Outcome::Failed { failure, began } => {
                let told = failure.to_string();
                let told = told.lines().map(str::to_owned);
                told.chain(began.clone()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
