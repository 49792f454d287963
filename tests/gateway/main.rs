//! The gateway as its users meet it: the real binary, started on a config of
//! its own, with boards on serial lines, MQTT clients and a browser's requests.
//!
//! Nothing here reaches into the program. What a test waits for is asked for
//! again and again until it is there; how long that takes decides nothing.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and shows what the gateway said"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "these tests live in real time, beside the program that they watch"
)]

mod harness;

mod access;
mod backup;
mod bridges;
mod clients;
mod crowd;
mod demo;
mod flash;
mod history;
mod influx;
mod mqttsn;
mod postgres;
mod reading_journey;
mod replay;
mod rude_boards;
mod rules_live;
mod rules_reload;
mod rumqttc_exchange;
mod sketch;
mod stop;
mod times;
mod ways;
