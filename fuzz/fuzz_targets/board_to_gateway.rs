//! libFuzzer looks for bytes that break what holds for what a board sends.

#![no_main]

#[path = "../properties/board_to_gateway.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
