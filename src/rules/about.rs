//! What a rule is about, for the page and any MQTT client: what it waits for,
//! what it does, and what it has begun and not ended.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMillis;

/// The JSON that is retained at `hearth/rule/<rule>/about`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// As the user wrote it.
    pub name: String,
    pub enabled: bool,
    /// The label of its button, if it has one.
    pub button: Option<String>,
    /// Each as a sentence names it: `home/a/b to rise above 28`.
    pub waits_for: Vec<String>,
    /// Topics and filters.
    pub listens: Vec<String>,
    /// The things that it may set, as topics `home/<room>/<thing>`; with `+` where a
    /// template decides.
    pub sets: Vec<String>,
    /// What it may publish besides.
    pub publishes: Vec<String>,
    pub keeps: Option<Kept>,
    pub state: State,
    /// A sentence on the state, or nothing.
    pub note: String,
    pub pending: Vec<Pending>,
}

/// A level that it sees to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// `home/<room>/<thing>`
    pub thing: String,
    pub at: String,
}

/// Whether it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ready,
    Disabled,
    /// Off for a while, because it triggered itself.
    Tripped,
}

/// Something that it has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub what: String,
    /// UTC milliseconds.
    pub until: UtcMillis,
}
