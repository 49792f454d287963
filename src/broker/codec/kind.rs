//! The fifteen kinds of packets and the first byte that tells them (2.1).

use super::error::DecodeError;
use super::packet::{Packet, Version};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Connect = 1,
    ConnAck,
    Publish,
    PubAck,
    PubRec,
    PubRel,
    PubComp,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    PingReq,
    PingResp,
    Disconnect,
    Auth,
}

const KINDS: [(Kind, &str); 15] = [
    (Kind::Connect, "CONNECT"),
    (Kind::ConnAck, "CONNACK"),
    (Kind::Publish, "PUBLISH"),
    (Kind::PubAck, "PUBACK"),
    (Kind::PubRec, "PUBREC"),
    (Kind::PubRel, "PUBREL"),
    (Kind::PubComp, "PUBCOMP"),
    (Kind::Subscribe, "SUBSCRIBE"),
    (Kind::SubAck, "SUBACK"),
    (Kind::Unsubscribe, "UNSUBSCRIBE"),
    (Kind::UnsubAck, "UNSUBACK"),
    (Kind::PingReq, "PINGREQ"),
    (Kind::PingResp, "PINGRESP"),
    (Kind::Disconnect, "DISCONNECT"),
    (Kind::Auth, "AUTH"),
];

impl Kind {
    /// The kind that a first byte announces on a connection of this version, with
    /// its fixed flag bits checked; `None` takes CONNECT only.
    pub(super) fn of(first: u8, version: Option<Version>) -> Result<Kind, DecodeError> {
        let number = usize::from(first >> 4);
        let Some(&(kind, name)) = number.checked_sub(1).and_then(|at| KINDS.get(at)) else {
            return Err(DecodeError::malformed("2.1.2", "there is no packet type 0"));
        };
        if version.is_none() && kind != Kind::Connect {
            let message = "it comes before CONNECT";
            return Err(DecodeError::protocol("3.1", message).in_packet(name));
        }
        if version == Some(Version::V311) && kind == Kind::Auth {
            let message = "MQTT 3.1.1 has no such packet";
            return Err(DecodeError::malformed("2.1.2", message).in_packet(name));
        }
        if kind != Kind::Publish && first & 0x0f != kind.flags() {
            let message = "reserved bits of its first byte are wrong";
            return Err(DecodeError::malformed("2.1.3", message).in_packet(name));
        }
        Ok(kind)
    }

    pub(super) fn of_packet(packet: &Packet) -> Kind {
        match packet {
            Packet::Connect(_) => Kind::Connect,
            Packet::ConnAck(_) => Kind::ConnAck,
            Packet::Publish(_) => Kind::Publish,
            Packet::PubAck(_) => Kind::PubAck,
            Packet::PubRec(_) => Kind::PubRec,
            Packet::PubRel(_) => Kind::PubRel,
            Packet::PubComp(_) => Kind::PubComp,
            Packet::Subscribe(_) => Kind::Subscribe,
            Packet::SubAck(_) => Kind::SubAck,
            Packet::Unsubscribe(_) => Kind::Unsubscribe,
            Packet::UnsubAck(_) => Kind::UnsubAck,
            Packet::PingReq => Kind::PingReq,
            Packet::PingResp => Kind::PingResp,
            Packet::Disconnect(_) => Kind::Disconnect,
            Packet::Auth(_) => Kind::Auth,
        }
    }

    pub(super) fn name(self) -> &'static str {
        KINDS[self as usize - 1].1
    }

    /// The first byte of every packet of this kind; PUBLISH adds its flags.
    pub(super) fn first_byte(self) -> u8 {
        (self as u8) << 4 | self.flags()
    }

    fn flags(self) -> u8 {
        match self {
            Kind::PubRel | Kind::Subscribe | Kind::Unsubscribe => 0b0010,
            _ => 0,
        }
    }
}
