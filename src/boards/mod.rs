//! Arduino boards on USB serial: what they print or say becomes readings, and
//! commands go down to them.
//!
//! [`text`] reads what sketches print; `board` decides what follows from it,
//! with `baud`, `flood`, `throttle`, `outbox`, `chatter`, `fault` and `things`
//! each deciding one matter. `frames` finds the packets of boards with Hearth's
//! firmware, and `station` decides for one of those. All of it is pure.
//! `registry` names the boards. Around them, `scan` and `port` touch the system,
//! `serial` runs one board and `bridge` all of them. [`avrdude`] puts a program on
//! a board.

pub mod avrdude;
mod baud;
mod board;
mod body;
mod bridge;
mod chatter;
mod fault;
mod flood;
mod frames;
mod list;
mod naming;
mod outbox;
mod port;
mod registry;
mod scan;
mod serial;
mod station;
#[cfg(test)]
mod tests;
pub mod text;
mod things;
mod throttle;
mod voice;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::broker::Handle;
use crate::clock::Clock;
use crate::home::{DeviceClass, Kind};
use crate::supervisor::Supervisor;

pub use list::{PortListing, list};
pub use registry::Usb;
pub use scan::Owner;

/// Starts to look for boards and to serve them. A board that is missing or
/// broken is no error.
pub async fn start(
    settings: Settings,
    clock: Clock,
    handle: Handle,
    supervisor: &Supervisor,
) -> anyhow::Result<()> {
    let settings = Arc::new(settings);
    supervisor.bridge("boards", move |stop| {
        bridge::run(Arc::clone(&settings), clock, handle.clone(), stop)
    });
    Ok(())
}

/// `[serial]` and `[board.NAME]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Look for USB serial ports by themselves, and follow unplug and replug.
    pub scan: bool,
    /// Further device paths, such as ptys or `/dev/serial0`.
    pub ports: Vec<PathBuf>,
    pub boards: Vec<BoardSettings>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            scan: true,
            ports: Vec::new(),
            boards: Vec::new(),
        }
    }
}

/// One `[board.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardSettings {
    /// A word; the board's name on the wire.
    pub name: String,
    pub found_by: FoundBy,
    /// A word; the board's name where absent.
    pub room: Option<String>,
    /// Bits per second; found out by itself where absent.
    pub baud: Option<u32>,
    /// By the name that the sketch prints, made a word.
    pub things: BTreeMap<String, ThingSettings>,
}

/// How a `[board.NAME]` recognises its board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// The id that its firmware says.
    Id(String),
    /// USB serial number.
    Usb(String),
    /// Device path; links are followed.
    Port(PathBuf),
}

/// One `[board.NAME.thing.THING]`: what the board cannot say about a thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThingSettings {
    /// A word that replaces the board's name for the thing.
    pub name: Option<String>,
    pub room: Option<String>,
    pub kind: Option<Kind>,
    pub device_class: Option<DeviceClass>,
    pub unit: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}
