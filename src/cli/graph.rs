//! `hearth graph`: which rule starts which.

use std::io::{self, Write};

use super::ConfigArgs;
use crate::config;
use crate::rules::RuleSettings;
use crate::rules::graph::{self, Cycle};

#[derive(Debug, clap::Args)]
pub(super) struct GraphArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the whole house for Graphviz: hearth graph --dot | dot -Tsvg > rules.svg
    #[arg(long)]
    dot: bool,
}

pub(super) fn run(args: &GraphArgs) -> anyhow::Result<()> {
    // Rules that start each other without end are refused elsewhere; here they are shown.
    let (config, _) = config::load_untested(&args.config.config)?;
    let mut stdout = io::stdout().lock();
    match args.dot {
        true => write!(stdout, "{}", graph::dot(&config.rules))?,
        false => write!(stdout, "{}", text(&config.rules))?,
    }
    Ok(())
}

fn text(rules: &[RuleSettings]) -> String {
    let lines = graph::lines(rules);
    if lines.is_empty() {
        return "no rule starts another\n".to_owned();
    }
    let mut text = lines.join("\n") + "\n";
    for cycle in graph::cycles(rules) {
        text += &format!("\nin a circle{}: {}\n", allowed(rules, &cycle), cycle.path);
    }
    text
}

fn allowed(rules: &[RuleSettings], cycle: &Cycle) -> String {
    let mut around = cycle.rules.iter().map(|rule| &rules[*rule]);
    match around.find(|rule| rule.allow_cycle > 0) {
        Some(rule) => format!(", allowed by `{}`", rule.name),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Qos;
    use crate::rules::{ActionSettings, Test, TriggerSettings};

    fn rule(name: &str, from: &str, to: &str) -> RuleSettings {
        RuleSettings {
            when: vec![TriggerSettings::topic(from, Test::Changes)],
            then: vec![ActionSettings::Publish {
                topic: to.to_owned(),
                payload: "x".to_owned(),
                qos: Qos::AtMostOnce,
                retain: false,
            }],
            ..RuleSettings::new(name)
        }
    }

    #[test]
    fn connections_have_a_line_each_and_circles_are_told() {
        assert_eq!(text(&[rule("A", "a", "b")]), "no rule starts another\n");
        let mut rules = [rule("A", "a", "b"), rule("B", "b", "a")];
        let expected = "A → b → B\nB → a → A\n\nin a circle: \
            `A` publishes b, which `B` waits for; `B` publishes a, which `A` waits for\n";
        assert_eq!(text(&rules), expected);
        rules[1].allow_cycle = 2;
        assert!(text(&rules).contains("in a circle, allowed by `B`: `A` publishes"));
    }
}
