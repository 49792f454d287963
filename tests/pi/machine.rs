//! The machine that the tests need: the kernel that `scripts/test-pi` starts.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness;

/// Fails on any other machine, before a test changes something there.
pub fn needed() {
    let words = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    assert!(
        words.contains("HEARTH_PI_TESTS="),
        "this test needs the kernel that scripts/test-pi builds and starts"
    );
}

/// Writes one of the kernel's files.
pub fn set(path: impl AsRef<Path>, value: &str) {
    let path = path.as_ref();
    fs::write(path, value)
        .unwrap_or_else(|error| panic!("{value:?} to {}: {error}", path.display()));
}

/// Runs `mount` or `umount`.
pub fn run(program: &str, arguments: &[&str]) {
    harness::run(Command::new(program).args(arguments));
}
