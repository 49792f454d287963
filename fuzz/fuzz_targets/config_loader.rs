//! libFuzzer looks for bytes that break what holds for the config loader.

#![no_main]

#[path = "../properties/config_loader.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
