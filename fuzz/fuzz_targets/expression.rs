//! libFuzzer looks for bytes that break what holds for expressions.

#![no_main]

#[path = "../properties/expression.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
