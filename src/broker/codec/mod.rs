//! MQTT on the wire: packets as values, and strict decoding and encoding.
//!
//! [`Decoder`] takes packets off a buffer, [`encode()`] appends them to one. Each
//! packet's file holds both directions, so that they stay each other's mirror.
//! Rules that need more than the packet itself (who may send it, and when) are
//! the router's.

mod ack;
mod connack;
mod connect;
mod decode;
mod encode;
mod error;
mod kind;
mod packet;
mod properties;
mod publish;
mod reason;
mod session_end;
mod subscribe;
mod wire;

pub use decode::Decoder;
pub use encode::{encode, encoded_len};
pub use error::DecodeError;
pub use packet::*;
pub use publish::{PublishHead, encode_publish, publish_len};
pub use reason::Reason;

#[cfg(test)]
mod tests;
