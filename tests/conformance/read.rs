//! What the broker sent, read back field by field.

use super::wire::{Packet, Property, Publish, V5, Version};

/// The fields of one packet, front to back.
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken.to_vec()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    pub fn text(&mut self) -> String {
        let length = self.short();
        String::from_utf8(self.take(length.into())).unwrap()
    }

    pub fn varint(&mut self) -> usize {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte();
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    /// A block of properties, sorted by their identifier.
    pub fn properties(&mut self) -> Vec<Property> {
        let length = self.varint();
        let block = self.take(length);
        let mut fields = Fields(&block);
        let mut found = Vec::new();
        while !fields.0.is_empty() {
            let id = fields.byte();
            let value = fields.take(value_len(id, fields.0));
            found.push((id, value));
        }
        found.sort_by_key(|(id, _)| *id);
        found
    }
}

/// How long the value of a property is that begins here (2.2.2.2).
fn value_len(id: u8, bytes: &[u8]) -> usize {
    let string = |at: usize| 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    match id {
        1 | 23 | 25 | 36 | 37 | 40 | 41 | 42 => 1,
        19 | 33 | 34 | 35 => 2,
        2 | 17 | 24 | 39 => 4,
        11 => 1 + bytes.iter().take_while(|byte| **byte & 0x80 != 0).count(),
        38 => string(0) + string(string(0)),
        3 | 8 | 9 | 18 | 21 | 22 | 26 | 28 | 31 => string(0),
        unknown => panic!("the broker sent property {unknown}, which does not exist"),
    }
}

/// A CONNACK's fields.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnAck {
    pub flags: u8,
    pub code: u8,
    pub properties: Vec<Property>,
}

impl ConnAck {
    pub fn of(packet: &Packet, version: Version) -> ConnAck {
        assert_eq!(packet.first, 0x20, "a CONNACK, not {packet:?}");
        let mut fields = Fields(&packet.body);
        let (flags, code) = (fields.byte(), fields.byte());
        let properties = match version {
            V5 => fields.properties(),
            Version::V311 => Vec::new(),
        };
        assert!(fields.0.is_empty(), "bytes follow a CONNACK's last field");
        ConnAck {
            flags,
            code,
            properties,
        }
    }

    pub fn session_present(&self) -> bool {
        self.flags == 1
    }

    /// The value of a property, if it is there.
    pub fn property(&self, id: u8) -> Option<Vec<u8>> {
        let found = self.properties.iter().find(|(other, _)| *other == id);
        found.map(|(_, value)| value.clone())
    }

    /// The value of a two-byte property.
    pub fn short(&self, id: u8) -> Option<u16> {
        Some(Fields(&self.property(id)?).short())
    }
}

impl Publish {
    pub fn of(packet: &Packet, version: Version) -> Publish {
        assert_eq!(packet.first >> 4, 3, "a PUBLISH, not {packet:?}");
        let qos = packet.first >> 1 & 3;
        let mut fields = Fields(&packet.body);
        let topic = fields.text();
        let id = if qos > 0 { fields.short() } else { 0 };
        let properties = match version {
            V5 => fields.properties(),
            Version::V311 => Vec::new(),
        };
        Publish {
            topic,
            payload: fields.0.to_vec(),
            qos,
            dup: packet.first & 8 != 0,
            retain: packet.first & 1 != 0,
            id,
            properties,
        }
    }
}
