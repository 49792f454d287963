//! The Flags octet (5.3.4) and what its parts mean.

use super::error::{DecodeError, Field, Problem};

const DUP: u8 = 0b1000_0000;
const QOS: u8 = 0b0110_0000;
const QOS_SHIFT: u32 = 5;
const RETAIN: u8 = 0b0001_0000;
const WILL: u8 = 0b0000_1000;
const CLEAN_SESSION: u8 = 0b0000_0100;
const TOPIC_ID_TYPE: u8 = 0b0000_0011;

/// How surely a message arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Qos {
    /// 0: sent once, not acknowledged.
    #[default]
    AtMostOnce,
    /// 1: sent until acknowledged.
    AtLeastOnce,
    /// 2: sent until acknowledged in four steps, handed on once.
    ExactlyOnce,
    /// −1: sent to a gateway without a connection, with topic ids that need none (6.8).
    WithoutConnection,
}

/// What a topic id is (5.3.4, TopicIdType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicIdType {
    /// Given by REGISTER; a topic's name where the message holds one.
    Normal,
    /// Known to both sides beforehand (6.7).
    Predefined,
    /// The topic's name itself, of two octets.
    Short,
}

/// The octet, as it is on the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// Sent before (5.3.4).
    #[must_use]
    pub const fn dup(self) -> bool {
        self.0 & DUP != 0
    }

    /// To be kept for later subscribers.
    #[must_use]
    pub const fn retain(self) -> bool {
        self.0 & RETAIN != 0
    }

    /// A CONNECT that wants to be asked for its will.
    #[must_use]
    pub const fn will(self) -> bool {
        self.0 & WILL != 0
    }

    /// A CONNECT that starts with nothing of earlier times.
    #[must_use]
    pub const fn clean_session(self) -> bool {
        self.0 & CLEAN_SESSION != 0
    }

    /// All four values mean something.
    #[must_use]
    pub const fn qos(self) -> Qos {
        match (self.0 & QOS) >> QOS_SHIFT {
            0b00 => Qos::AtMostOnce,
            0b01 => Qos::AtLeastOnce,
            0b10 => Qos::ExactlyOnce,
            _ => Qos::WithoutConnection,
        }
    }

    /// The QoS of a subscription or a will, which is one of MQTT: 0, 1 or 2.
    ///
    /// # Errors
    /// It is −1, which only a PUBLISH can have.
    pub const fn connected_qos(self) -> Result<Qos, DecodeError> {
        match self.qos() {
            Qos::WithoutConnection => Err(DecodeError::new(Field::Qos, Problem::NotAllowed)),
            qos => Ok(qos),
        }
    }

    /// # Errors
    /// 0b11 is reserved.
    pub const fn topic_id_type(self) -> Result<TopicIdType, DecodeError> {
        match self.0 & TOPIC_ID_TYPE {
            0b00 => Ok(TopicIdType::Normal),
            0b01 => Ok(TopicIdType::Predefined),
            0b10 => Ok(TopicIdType::Short),
            _ => Err(DecodeError::new(Field::TopicIdType, Problem::Reserved)),
        }
    }

    pub(crate) const fn with_dup(self, set: bool) -> Self {
        self.with(DUP, set)
    }

    pub(crate) const fn with_retain(self, set: bool) -> Self {
        self.with(RETAIN, set)
    }

    pub(crate) const fn with_will(self, set: bool) -> Self {
        self.with(WILL, set)
    }

    pub(crate) const fn with_clean_session(self, set: bool) -> Self {
        self.with(CLEAN_SESSION, set)
    }

    pub(crate) const fn with_qos(self, qos: Qos) -> Self {
        let bits = match qos {
            Qos::AtMostOnce => 0b00,
            Qos::AtLeastOnce => 0b01,
            Qos::ExactlyOnce => 0b10,
            Qos::WithoutConnection => 0b11,
        };
        Self(self.0 | bits << QOS_SHIFT)
    }

    pub(crate) const fn with_topic_id_type(self, kind: TopicIdType) -> Self {
        let bits = match kind {
            TopicIdType::Normal => 0b00,
            TopicIdType::Predefined => 0b01,
            TopicIdType::Short => 0b10,
        };
        Self(self.0 | bits)
    }

    const fn with(self, bit: u8, set: bool) -> Self {
        if set { Self(self.0 | bit) } else { self }
    }
}
