//! A command and how far it came.
//!
//! A command names a state, never a change, so repeating one is harmless.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::UtcMillis;

/// The last command of one thing, retained as JSON at
/// `hearth/board/<board>/command/<thing>` by the bridge that carries it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandReport {
    /// `home/<room>/<thing>`
    pub topic: String,
    /// The wanted state, as it was published to `…/set`.
    pub to: String,
    /// When the command reached the bridge.
    pub at: UtcMillis,
    pub stage: Stage,
    /// Milliseconds from the command's arrival to this stage.
    pub ms: u64,
    /// The number under which the board answers it, where it knows numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
    /// The stages that it has passed, and when: milliseconds from its arrival.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Why, when refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far a command came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Taken by the bridge.
    Received,
    /// Written to the board or pin.
    Sent,
    /// The board says that it has it.
    Acknowledged,
    /// The board has carried it out and read the pin back.
    #[serde(rename = "read-back")]
    ReadBack,
    /// The thing reports the wanted state.
    Reported,
    /// The time for a report is over and the thing reports another state.
    Ignored,
    /// Not sent: the payload is no state of this thing.
    Refused,
}

impl Stage {
    /// As JSON names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Received => "received",
            Stage::Sent => "sent",
            Stage::Acknowledged => "acknowledged",
            Stage::ReadBack => "read-back",
            Stage::Reported => "reported",
            Stage::Ignored => "ignored",
            Stage::Refused => "refused",
        }
    }
}

/// A stage that a command has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub stage: Stage,
    pub ms: u64,
}

/// The upper ends of the classes of a [`Hop`], in milliseconds; the last class has none.
pub const HOP_BOUNDS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/// How long commands of one board took, from stage to stage, since the gateway started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Obedience {
    /// By the stage that the hop leads to: `sent`, `acknowledged`, `read-back`, `reported`.
    pub hops: BTreeMap<String, Hop>,
    /// Commands that reached their state.
    pub obeyed: u64,
    /// Commands that did not.
    pub ignored: u64,
}

/// How long one hop took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// How many took no longer than the bound of their class.
    pub counts: [u64; HOP_BOUNDS.len() + 1],
    /// Milliseconds, of all of them.
    pub sum: u64,
}

impl Obedience {
    /// Counts the hops of a command that came to its end.
    pub fn count(&mut self, steps: &[Step], is_obeyed: bool) {
        match is_obeyed {
            true => self.obeyed += 1,
            false => self.ignored += 1,
        }
        let mut before = 0;
        for step in steps {
            let took = step.ms.saturating_sub(before);
            before = step.ms;
            if step.stage == Stage::Received {
                continue;
            }
            let hop = self.hops.entry(step.stage.as_str().to_owned()).or_default();
            let class = HOP_BOUNDS.iter().position(|bound| took <= *bound);
            let class = class.unwrap_or(HOP_BOUNDS.len());
            if let Some(count) = hop.counts.get_mut(class) {
                *count += 1;
            }
            hop.sum += took;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hop_is_counted_from_the_stage_before() {
        let step = |stage, ms| Step { stage, ms };
        let mut obedience = Obedience::default();
        let steps = [
            step(Stage::Received, 0),
            step(Stage::Sent, 1),
            step(Stage::Acknowledged, 8),
            step(Stage::ReadBack, 9),
        ];
        obedience.count(&steps, true);
        obedience.count(&steps[..2], false);
        let counts = |hop: &str| obedience.hops[hop].counts;
        assert_eq!((obedience.obeyed, obedience.ignored), (1, 1));
        assert_eq!((counts("sent")[0], counts("acknowledged")[3]), (2, 1));
        assert_eq!(
            (obedience.hops["acknowledged"].sum, counts("read-back")[0]),
            (7, 1)
        );
        assert_eq!(obedience.hops.len(), 3);
    }
}
