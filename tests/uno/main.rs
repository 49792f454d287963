//! Our own firmware on an emulated Uno, without a gateway: what the board does
//! by itself, and how a program gets on it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "these tests live in real time, beside the board that they watch"
)]

mod board;
mod chip;
mod flash;
#[allow(dead_code, unused_imports, reason = "these tests need a part of it")]
#[path = "../gateway/harness/mod.rs"]
mod harness;
mod house;
mod line;
mod served;
mod talk;
mod trouble;
