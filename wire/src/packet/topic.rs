//! How a message names its topic: by an id, by a name, or by a name so short that
//! it is its own id (5.3.4, 5.3.11, 5.3.12).

use super::flags::TopicIdType;
use super::text::Text;

/// The topic of a PUBLISH (5.4.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicId {
    /// Given by REGISTER, REGACK or SUBACK. 0 and 0xFFFF are reserved (5.3.11); whoever
    /// gets one answers "invalid topic id", so they can be read.
    Normal(u16),
    /// Known to both sides beforehand.
    Predefined(u16),
    /// The two octets of the name.
    Short([u8; 2]),
}

impl TopicId {
    /// As it is in Flags.
    #[must_use]
    pub const fn kind(self) -> TopicIdType {
        match self {
            Self::Normal(_) => TopicIdType::Normal,
            Self::Predefined(_) => TopicIdType::Predefined,
            Self::Short(_) => TopicIdType::Short,
        }
    }

    /// As it is in the field TopicId, and again in the PUBACK (5.4.13).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Normal(id) | Self::Predefined(id) => id,
            Self::Short(name) => u16::from_be_bytes(name),
        }
    }

    /// The reverse of `kind` and `code`.
    #[must_use]
    pub const fn new(kind: TopicIdType, code: u16) -> Self {
        match kind {
            TopicIdType::Normal => Self::Normal(code),
            TopicIdType::Predefined => Self::Predefined(code),
            TopicIdType::Short => Self::Short(code.to_be_bytes()),
        }
    }
}

/// The topic of a SUBSCRIBE or UNSUBSCRIBE (5.4.15, 5.4.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic<'a> {
    /// A name or a filter with wildcards, not empty.
    Name(Text<'a>),
    /// Known to both sides beforehand.
    Predefined(u16),
    /// The two octets of the name.
    Short([u8; 2]),
}

impl Topic<'_> {
    /// As it is in Flags.
    #[must_use]
    pub const fn kind(self) -> TopicIdType {
        match self {
            Self::Name(_) => TopicIdType::Normal,
            Self::Predefined(_) => TopicIdType::Predefined,
            Self::Short(_) => TopicIdType::Short,
        }
    }
}
