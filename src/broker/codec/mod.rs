//! MQTT on the wire: packets as values, and strict decoding and encoding.

mod packet;
mod reason;

pub use packet::*;
pub use reason::Reason;
