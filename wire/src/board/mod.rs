//! What a board with our firmware and the gateway say beyond MQTT-SN: predefined topic
//! ids, the map of pins, and the payloads of states and commands.
//!
//! Both sides may be of different age, so everything here only grows: what was
//! released is tested as frozen octets, and [`Vitals`] says which versions a board knows.

mod answer;
mod check;
mod identity;
mod map;
mod payload;
mod rule;
mod thing;
mod topics;
mod vitals;

pub use answer::{Answer, IN_RULE, Refusal, Status};
pub use identity::{CLIENT_ID, client_id, of_client_id};
pub use map::{EMPTY_MAP, MAX_MAP, MAX_RULES, MAX_THINGS, Map, encode_map};
pub use payload::{Command, Report, Said, Value, Written, write_command};
pub use rule::{Op, Rule};
pub use thing::{Kind, Thing};
pub use topics::{BoardTopic, SLOTS};
pub use vitals::{Firmware, ResetCause, VITALS, Vitals};

/// The oldest version of the map that is understood.
pub const MIN: u8 = 1;

/// The version of the map that is written.
pub const CURRENT: u8 = 1;
