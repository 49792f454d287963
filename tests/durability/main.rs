//! What the broker has acknowledged outlives it: the real program is killed,
//! starts again on its folder, and must have forgotten nothing.
//!
//! `rounds` kills it again and again under traffic, `rules` at random moments of what
//! rules do, `history` while thousands of readings come; the other files hold single promises. The clients are the tests' own, strict about what they are sent.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and shows what the program said"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "these tests live in real time, beside the program that they watch"
)]

use std::time::Duration;

#[path = "../conformance/client.rs"]
#[allow(dead_code, reason = "its broker is not the real program")]
mod client;
#[path = "../conformance/read.rs"]
#[allow(dead_code, reason = "what the other tests read is not all read here")]
mod read;
#[path = "../conformance/wire.rs"]
#[allow(
    dead_code,
    reason = "what the other tests write is not all written here"
)]
mod wire;

mod chance;
mod disk;
mod expected;
mod history;
mod house;
mod kill;
mod ledger;
mod line;
mod messages;
mod program;
mod publisher;
mod rounds;
mod rules;
mod session;
mod sessions;
mod subscriber;
mod trace;
mod wills;

/// What has not come by then does not come: only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);
