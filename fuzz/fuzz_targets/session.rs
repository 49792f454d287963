//! libFuzzer looks for bytes that break what holds for a session's outgoing half.

#![no_main]

#[path = "../properties/session.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
