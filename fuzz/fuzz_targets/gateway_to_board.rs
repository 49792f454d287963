//! libFuzzer looks for bytes that make a board do what it must not.

#![no_main]

#[path = "../properties/gateway_to_board.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
