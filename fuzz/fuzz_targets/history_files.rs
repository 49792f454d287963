//! libFuzzer looks for bytes that break what holds for the files of history.

#![no_main]

#[path = "../properties/history_files.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
