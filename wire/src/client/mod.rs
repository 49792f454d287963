//! The client side of MQTT-SN 1.2 for a board: packets and the time in, packets and
//! events out. It does no I/O and reads no clock.
//!
//! One request is under way at a time, as the standard wants it (6.13); a second one is
//! refused with [`AskError::Busy`]. QoS 2 is not spoken.
//!
//! It does not use [`Packet`](crate::Packet): reading all kinds of packets takes 8 kB of
//! an Uno's flash, reading those that a client gets takes one. The tests hold the two
//! against each other. It takes packets with the short form of the length alone.

mod ask;
mod codec;
mod machine;
mod profile;
mod receive;
mod request;
mod sleep;

pub use ask::AskError;
pub use machine::Client;
pub use profile::{Profile, Will};
pub use receive::{Event, Message};
