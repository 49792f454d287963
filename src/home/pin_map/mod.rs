//! Which thing hangs on which pin of a board with Hearth's firmware, as people and
//! programs write it: JSON, retained at `hearth/board/<board>/config`.
//!
//! [`PinMap::plan`] checks it with the same code as the board does, and makes what travels
//! to the board; [`Slot`] knows what the board's numbers mean.

mod pin;
mod plan;
mod rule;
mod slot;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::quantity::DeviceClass;

pub use hearth_wire::board::{MAX_RULES, MAX_THINGS};
pub use pin::Pin;
pub use plan::{MapProblem, Plan};
pub use slot::Slot;

/// Seconds without the gateway after which outputs take their safe level, where the map
/// does not say.
pub const SILENCE: u16 = 30;

/// What a board shall be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinMap {
    /// After so many seconds without the gateway outputs take their safe level; 0: never,
    /// else at least 3.
    #[serde(default = "silence")]
    pub silence: u16,
    /// In the order of their slots, [`MAX_THINGS`] at most.
    #[serde(default)]
    pub things: Vec<PinThing>,
    /// What the board does by itself while the gateway is silent, [`MAX_RULES`] at most:
    /// `pump on while moisture < 30, until 35`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

fn silence() -> u16 {
    SILENCE
}

impl Default for PinMap {
    fn default() -> PinMap {
        PinMap {
            silence: SILENCE,
            things: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// One thing on one pin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinThing {
    /// A word, the thing's name in its topic.
    pub name: String,
    pub kind: PinKind,
    /// `7`, `"D7"` or `"A0"`.
    pub pin: Pin,
    /// A word; the board's room where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Seconds between two reports of a sensor at most, in tenths; 0: only when it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<f64>,
    /// An analog thing reports at once when it moved by more than this, in its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadband: Option<f64>,
    /// How long a contact must hold its level, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debounce: Option<u16>,
    /// The chip's pull-up is switched on, for a contact to ground.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pull_up: bool,
    /// A low pin means on; a counter counts falling edges.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub active_low: bool,
    /// What an output is at the start, and while the gateway is silent; off or 0 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe: Option<Level>,
    /// What 0 V and 5 V at an analog pin mean, in `unit`; volts where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<[f64; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_class: Option<DeviceClass>,
}

/// What a thing on a pin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinKind {
    /// A voltage of 0 to 5 V, in 1024 steps; A0 to A5.
    Analog,
    /// A contact or the like: on or off.
    Digital,
    /// Pulses since the board started.
    Counter,
    /// On or off.
    Relay,
    /// 0 to 100 %; pins 3, 5, 6, 9, 10, 11.
    Pwm,
    /// 0 to 180°.
    Servo,
    /// A thermometer on a 1-Wire line of its own: °C.
    Ds18b20,
}

impl PinKind {
    pub const ALL: [PinKind; 7] = [
        PinKind::Analog,
        PinKind::Digital,
        PinKind::Counter,
        PinKind::Relay,
        PinKind::Pwm,
        PinKind::Servo,
        PinKind::Ds18b20,
    ];

    /// As JSON names it.
    pub fn as_str(self) -> &'static str {
        match self {
            PinKind::Analog => "analog",
            PinKind::Digital => "digital",
            PinKind::Counter => "counter",
            PinKind::Relay => "relay",
            PinKind::Pwm => "pwm",
            PinKind::Servo => "servo",
            PinKind::Ds18b20 => "ds18b20",
        }
    }

    /// Whether it obeys commands; the others only say what they see.
    pub fn is_output(self) -> bool {
        matches!(self, PinKind::Relay | PinKind::Pwm | PinKind::Servo)
    }
}

/// A level of an output: `"on"`, `true`, or a number in its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Level {
    Switch(bool),
    Number(f64),
    Text(String),
}

/// What became of the map that a board was to have, retained as JSON at
/// `hearth/board/<board>/map`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapReport {
    pub state: MapState,
    /// Why it was refused, or what is wrong though it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The thing or rule at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// How far a wanted map came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapState {
    /// The board has none and none was wanted.
    Empty,
    /// Sent to the board, or waiting until it is here.
    Waiting,
    /// The board has it, and keeps it when the power goes.
    InForce,
    /// It cannot be; the one before stays.
    Refused,
}
