//! Bytes to packets, one packet at a time.
//!
//! The decoder is as strict as the standard asks, and takes nothing on trust: a
//! length is judged when it is announced, before a byte is kept for it.

use bytes::{Buf, BytesMut};

use super::error::DecodeError;
use super::kind::Kind;
use super::packet::{Packet, Version};
use super::reason::Reason;
use super::wire::{self, Reader, Varint, varint_len};
use super::{ack, connack, connect, publish, session_end, subscribe};

/// A PUBLISH above this many bytes keeps its payload where it was read; smaller ones
/// are copied, so that a queued reading does not hold a buffer full of others.
const SHARED: usize = 8 * 1024;

/// Reads the packets of one connection, in either direction.
#[derive(Clone, Debug)]
pub struct Decoder {
    version: Option<Version>,
    limit: usize,
}

/// The first bytes of a packet (2.1).
#[derive(Clone, Copy, Debug)]
struct Frame {
    first: u8,
    kind: Kind,
    /// Where the body starts and ends.
    start: usize,
    end: usize,
}

impl Decoder {
    /// For the broker's side of a new connection: CONNECT must come first.
    ///
    /// `limit` is the largest packet, header included, in bytes; it can be far
    /// smaller here than after the client was let in.
    pub fn new(limit: usize) -> Decoder {
        Decoder {
            version: None,
            limit,
        }
    }

    /// For a client, and for a connection whose version is known.
    pub fn with_version(version: Version, limit: usize) -> Decoder {
        Decoder {
            version: Some(version),
            limit,
        }
    }

    /// The client is in: from now on packets up to `limit` bytes are read.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The version that CONNECT named, also when something after it was wrong:
    /// the answer to a faulty CONNECT is written in it.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// Takes one packet off the front of `buffer`; `None` if more bytes must come.
    ///
    /// # Errors
    /// When the bytes are no packet, or one that may not be sent. The connection is
    /// over then; what is left in `buffer` means nothing.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Packet>, DecodeError> {
        let Some(frame) = self.frame(buffer)? else {
            return Ok(None);
        };
        self.packet(frame, buffer)
            .map(Some)
            .map_err(|error| error.in_packet(frame.kind.name()))
    }

    /// The frame of the next packet, once all of it is there.
    fn frame(&self, buffer: &[u8]) -> Result<Option<Frame>, DecodeError> {
        let Some(&first) = buffer.first() else {
            return Ok(None);
        };
        let kind = Kind::of(first, self.version)?;
        let (length, size) = match Varint::peek(&buffer[1..]) {
            Varint::Incomplete => return Ok(None),
            Varint::TooLong => {
                let error = wire::overlong("the remaining length takes more than four bytes");
                return Err(error.in_packet(kind.name()));
            }
            Varint::Value { value, size } => (value as usize, size),
        };
        let frame = Frame {
            first,
            kind,
            start: 1 + size,
            end: 1 + size + length,
        };
        self.check_size(frame)
            .map_err(|error| error.in_packet(kind.name()))?;
        Ok((buffer.len() >= frame.end).then_some(frame))
    }

    fn check_size(&self, frame: Frame) -> Result<(), DecodeError> {
        if frame.end > self.limit {
            let message = format!(
                "it announces {} bytes; at most {} are taken",
                frame.end, self.limit
            );
            let section = "3.1.2.11.4";
            return Err(DecodeError::new(Reason::PacketTooLarge, section, message));
        }
        match self.version {
            Some(Version::V5) => frame.check_shortest(),
            // 3.1.1 does not ask for the shortest form.
            _ => Ok(()),
        }
    }

    fn packet(&mut self, frame: Frame, buffer: &mut BytesMut) -> Result<Packet, DecodeError> {
        let version = match self.version {
            Some(version) => version,
            None => return self.first_packet(frame, buffer),
        };
        let body = Reader::new(&buffer[frame.start..frame.end]);
        if frame.kind == Kind::Publish && body.len() > SHARED {
            let (mut message, payload) = publish::read_head(frame.first, version, body)?;
            let from = frame.end - payload.len();
            message.payload = buffer.split_to(frame.end).freeze().slice(from..);
            return Ok(Packet::Publish(message));
        }
        let packet = read(frame, version, body)?;
        buffer.advance(frame.end);
        Ok(packet)
    }

    fn first_packet(&mut self, frame: Frame, buffer: &mut BytesMut) -> Result<Packet, DecodeError> {
        let mut reader = Reader::new(&buffer[frame.start..frame.end]);
        let version = connect::read_version(&mut reader)?;
        self.version = Some(version);
        if version == Version::V5 {
            frame.check_shortest()?;
        }
        let packet = connect::read(version, reader)?;
        buffer.advance(frame.end);
        Ok(Packet::Connect(Box::new(packet)))
    }
}

impl Frame {
    fn check_shortest(self) -> Result<(), DecodeError> {
        if self.start > 1 + varint_len(self.end - self.start) {
            return Err(wire::overlong(
                "the remaining length is not in its shortest form",
            ));
        }
        Ok(())
    }
}

fn read(frame: Frame, version: Version, mut reader: Reader<'_>) -> Result<Packet, DecodeError> {
    let kind = frame.kind;
    Ok(match kind {
        Kind::Connect => {
            let version = connect::read_version(&mut reader)?;
            Packet::Connect(Box::new(connect::read(version, reader)?))
        }
        Kind::ConnAck => Packet::ConnAck(Box::new(connack::read(version, reader)?)),
        Kind::Publish => Packet::Publish(publish::read(frame.first, version, reader)?),
        Kind::PubAck => Packet::PubAck(ack::read(kind, version, reader)?),
        Kind::PubRec => Packet::PubRec(ack::read(kind, version, reader)?),
        Kind::PubRel => Packet::PubRel(ack::read(kind, version, reader)?),
        Kind::PubComp => Packet::PubComp(ack::read(kind, version, reader)?),
        Kind::Subscribe => Packet::Subscribe(Box::new(subscribe::read(version, reader)?)),
        Kind::SubAck => Packet::SubAck(subscribe::read_suback(version, reader)?),
        Kind::Unsubscribe => {
            Packet::Unsubscribe(Box::new(subscribe::read_unsubscribe(version, reader)?))
        }
        Kind::UnsubAck => Packet::UnsubAck(subscribe::read_unsuback(version, reader)?),
        Kind::PingReq => reader.finish().map(|()| Packet::PingReq)?,
        Kind::PingResp => reader.finish().map(|()| Packet::PingResp)?,
        Kind::Disconnect => Packet::Disconnect(session_end::read(version, reader)?),
        Kind::Auth => Packet::Auth(Box::new(session_end::read_auth(reader)?)),
    })
}
