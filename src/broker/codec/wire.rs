//! The data types of MQTT on the wire (1.5): integers, variable byte integers,
//! strings and binary data, read strictly and written to any [`Sink`].

use bytes::BytesMut;

use super::error::DecodeError;
use super::packet::PacketId;

/// The largest variable byte integer, and so the longest body of a packet.
pub(super) const MAX_VARINT: u32 = 268_435_455;

/// The first bytes of a buffer, read as a variable byte integer (1.5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Varint {
    /// More bytes must come first.
    Incomplete,
    /// A fourth byte says that a fifth follows.
    TooLong,
    Value {
        value: u32,
        size: usize,
    },
}

impl Varint {
    pub(super) fn peek(bytes: &[u8]) -> Varint {
        let mut value = 0;
        for (at, &byte) in bytes.iter().take(4).enumerate() {
            value |= u32::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Varint::Value {
                    value,
                    size: at + 1,
                };
            }
        }
        if bytes.len() < 4 {
            Varint::Incomplete
        } else {
            Varint::TooLong
        }
    }
}

/// How many bytes a variable byte integer takes.
pub(super) fn varint_len(value: usize) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    }
}

/// Reads the fields of one packet, or of one part of it, front to back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(DecodeError::truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(DecodeError::truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(DecodeError::truncated)?;
        self.rest = rest;
        Ok(u16::from_be_bytes(*bytes))
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(DecodeError::truncated)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// A variable byte integer in its shortest form [MQTT-1.5.5-1].
    pub(super) fn varint(&mut self) -> Result<u32, DecodeError> {
        match Varint::peek(self.rest) {
            Varint::Incomplete => Err(DecodeError::truncated()),
            Varint::TooLong => Err(overlong("it takes more than four bytes")),
            Varint::Value { value, size } if size > varint_len(value as usize) => {
                Err(overlong("it is not in its shortest form"))
            }
            Varint::Value { value, size } => {
                self.take(size)?;
                Ok(value)
            }
        }
    }

    /// Bytes after their length (1.5.6).
    pub(super) fn binary(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// A UTF-8 string without U+0000 (1.5.4).
    pub(super) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let text = std::str::from_utf8(self.binary()?)
            .map_err(|_| DecodeError::malformed("1.5.4", "a string is not UTF-8"))?;
        if text.as_bytes().contains(&0) {
            return Err(DecodeError::malformed("1.5.4", "a string holds U+0000"));
        }
        Ok(text)
    }

    /// A packet identifier, which is never 0 (2.2.1).
    pub(super) fn packet_id(&mut self) -> Result<PacketId, DecodeError> {
        PacketId::new(self.u16()?)
            .ok_or_else(|| DecodeError::protocol("2.2.1", "its packet identifier is 0"))
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.is_empty() {
            return Ok(());
        }
        Err(DecodeError::malformed(
            "2.1.4",
            "bytes follow its last field",
        ))
    }
}

pub(super) fn overlong(what: &'static str) -> DecodeError {
    DecodeError::malformed("1.5.5", format!("a variable byte integer is wrong: {what}"))
}

/// Takes encoded fields: a buffer, or a [`Counter`] that only measures them.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]);

    fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    /// `value` is at most [`MAX_VARINT`]; nothing larger can be said.
    fn varint(&mut self, value: usize) {
        debug_assert!(value <= MAX_VARINT as usize, "{value} has no encoding");
        let mut rest = value;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                return self.u8(low);
            }
            self.u8(low | 0x80);
        }
    }

    /// Bytes after their length. What exceeds 65,535 bytes is cut, so that an
    /// oversized field cannot shift the fields after it.
    fn binary(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.u16(length);
        self.put(&bytes[..length.into()]);
    }

    /// A string after its length, cut between characters at 65,535 bytes.
    fn text(&mut self, text: &str) {
        let end = text.floor_char_boundary(u16::MAX.into());
        self.binary(&text.as_bytes()[..end]);
    }
}

impl Sink for BytesMut {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Measures what it is given.
#[derive(Debug, Default)]
pub(super) struct Counter(pub(super) usize);

impl Sink for Counter {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

/// The size of what `write` writes.
pub(super) fn measure(write: impl FnOnce(&mut Counter)) -> usize {
    let mut counter = Counter::default();
    write(&mut counter);
    counter.0
}
