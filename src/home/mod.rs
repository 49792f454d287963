//! The words of the house: topics, quantities, readings, commands, devices.
//!
//! Everything else speaks in these terms. This module imports nothing of
//! Hearth but the clock's types.

pub mod command;
pub mod device;
pub mod duration;
pub mod host;
pub mod pin_map;
pub mod quantity;
pub mod reading;
pub mod rules_status;
pub mod topic;

pub use command::{CommandReport, Obedience, Stage, Step};
pub use device::{About, Kind, Presence, ThingAbout, Vitals};
pub use pin_map::PinMap;
pub use quantity::{DeviceClass, Quantity};
pub use reading::{Reading, Value};
pub use rules_status::{RulesOutcome, RulesStatus};
pub use topic::Thing;
