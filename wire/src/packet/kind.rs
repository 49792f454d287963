//! The types of messages, as one octet says them (5.2.2, table 3).

use super::error::{DecodeError, Field, Problem};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)+) => {
        /// MsgType (5.2.2).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name = $code,)+
        }

        impl Kind {
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)+];

            /// # Errors
            /// The standard reserves the code.
            pub const fn from_code(code: u8) -> Result<Self, DecodeError> {
                match code {
                    $($code => Ok(Self::$name),)+
                    _ => Err(DecodeError::new(Field::MsgType, Problem::Reserved)),
                }
            }
        }
    };
}

kinds! {
    /// 5.4.1
    Advertise = 0x00,
    /// 5.4.2
    SearchGw = 0x01,
    /// 5.4.3
    GwInfo = 0x02,
    /// 5.4.4
    Connect = 0x04,
    /// 5.4.5
    ConnAck = 0x05,
    /// 5.4.6
    WillTopicReq = 0x06,
    /// 5.4.7
    WillTopic = 0x07,
    /// 5.4.8
    WillMsgReq = 0x08,
    /// 5.4.9
    WillMsg = 0x09,
    /// 5.4.10
    Register = 0x0A,
    /// 5.4.11
    RegAck = 0x0B,
    /// 5.4.12
    Publish = 0x0C,
    /// 5.4.13
    PubAck = 0x0D,
    /// 5.4.14
    PubComp = 0x0E,
    /// 5.4.14
    PubRec = 0x0F,
    /// 5.4.14
    PubRel = 0x10,
    /// 5.4.15
    Subscribe = 0x12,
    /// 5.4.16
    SubAck = 0x13,
    /// 5.4.17
    Unsubscribe = 0x14,
    /// 5.4.18
    UnsubAck = 0x15,
    /// 5.4.19
    PingReq = 0x16,
    /// 5.4.20
    PingResp = 0x17,
    /// 5.4.21
    Disconnect = 0x18,
    /// 5.4.22
    WillTopicUpd = 0x1A,
    /// 5.4.24
    WillTopicResp = 0x1B,
    /// 5.4.23
    WillMsgUpd = 0x1C,
    /// 5.4.25
    WillMsgResp = 0x1D,
    /// 5.5
    Forwarded = 0xFE,
}

impl Kind {
    /// The octet on the line.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}
