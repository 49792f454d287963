//! Hearth turns a Raspberry Pi into the middle of a house.
//!
//! The modules in the order of a reading's journey; ARCHITECTURE.md tells it
//! in full and `tests/gateway/reading_journey.rs` walks it.

// Properties that tests share with the fuzz targets name the crate from outside.
#[cfg(test)]
extern crate self as hearth;

// Time, read in one place.
pub mod clock;
// Logs, to journald or standard error.
pub mod telemetry;
// One tree of tasks that stops in order.
pub mod supervisor;
// Opening SQLite files.
pub mod database;
// What shows that a file has changed.
pub mod stamp;
// Readiness and watchdog, told to systemd.
pub mod systemd;

// The words: topics, quantities, readings, commands, devices.
pub mod home;
// The meeting place: an MQTT broker, and the client through which parts meet.
pub mod broker;
// One letter to a web server, and its answer.
pub mod post;
// Arduino boards on USB serial: their lines become readings, commands go down.
pub mod boards;
// The Pi's own pins.
pub mod gpio;
// Readings become commands, as the user's rules say.
pub mod rules;
// Every reading, kept.
pub mod history;
// The page, live in the browser.
pub mod web;

// What the user's file says, checked; each part owns its `Settings`.
pub mod config;
// Starts the parts in order and stops them.
pub mod gateway;
// Simulated boards with a house around them, on serial lines.
pub mod demo;
// The command line.
pub mod cli;
