//! The predefined topic ids (MQTT-SN 1.2, section 6.7): a board holds no topic names, the
//! gateway knows which topic an id means for which board.

/// How many things a board can have; slots count from 1.
pub const SLOTS: u8 = 8;

const SET: u16 = 0x0100;
const WANTED_MAP: u16 = 0x0200;
const MAP: u16 = 0x0201;
const VITALS: u16 = 0x0202;

/// What a predefined topic id means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardTopic {
    /// 1 to 8: the state of the thing in a slot, from the board. QoS 0 from sensors, 1
    /// from outputs.
    State(u8),
    /// 0x0101 to 0x0108: commands to the thing in a slot, QoS 1.
    Set(u8),
    /// 0x0200: the map that the board shall have, QoS 1.
    WantedMap,
    /// 0x0201: the map that it has, or why it does not take the wanted one, QoS 1.
    Map,
    /// 0x0202: how the board is, QoS 0, after each CONNECT and every 30 s.
    Vitals,
}

impl BoardTopic {
    /// The id on the line.
    #[must_use]
    pub const fn id(self) -> u16 {
        match self {
            Self::State(slot) => slot as u16,
            Self::Set(slot) => SET | slot as u16,
            Self::WantedMap => WANTED_MAP,
            Self::Map => MAP,
            Self::Vitals => VITALS,
        }
    }

    /// `None`: nothing is defined for this id.
    #[must_use]
    pub const fn of(id: u16) -> Option<Self> {
        let [high, slot] = id.to_be_bytes();
        match (high, slot) {
            (0, 1..=SLOTS) => Some(Self::State(slot)),
            (1, 1..=SLOTS) => Some(Self::Set(slot)),
            _ => match id {
                WANTED_MAP => Some(Self::WantedMap),
                MAP => Some(Self::Map),
                VITALS => Some(Self::Vitals),
                _ => None,
            },
        }
    }
}
