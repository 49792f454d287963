//! libFuzzer looks for bytes that break what holds for the text link.

#![no_main]

#[path = "../properties/text_link.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
