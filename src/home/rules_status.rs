//! How the last reading of the rules went, as everybody may know it.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMillis;

/// Longer explanations are cut.
const MOST_BYTES: usize = 4096;

/// Retained as JSON at [`RULES_STATUS`](super::topic::RULES_STATUS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesStatus {
    pub at: UtcMillis,
    pub outcome: RulesOutcome,
    /// Names of rules that are new.
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    /// How many rules are as they were.
    pub untouched: usize,
    /// What happened, and what to do if there is something to do.
    pub because: String,
}

/// What became of the rules that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RulesOutcome {
    /// They are at work.
    Loaded,
    /// The config has problems; the rules that were at work still are.
    Refused,
}

impl RulesStatus {
    /// So many rules are at work since the start.
    pub fn at_start(at: UtcMillis, rules: usize) -> RulesStatus {
        RulesStatus {
            at,
            outcome: RulesOutcome::Loaded,
            added: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
            untouched: rules,
            because: "read at the start".to_owned(),
        }
    }

    /// The rules at work stay, and so many are there.
    pub fn refused(at: UtcMillis, at_work: usize, because: String) -> RulesStatus {
        RulesStatus {
            at,
            outcome: RulesOutcome::Refused,
            added: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
            untouched: at_work,
            because: cut(because),
        }
    }
}

fn cut(mut text: String) -> String {
    const END: char = '…';
    if text.len() > MOST_BYTES {
        text.truncate(text.floor_char_boundary(MOST_BYTES - END.len_utf8()));
        text.push(END);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_json_of_at_most_four_kilobytes_of_reasons() {
        let status = RulesStatus::refused(UtcMillis(5), 3, "no \"x\"".to_owned());
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            r#"{"at":5,"outcome":"refused","added":[],"changed":[],"removed":[],"untouched":3,"because":"no \"x\""}"#
        );
        let long = RulesStatus::refused(UtcMillis(5), 3, "é".repeat(5000));
        assert_eq!(long.because.len(), MOST_BYTES - 1);
        assert!(long.because.ends_with("é…"));
    }
}
