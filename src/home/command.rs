//! A command and how far it came.
//!
//! A command names a state, never a change, so repeating one is harmless.

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
    /// Why, when refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far a command came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Written to the board or pin.
    Sent,
    /// The thing reports the wanted state.
    Reported,
    /// The time for a report is over and the thing reports another state.
    Ignored,
    /// Not sent: the payload is no state of this thing.
    Refused,
}
