//! The few packets of a client as plain octets: writing them, and what is common to all.

/// Types of messages (5.2.2, table 3).
pub(super) mod kind {
    pub(in crate::client) const CONNECT: u8 = 0x04;
    pub(in crate::client) const CONNACK: u8 = 0x05;
    pub(in crate::client) const WILLTOPICREQ: u8 = 0x06;
    pub(in crate::client) const WILLTOPIC: u8 = 0x07;
    pub(in crate::client) const WILLMSGREQ: u8 = 0x08;
    pub(in crate::client) const WILLMSG: u8 = 0x09;
    pub(in crate::client) const REGISTER: u8 = 0x0A;
    pub(in crate::client) const REGACK: u8 = 0x0B;
    pub(in crate::client) const PUBLISH: u8 = 0x0C;
    pub(in crate::client) const PUBACK: u8 = 0x0D;
    pub(in crate::client) const SUBSCRIBE: u8 = 0x12;
    pub(in crate::client) const SUBACK: u8 = 0x13;
    pub(in crate::client) const PINGREQ: u8 = 0x16;
    pub(in crate::client) const PINGRESP: u8 = 0x17;
    pub(in crate::client) const DISCONNECT: u8 = 0x18;
}

/// Parts of Flags (5.3.4).
pub(super) mod flag {
    pub(in crate::client) const DUP: u8 = 0b1000_0000;
    pub(in crate::client) const RETAIN: u8 = 0b0001_0000;
    pub(in crate::client) const WILL: u8 = 0b0000_1000;
    pub(in crate::client) const CLEAN_SESSION: u8 = 0b0000_0100;
    pub(in crate::client) const QOS: u8 = 0b0110_0000;
    pub(in crate::client) const QOS_1: u8 = 0b0010_0000;
}

/// MsgType and what follows it, if the length agrees.
pub(super) fn open(packet: &[u8]) -> Option<(u8, &[u8])> {
    match packet {
        [length, kind, body @ ..] if usize::from(*length) == packet.len() && *length > 1 => {
            Some((*kind, body))
        }
        _ => None,
    }
}

/// Writes a packet of at most 255 octets; its length, or `None` for want of room.
pub(super) fn compose(kind: u8, head: &[u8], tail: &[u8], buffer: &mut [u8]) -> Option<u8> {
    let parts = head.len().saturating_add(tail.len());
    let length = u8::try_from(parts.saturating_add(2)).ok()?;
    let (front, body) = buffer.split_at_mut_checked(2)?;
    front.copy_from_slice(&[length, kind]);
    let (first, second) = body.split_at_mut_checked(head.len())?;
    first.copy_from_slice(head);
    second.get_mut(..tail.len())?.copy_from_slice(tail);
    Some(length)
}
