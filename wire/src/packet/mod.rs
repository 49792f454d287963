//! MQTT-SN 1.2 packets in both directions, borrowed from the bytes they came in.
//!
//! Sections are those of the MQTT-SN Protocol Specification 1.2 of 14 November 2013.
//! What it calls "not used" or "not relevant" is written as zero and not looked at.

mod decode;
mod encode;
mod error;
mod flags;
mod kind;
mod message;
mod reader;
mod text;
mod topic;
mod writer;

pub use error::{DecodeError, EncodeError, Field, Problem};
pub use flags::{Flags, Qos, TopicIdType};
pub use kind::Kind;
pub use message::{
    Connect, Forwarded, MAX_CLIENT_ID, Packet, PubAck, Publish, RegAck, Register, ReturnCode,
    SubAck, Subscribe, Unsubscribe, Will,
};
pub use text::Text;
pub use topic::{Topic, TopicId};
