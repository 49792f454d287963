//! The codec against frozen bytes, against the standard's prohibitions, against
//! arbitrary and hostile input, and against two codecs by others.

mod arbitrary;
mod arbitrary_sessions;
mod frozen;
mod frozen_answers;
mod hostile;
mod peers;
mod refusals;
mod refused_messages;
mod round_trip;

use bytes::BytesMut;

use super::*;

const LIMIT: usize = 1 << 20;

/// Decodes the one packet in `bytes`, on a connection of that version.
fn decode(bytes: &[u8], version: Version) -> Result<Option<Packet>, DecodeError> {
    Decoder::with_version(version, LIMIT).decode(&mut BytesMut::from(bytes))
}

/// Decodes the first packet of a connection.
fn decode_first(bytes: &[u8]) -> Result<Option<Packet>, DecodeError> {
    Decoder::new(LIMIT).decode(&mut BytesMut::from(bytes))
}

fn encoded(packet: &Packet, version: Version) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode(packet, version, &mut out);
    out.to_vec()
}

fn id(id: u16) -> PacketId {
    PacketId::new(id).unwrap()
}
