//! The demo: an ordinary gateway, and a house of simulated boards around it.
//!
//! The boards are programs at the other end of real serial lines
//! (pseudoterminals); the gateway that reads them is the one that reads an
//! Arduino, with a config file like any other. [`physics`], [`household`] and
//! [`sketch`] are pure; [`pty`] and [`board`] bring them to the serial lines.

pub mod address;
pub mod board;
#[cfg(test)]
mod day;
pub mod folder;
pub mod household;
pub mod physics;
pub mod pty;
pub mod sketch;

/// The demo's config, as it is copied for the user to change.
pub const EXAMPLE: &str = include_str!("../../examples/demo/hearth.toml");
