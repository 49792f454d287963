//! The kill test.
//!
//! `HEARTH_KILL_ROUNDS` says how many rounds, `HEARTH_KILL_SEED` makes the
//! choices of an earlier run again: moments of the kills and what clients do,
//! but not what the system's scheduler makes of it.

use std::str::FromStr;
use std::time::SystemTime;

use super::program::Kind;
use super::rounds::{End, World};

const ROUNDS: u64 = 200;

/// A number that the environment may say.
pub fn setting<T: FromStr>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    let Ok(value) = value.parse() else {
        panic!("{name} is {value:?}, and should be a number");
    };
    Some(value)
}

fn run(kind: Kind, end: End, rounds: u64) -> Result<(), String> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = setting("HEARTH_KILL_SEED").unwrap_or(u64::from(now.subsec_micros()));
    eprintln!("{rounds} rounds with HEARTH_KILL_SEED={seed}");
    let lived = World::begin(kind, end, seed).live(rounds);
    let totals = lived.map_err(|story| format!("HEARTH_KILL_SEED={seed}, {story}"))?;
    eprintln!("{totals}");
    // Otherwise the kills have met nothing.
    assert!(totals.sent_again > 0 && totals.repeated > 0, "{totals}");
    Ok(())
}

#[test]
fn nothing_acknowledged_is_lost_when_the_broker_is_killed() {
    let rounds = setting("HEARTH_KILL_ROUNDS").unwrap_or(ROUNDS);
    run(Kind::Hearth, End::Kill, rounds).unwrap_or_else(|story| panic!("{story}"));
}

#[test]
fn nothing_is_lost_when_the_broker_is_stopped() {
    run(Kind::Hearth, End::Stop, 20).unwrap_or_else(|story| panic!("{story}"));
}

/// The test asks for nothing but MQTT: mosquitto keeps what it has when it is
/// stopped in order.
#[test]
fn another_broker_passes_when_it_is_stopped() {
    run(Kind::Mosquitto, End::Stop, 20).unwrap_or_else(|story| panic!("{story}"));
}

/// And the test can fail: killed, mosquitto forgets.
#[test]
fn a_broker_that_forgets_is_caught() {
    let story = run(Kind::Mosquitto, End::Kill, 20).unwrap_err();
    assert!(story.contains("finds nothing retained"), "{story}");
}

/// Nothing is lost on the way either: the same without an end of the broker.
#[test]
fn nothing_is_lost_when_connections_are_cut() {
    run(Kind::Hearth, End::Cut, 20).unwrap_or_else(|story| panic!("{story}"));
}
