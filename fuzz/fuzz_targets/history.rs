//! libFuzzer looks for bytes that break what holds for the history's formats.

#![no_main]

#[path = "../properties/history.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
