//! `hearth check`: is the config fine?

use std::io::{self, Write};

use super::ConfigArgs;
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let path = args.config.config.display();
    writeln!(io::stdout(), "{path} is fine: {}", summary(&config))?;
    Ok(())
}

/// `3 boards, 1 pin, 5 rules, 9 rule tests passed`
fn summary(config: &Config) -> String {
    let tests = config.rules.iter().map(|rule| rule.tests.len()).sum();
    [
        count(config.boards.boards.len(), "board"),
        count(config.gpio.pins.len(), "pin"),
        count(config.rules.len(), "rule"),
        count(tests, "rule test") + " passed",
    ]
    .join(", ")
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_in_plain_english() {
        let path = std::path::Path::new("examples/hearth.toml");
        let (config, _) = crate::config::load(path).unwrap();
        assert_eq!(
            summary(&config),
            "0 boards, 0 pins, 2 rules, 2 rule tests passed"
        );
        assert_eq!(count(1, "pin"), "1 pin");
    }
}
