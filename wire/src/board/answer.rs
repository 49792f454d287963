//! What a board says about its map, on 0x0201: status, the thing or rule at fault, and
//! then always the map in force.

/// In front of the number of a rule, where the slot of a thing would be.
pub const IN_RULE: u8 = 0x80;

/// Why a map was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It was not: the map that was wanted is in force.
    InForce = 0,
    /// Too short, too long, or its numbers of things and rules do not agree with it.
    Malformed = 1,
    /// Of a version that the board does not know.
    UnknownVersion = 2,
    /// A kind of thing that the board does not know.
    UnknownKind = 3,
    /// A pin above 19.
    NoSuchPin = 4,
    /// The pin of another thing.
    UsedTwice = 5,
    /// A pin of the serial line, without a converter, without PWM, or whose timer a
    /// servo needs.
    CannotDoIt = 6,
    /// A level, a deadband or a flag that the thing or rule cannot have.
    OutOfRange = 7,
    /// A rule whose output is no output, or whose input is no sensor.
    NoSuchSlot = 8,
    /// The map is in force, but will be gone when the power is.
    NotKept = 9,
}

impl Status {
    /// `None`: a status of a later version.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::InForce,
            1 => Self::Malformed,
            2 => Self::UnknownVersion,
            3 => Self::UnknownKind,
            4 => Self::NoSuchPin,
            5 => Self::UsedTwice,
            6 => Self::CannotDoIt,
            7 => Self::OutOfRange,
            8 => Self::NoSuchSlot,
            9 => Self::NotKept,
            _ => return None,
        })
    }
}

/// What is wrong with a map, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub status: Status,
    /// The slot of the thing, or [`IN_RULE`] and the number of the rule; both count from
    /// 1. 0: the map as a whole.
    pub slot: u8,
}

impl Refusal {
    pub(super) const MALFORMED: Self = Self {
        status: Status::Malformed,
        slot: 0,
    };
    pub(super) const UNKNOWN_VERSION: Self = Self {
        status: Status::UnknownVersion,
        slot: 0,
    };
}

/// The payload on 0x0201.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// A [`Status`]; as a number, for a later version may have more of them.
    pub status: u8,
    /// As in [`Refusal`].
    pub slot: u8,
    /// The map in force.
    pub map: &'a [u8],
}

impl<'a> Answer<'a> {
    /// `None`: too short to be one.
    #[must_use]
    pub const fn decode(octets: &'a [u8]) -> Option<Self> {
        match octets {
            [status, slot, map @ ..] => Some(Self {
                status: *status,
                slot: *slot,
                map,
            }),
            _ => None,
        }
    }
}
