//! What a board or a set of pins says about itself.

use serde::{Deserialize, Serialize};

use super::quantity::DeviceClass;
use crate::clock::UtcMillis;

/// What [`About::firmware`] says of a board with Hearth's own firmware.
pub const HEARTH: &str = "hearth";

/// A board's description, retained as JSON at `hearth/board/<board>/about`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub board: String,
    /// `text` for any sketch that prints lines, `pins` for the Pi's own pins, [`HEARTH`] for
    /// Hearth's firmware, `mqtt-sn` for other clients of that protocol.
    pub firmware: String,
    /// Device path such as `/dev/ttyACM0`, or the GPIO chip's label.
    pub port: String,
    /// USB serial number, or `vendor:product` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usb: Option<String>,
    pub room: String,
    pub things: Vec<ThingAbout>,
}

/// One thing of a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThingAbout {
    /// What the board itself calls it.
    pub name: String,
    /// `home/<room>/<thing>`
    pub topic: String,
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_class: Option<DeviceClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Range of a `number`, in its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// What can be done with a thing; Home Assistant's names for its platforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Reports a number or a text.
    Sensor,
    /// Reports `on` or `off`.
    BinarySensor,
    /// Takes and reports `on` or `off`.
    Switch,
    /// Takes and reports a number within a range.
    Number,
}

impl Kind {
    /// Whether `home/<room>/<thing>/set` does anything.
    pub fn takes_commands(self) -> bool {
        matches!(self, Kind::Switch | Kind::Number)
    }
}

/// How a board with Hearth's firmware is, retained as JSON at
/// `hearth/board/<board>/vitals`, each half minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vitals {
    /// The board's id, under which it is an MQTT-SN client.
    pub client: String,
    /// Its version, such as `0.1.0`; empty before it has said.
    pub firmware: String,
    /// Seconds since the board started, when it said so.
    pub uptime: u64,
    /// When that was.
    #[serde(default)]
    pub at: UtcMillis,
    /// Why it started: `power-on`, `external`, `brown-out`, `watchdog` or `unknown`.
    pub reset: String,
    /// How often it started since the gateway knows it.
    pub restarts: u64,
    /// Frames that arrived whole, either way, since the gateway knows the board.
    pub frames: u64,
    /// Frames that were damaged on their way.
    pub damaged: u64,
    /// Octets that the board lost because it had no time for them.
    pub overruns: u64,
    /// Packets that were sent again because their answer did not come.
    pub repeated: u64,
    /// How many of the last frames arrived whole, in percent.
    pub link_quality: u8,
}

impl Vitals {
    /// What went wrong on the line: damaged frames and lost octets.
    pub fn errors(&self) -> u64 {
        self.damaged.saturating_add(self.overruns)
    }

    /// The same, with the time counted that has passed since the board spoke.
    pub fn counted_to(&self, now: UtcMillis) -> Vitals {
        if self.at == UtcMillis(0) {
            return self.clone();
        }
        Vitals {
            uptime: self.uptime.saturating_add(now.since(self.at).as_secs()),
            at: now,
            ..self.clone()
        }
    }

    /// For how long it runs: `45 s`, `12 min`, `5 h 3 min`, `3 days 4 h`.
    pub fn up_for(&self) -> String {
        let uptime = self.uptime;
        let (minutes, hours) = (uptime / 60, uptime / 3600);
        match uptime {
            seconds @ 0..=59 => format!("{seconds} s"),
            60..=3_599 => format!("{minutes} min"),
            3_600..=86_399 => format!("{hours} h {} min", minutes % 60),
            86_400..=172_799 => format!("1 day {} h", hours % 24),
            _ => format!("{} days {} h", hours / 24, hours % 24),
        }
    }
}

/// Retained at `hearth/board/<board>/status` and `hearth/status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    Online,
    Offline,
}

impl Presence {
    /// The payload.
    pub fn as_str(self) -> &'static str {
        match self {
            Presence::Online => "online",
            Presence::Offline => "offline",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_and_errors_are_told_for_people() {
        let up_for = |uptime| {
            Vitals {
                uptime,
                ..Vitals::default()
            }
            .up_for()
        };
        assert_eq!(up_for(59), "59 s");
        assert_eq!(up_for(3_599), "59 min");
        assert_eq!(up_for(18_180), "5 h 3 min");
        assert_eq!(up_for(93_784), "1 day 2 h");
        assert_eq!(up_for(273_600), "3 days 4 h");
        let said = Vitals {
            uptime: 30,
            at: UtcMillis(5_000),
            ..Vitals::default()
        };
        assert_eq!(said.counted_to(UtcMillis(35_000)).up_for(), "1 min");
        let vitals = Vitals {
            damaged: 3,
            overruns: 1,
            repeated: 9,
            ..Vitals::default()
        };
        assert_eq!(vitals.errors(), 4);
    }
}
