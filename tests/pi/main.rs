//! The gateway on hardware that a kernel simulates: GPIO chips, a PWM chip and
//! boards on USB. `scripts/test-pi` builds that kernel and runs these tests in
//! it; on another one they are ignored, and fail if they are asked for, because
//! they plug, pull and mount.
//!
//! Each test has the whole machine: they run one after the other.

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

#[allow(
    dead_code,
    unused_imports,
    reason = "made for the tests of the gateway, which use all of it"
)]
#[path = "../gateway/harness/mod.rs"]
mod harness;

mod gadget;
mod gpio;
mod header;
mod machine;
mod pwm;
mod station;
mod usb;
