//! What can be wrong with a packet: which field, and why. Two octets, so that a
//! board can keep them; only who prints them pays for the words.

use core::fmt;

/// The fields of the standard (5.2, 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// 5.2.1
    Length,
    /// 5.2.2
    MsgType,
    /// 5.3.1
    ClientId,
    /// 5.3.2
    Data,
    /// 5.3.3
    Duration,
    /// 5.3.4, as a whole
    Flags,
    /// 5.3.4
    Qos,
    /// 5.3.4
    TopicIdType,
    /// 5.3.5
    GwAdd,
    /// 5.3.6
    GwId,
    /// 5.3.7
    MsgId,
    /// 5.3.8
    ProtocolId,
    /// 5.3.9
    Radius,
    /// 5.3.10
    ReturnCode,
    /// 5.3.11
    TopicId,
    /// 5.3.12
    TopicName,
    /// 5.3.13
    WillMsg,
    /// 5.3.14
    WillTopic,
    /// 5.5
    Ctrl,
    /// 5.5
    WirelessNodeId,
    /// 5.5
    Message,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The packet ends before or inside it.
    Missing,
    /// It does not agree with the number of octets that are there.
    Disagrees,
    /// More octets follow than the message has fields for.
    TooLong,
    /// Nothing in it, where the standard wants something.
    Empty,
    /// A value that the standard reserves.
    Reserved,
    /// A value that this message may not have.
    NotAllowed,
    /// Not UTF-8.
    NotUtf8,
}

/// A packet that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The first field that was wrong.
    pub field: Field,
    /// What was wrong with it.
    pub problem: Problem,
}

impl DecodeError {
    /// The problem of a field.
    #[must_use]
    pub const fn new(field: Field, problem: Problem) -> Self {
        Self { field, problem }
    }
}

/// A packet that could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The buffer is too short.
    NoRoom,
    /// The other side would refuse it for this.
    Invalid(DecodeError),
}

impl From<DecodeError> for EncodeError {
    fn from(error: DecodeError) -> Self {
        Self::Invalid(error)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "Length",
            Self::MsgType => "MsgType",
            Self::ClientId => "ClientId",
            Self::Data => "Data",
            Self::Duration => "Duration",
            Self::Flags => "Flags",
            Self::Qos => "QoS",
            Self::TopicIdType => "TopicIdType",
            Self::GwAdd => "GwAdd",
            Self::GwId => "GwId",
            Self::MsgId => "MsgId",
            Self::ProtocolId => "ProtocolId",
            Self::Radius => "Radius",
            Self::ReturnCode => "ReturnCode",
            Self::TopicId => "TopicId",
            Self::TopicName => "TopicName",
            Self::WillMsg => "WillMsg",
            Self::WillTopic => "WillTopic",
            Self::Ctrl => "Ctrl",
            Self::WirelessNodeId => "Wireless Node Id",
            Self::Message => "MQTT-SN message",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing or cut off",
            Self::Disagrees => "does not agree with the octets that are there",
            Self::TooLong => "is too long",
            Self::Empty => "is empty",
            Self::Reserved => "has a value that the standard reserves",
            Self::NotAllowed => "has a value that this message may not have",
            Self::NotUtf8 => "is not UTF-8",
        })
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom => f.write_str("the buffer is too short for the packet"),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DecodeError {}
impl core::error::Error for EncodeError {}
