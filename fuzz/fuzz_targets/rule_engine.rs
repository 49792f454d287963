//! libFuzzer looks for bytes that break what holds for the engine of the rules.

#![no_main]

#[path = "../properties/rule_engine.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
