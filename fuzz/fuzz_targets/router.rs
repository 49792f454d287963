//! libFuzzer looks for bytes that break what holds for the router.

#![no_main]

#[path = "../properties/router.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
