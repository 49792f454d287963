//! libFuzzer looks for bytes that break what holds for the packet decoder.

#![no_main]

#[path = "../properties/packet_decoder.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::hold(bytes));
