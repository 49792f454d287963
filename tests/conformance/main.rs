//! The broker, held against the MQTT standards byte by byte.
//!
//! Each test names the normative statements that it holds, as
//! `[MQTT 3.1.1: …]` and `[MQTT 5.0: …]`; `docs/mqtt-conformance.md` lists all
//! of them, and `table` keeps both in step. What a test waits for is an event;
//! time passes only where the standard itself counts seconds.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and shows what the program said"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "these tests live in real time, beside the broker that they watch"
)]

mod client;
mod read;
mod wire;

mod access;
mod binary;
mod connect;
mod delivery;
mod flows;
mod keep_alive;
mod limits;
mod malformed;
mod others_fell_here;
mod properties;
mod retained;
mod sessions;
mod shared;
mod subscribe;
mod table;
mod topics;
mod wills;
