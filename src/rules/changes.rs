//! What is new about rules that were read again.

use std::sync::Arc;

use super::engine::{Engine, Rule};
use crate::clock::UtcMillis;
use crate::home::{RulesOutcome, RulesStatus};

/// The names of rules that are not as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    /// How many are as they were.
    pub untouched: usize,
}

impl Engine {
    /// What other rules would change.
    pub fn changes(&self, rules: &[Arc<Rule>]) -> Changes {
        let mut changes = Changes::default();
        for rule in rules {
            let name = rule.name.to_string();
            match self.rules().find(|old| old.name == rule.name) {
                None => changes.added.push(name),
                Some(old) if old.is_like(rule) => changes.untouched += 1,
                Some(_) => changes.changed.push(name),
            }
        }
        let gone = self
            .rules()
            .filter(|old| rules.iter().all(|rule| rule.name != old.name));
        changes.removed = gone.map(|rule| rule.name.to_string()).collect();
        changes
    }
}

impl Changes {
    /// As everybody may know it.
    pub fn status(self, at: UtcMillis) -> RulesStatus {
        let because = self.to_string();
        RulesStatus {
            at,
            outcome: RulesOutcome::Loaded,
            added: self.added,
            changed: self.changed,
            removed: self.removed,
            untouched: self.untouched,
            because,
        }
    }
}

impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lists = [
            ("new", &self.added),
            ("changed", &self.changed),
            ("gone", &self.removed),
        ];
        for (word, names) in lists {
            if !names.is_empty() {
                write!(f, "{word}: {}; ", names.join(", "))?;
            }
        }
        match self.untouched {
            1 => f.write_str("1 rule is as it was"),
            many => write!(f, "{many} rules are as they were"),
        }
    }
}
