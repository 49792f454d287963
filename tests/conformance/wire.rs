//! MQTT as bytes: packets built and read field by field, by nothing that the
//! broker itself is made of.

/// The protocol version that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V311,
    V5,
}

pub use Version::{V5, V311};

pub const BOTH: [Version; 2] = [V311, V5];

/// One property: its identifier and its value as it travels.
pub type Property = (u8, Vec<u8>);

/// A packet: its first byte and what follows the remaining length.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    pub first: u8,
    pub body: Vec<u8>,
}

/// A packet's bytes, with the remaining length that its body has.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first], varint(body.len()).as_slice(), body].concat()
}

pub fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value % 128).unwrap();
        value /= 128;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Bytes after their length.
pub fn binary(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

pub fn text(text: &str) -> Vec<u8> {
    binary(text.as_bytes())
}

/// A block of properties after its length; 3.1.1 has none.
pub fn properties(version: Version, properties: &[Property]) -> Vec<u8> {
    if version == V311 {
        return Vec::new();
    }
    let mut block = Vec::new();
    for (id, value) in properties {
        block.push(*id);
        block.extend(value);
    }
    [varint(block.len()), block].concat()
}

pub mod property {
    use super::{Property, binary, text, varint};

    pub fn byte(id: u8, value: u8) -> Property {
        (id, vec![value])
    }

    pub fn short(id: u8, value: u16) -> Property {
        (id, value.to_be_bytes().to_vec())
    }

    pub fn long(id: u8, value: u32) -> Property {
        (id, value.to_be_bytes().to_vec())
    }

    pub fn string(id: u8, value: &str) -> Property {
        (id, text(value))
    }

    pub fn user(name: &str, value: &str) -> Property {
        (38, [text(name), text(value)].concat())
    }

    pub fn message_expiry(seconds: u32) -> Property {
        long(2, seconds)
    }

    pub fn correlation(data: &[u8]) -> Property {
        (9, binary(data))
    }

    pub fn subscription_id(id: usize) -> Property {
        (11, varint(id))
    }

    pub fn session_expiry(seconds: u32) -> Property {
        long(17, seconds)
    }

    pub fn will_delay(seconds: u32) -> Property {
        long(24, seconds)
    }

    pub fn receive_maximum(count: u16) -> Property {
        short(33, count)
    }

    pub fn topic_alias_maximum(count: u16) -> Property {
        short(34, count)
    }

    pub fn topic_alias(alias: u16) -> Property {
        short(35, alias)
    }

    pub fn maximum_packet_size(bytes: u32) -> Property {
        long(39, bytes)
    }
}

/// CONNECT.
#[derive(Clone, Debug)]
pub struct Connect {
    pub version: Version,
    pub id: Vec<u8>,
    pub clean: bool,
    pub keep_alive: u16,
    pub properties: Vec<Property>,
    pub will: Option<Will>,
    pub username: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    /// Bits on top of those that the other fields ask for.
    pub more_flags: u8,
}

#[derive(Clone, Debug)]
pub struct Will {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub properties: Vec<Property>,
}

pub fn will(topic: &str, payload: &str) -> Will {
    Will {
        topic: topic.into(),
        payload: payload.into(),
        qos: 0,
        retain: false,
        properties: Vec::new(),
    }
}

/// A CONNECT with a clean start and no keep alive.
pub fn connect(version: Version, id: &str) -> Connect {
    Connect {
        version,
        id: id.into(),
        clean: true,
        keep_alive: 0,
        properties: Vec::new(),
        will: None,
        username: None,
        password: None,
        more_flags: 0,
    }
}

/// A CONNECT of a client whose session outlives its connection.
pub fn lasting(version: Version, id: &str) -> Connect {
    let expiry = match version {
        V311 => Vec::new(),
        V5 => vec![property::session_expiry(600)],
    };
    Connect {
        clean: false,
        properties: expiry,
        ..connect(version, id)
    }
}

impl Connect {
    pub fn with(mut self, property: Property) -> Connect {
        self.properties.push(property);
        self
    }

    pub fn with_will(self, will: Will) -> Connect {
        Connect {
            will: Some(will),
            ..self
        }
    }

    pub fn login(self, user: &str, password: &str) -> Connect {
        Connect {
            username: Some(user.into()),
            password: Some(password.into()),
            ..self
        }
    }

    pub fn keep_alive(self, seconds: u16) -> Connect {
        Connect {
            keep_alive: seconds,
            ..self
        }
    }

    pub fn clean(self, clean: bool) -> Connect {
        Connect { clean, ..self }
    }

    fn flags(&self) -> u8 {
        let will = self
            .will
            .as_ref()
            .map_or(0, |will| 0x04 | will.qos << 3 | u8::from(will.retain) << 5);
        let clean = u8::from(self.clean) << 1;
        let username = u8::from(self.username.is_some()) << 7;
        let password = u8::from(self.password.is_some()) << 6;
        will | clean | username | password | self.more_flags
    }

    pub fn bytes(&self) -> Vec<u8> {
        let level = match self.version {
            V311 => 4,
            V5 => 5,
        };
        self.bytes_as("MQTT", level)
    }

    /// The same under another protocol name and level.
    pub fn bytes_as(&self, protocol: &str, level: u8) -> Vec<u8> {
        let mut body = text(protocol);
        body.extend([level, self.flags()]);
        body.extend(self.keep_alive.to_be_bytes());
        body.extend(properties(self.version, &self.properties));
        body.extend(binary(&self.id));
        if let Some(will) = &self.will {
            body.extend(properties(self.version, &will.properties));
            body.extend(binary(&will.topic));
            body.extend(binary(&will.payload));
        }
        for field in [&self.username, &self.password].into_iter().flatten() {
            body.extend(binary(field));
        }
        packet(0x10, &body)
    }
}

/// PUBLISH, as it is sent and as it arrives.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub dup: bool,
    pub retain: bool,
    /// 0 when there is none.
    pub id: u16,
    /// Sorted by their identifier; those with the same one keep their order.
    pub properties: Vec<Property>,
}

/// A QoS 0 message.
pub fn publish(topic: &str, payload: &str) -> Publish {
    Publish {
        topic: topic.to_owned(),
        payload: payload.into(),
        qos: 0,
        dup: false,
        retain: false,
        id: 0,
        properties: Vec::new(),
    }
}

impl Publish {
    pub fn qos(self, qos: u8, id: u16) -> Publish {
        Publish { qos, id, ..self }
    }

    pub fn retained(self) -> Publish {
        Publish {
            retain: true,
            ..self
        }
    }

    pub fn again(self) -> Publish {
        Publish { dup: true, ..self }
    }

    pub fn with(mut self, property: Property) -> Publish {
        self.properties.push(property);
        self.properties.sort_by_key(|(id, _)| *id);
        self
    }

    pub fn bytes(&self, version: Version) -> Vec<u8> {
        let first = 0x30 | u8::from(self.dup) << 3 | self.qos << 1 | u8::from(self.retain);
        let mut body = text(&self.topic);
        if self.qos > 0 {
            body.extend(self.id.to_be_bytes());
        }
        body.extend(properties(version, &self.properties));
        body.extend(&self.payload);
        packet(first, &body)
    }
}

/// SUBSCRIBE to filters with their options byte.
pub fn subscribe(version: Version, id: u16, with: &[Property], filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(properties(version, with));
    for (filter, options) in filters {
        body.extend(text(filter));
        body.push(*options);
    }
    packet(0x82, &body)
}

/// SUBACK with these codes.
pub fn suback(version: Version, id: u16, codes: &[u8]) -> Vec<u8> {
    let none = properties(version, &[]);
    packet(0x90, &[&id.to_be_bytes(), none.as_slice(), codes].concat())
}

/// UNSUBSCRIBE from filters.
pub fn unsubscribe(version: Version, id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(properties(version, &[]));
    filters.iter().for_each(|filter| body.extend(text(filter)));
    packet(0xa2, &body)
}

/// UNSUBACK; 3.1.1 says no codes.
pub fn unsuback(version: Version, id: u16, codes: &[u8]) -> Vec<u8> {
    match version {
        V311 => packet(0xb0, &id.to_be_bytes()),
        V5 => packet(0xb0, &[&id.to_be_bytes(), [0].as_slice(), codes].concat()),
    }
}

pub const PUBACK: u8 = 0x40;
pub const PUBREC: u8 = 0x50;
pub const PUBREL: u8 = 0x62;
pub const PUBCOMP: u8 = 0x70;

/// An acknowledgement of success.
pub fn ack(first: u8, id: u16) -> Vec<u8> {
    packet(first, &id.to_be_bytes())
}

/// An acknowledgement with a reason, as 5.0 has it.
pub fn ack_because(first: u8, id: u16, reason: u8) -> Vec<u8> {
    packet(first, &[id.to_be_bytes().as_slice(), &[reason]].concat())
}

pub const PINGREQ: [u8; 2] = [0xc0, 0];
pub const PINGRESP: [u8; 2] = [0xd0, 0];
pub const DISCONNECT: [u8; 2] = [0xe0, 0];
