//! What a board does: its things and their map, commands and reports, and the safe state
//! while the gateway is silent. The same on an Uno, in tests and in simulated boards.
//!
//! The chip is behind [`Hardware`]; octets and the time go in, octets and levels come out.

#![no_std]

mod board;
mod hardware;
mod messages;
mod outputs;
mod reports;
mod slot;
mod station;
mod store;
mod thermometer;

pub use hardware::Hardware;
pub use station::{FIRMWARE, Station};
