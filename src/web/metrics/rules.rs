//! Figures of the rules, as far as they tell of themselves: their traces are counted as
//! they come, and of a rule in a hurry not each one comes.

use std::collections::BTreeMap;

use super::{Text, label};
use crate::web::house::{Counts, House, Rule, State};

/// A counter: name, help, and where it is in the counts.
type Counter = (&'static str, &'static str, fn(&Counts) -> u64);

const COUNTERS: [Counter; 3] = [
    (
        "hearth_rule_traces_total",
        "Decisions that the rule told since the gateway started.",
        |counts| counts.told,
    ),
    (
        "hearth_rule_fired_total",
        "How often the rule told that it fired, since the gateway started.",
        |counts| counts.fired,
    ),
    (
        "hearth_rule_errors_total",
        "How often the rule could not decide or was held back, since the gateway started.",
        |counts| counts.errors,
    ),
];

/// What is known of the rules.
pub struct Rules<'a> {
    pub house: &'a House,
    /// By the rules' words.
    pub counts: BTreeMap<String, Counts>,
}

impl Rules<'_> {
    pub fn write(&self, text: &mut Text) {
        for (name, help, value) in COUNTERS {
            let counts = self.counts.iter();
            let samples = counts.map(|(rule, counts)| (label("rule", rule), value(counts)));
            family(text, name, "counter", help, samples.collect());
        }
        self.write_state(text);
        let pending = self.described(|rule| Some(rule.pending().len() as u64));
        let help = "What the rule does later: actions after a delay, times that run.";
        family(text, "hearth_rule_pending", "gauge", help, pending);
        // In UTC seconds, as Prometheus has it.
        let fired = self.described(|rule| {
            let at = rule.last.as_ref()?.fired()?;
            u64::try_from(at.0 / 1000).ok()
        });
        let help = "When the rule last fired.";
        let name = "hearth_rule_last_fired_timestamp_seconds";
        family(text, name, "gauge", help, fired);
        if let Some(reload) = &self.house.reload {
            let help = "Whether the rules on disk were refused, so that those from before hold.";
            text.gauge("hearth_rules_refused", help, reload.is_refused().into());
        }
    }

    /// 1 for the state in which a rule is, 0 for the others.
    fn write_state(&self, text: &mut Text) {
        let states = [
            ("ready", State::Ready),
            ("disabled", State::Disabled),
            ("tripped", State::Tripped),
        ];
        let mut samples = Vec::new();
        for rule in &self.house.rules {
            let Some(now) = rule.state() else { continue };
            let rule = label("rule", &rule.word);
            samples.extend(states.map(|(word, state)| {
                let labels = format!("{rule},{}", label("state", word));
                (labels, u64::from(now == state))
            }));
        }
        let help = "Whether the rule takes part: the state that it is in is 1.";
        family(text, "hearth_rule_state", "gauge", help, samples);
    }

    /// A value of each rule that has one.
    fn described(&self, value: impl Fn(&Rule) -> Option<u64>) -> Vec<(String, u64)> {
        let rules = self.house.rules.iter();
        rules
            .filter_map(|rule| Some((label("rule", &rule.word), value(rule)?)))
            .collect()
    }
}

/// No family without a sample.
fn family(text: &mut Text, name: &str, kind: &str, help: &str, samples: Vec<(String, u64)>) {
    if !samples.is_empty() {
        text.family(name, kind, help, &samples);
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::web::house::tests::house as built;

    /// One rule that is tripped, one that is off and has fired.
    pub fn house() -> House {
        built(&[
            (
                "hearth/rule/echo/about",
                r#"{"name":"Echo","enabled":true,"state":"tripped","pending":[{"what":"is off","until":9}]}"#,
            ),
            (
                "hearth/rule/fan-on/about",
                r#"{"name":"Fan on","enabled":false,"state":"disabled"}"#,
            ),
            (
                "hearth/rule/fan-on/last",
                r#"{"rule":"Fan on","at":9000,"outcome":"passed","last_fired":7500}"#,
            ),
            (
                "hearth/rules/status",
                r#"{"at":5,"outcome":"refused","because":"no"}"#,
            ),
        ])
    }

    pub fn rules(house: &House) -> Rules<'_> {
        let counts = Counts {
            told: 12,
            fired: 3,
            errors: 1,
        };
        Rules {
            house,
            counts: [("fan-on".to_owned(), counts)].into(),
        }
    }

    #[test]
    fn rules_tell_how_they_are() {
        let (house, mut text) = (house(), Text::default());
        rules(&house).write(&mut text);
        for line in [
            "hearth_rule_traces_total{rule=\"fan-on\"} 12",
            "hearth_rule_fired_total{rule=\"fan-on\"} 3",
            "hearth_rule_errors_total{rule=\"fan-on\"} 1",
            "hearth_rule_state{rule=\"echo\",state=\"tripped\"} 1",
            "hearth_rule_state{rule=\"echo\",state=\"ready\"} 0",
            "hearth_rule_state{rule=\"fan-on\",state=\"disabled\"} 1",
            "hearth_rule_pending{rule=\"echo\"} 1",
            "hearth_rule_last_fired_timestamp_seconds{rule=\"fan-on\"} 7",
            "hearth_rules_refused 1",
        ] {
            assert!(
                text.0.lines().any(|one| one == line),
                "no {line} in {}",
                text.0
            );
        }
        assert!(!text.0.contains("fired_timestamp_seconds{rule=\"echo\"}"));
    }

    #[test]
    fn a_house_without_rules_has_no_families_of_them() {
        let (house, mut text) = (House::default(), Text::default());
        let counts = BTreeMap::new();
        Rules {
            house: &house,
            counts,
        }
        .write(&mut text);
        assert_eq!(text.0, "");
    }
}
