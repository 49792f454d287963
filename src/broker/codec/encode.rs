//! Packets to bytes.

use bytes::BytesMut;

use super::kind::Kind;
use super::packet::{Packet, Version};
use super::wire::{Sink, measure, varint_len};
use super::{ack, connack, connect, publish, session_end, subscribe};

/// Appends `packet` as `version` writes it.
///
/// 3.1.1 leaves out what it has no words for: properties, most reasons, AUTH and
/// what a server says at the end. A CONNECT is written in its own version.
pub fn encode(packet: &Packet, version: Version, out: &mut BytesMut) {
    let kind = Kind::of_packet(packet);
    match packet {
        Packet::Publish(message) => publish::encode_publish(
            out,
            version,
            &publish::head(message),
            &message.topic,
            &message.payload,
            &message.properties,
        ),
        Packet::Auth(_) if version == Version::V311 => {}
        _ => {
            let body = body_len(packet, version);
            out.reserve(1 + varint_len(body) + body);
            out.u8(kind.first_byte());
            out.varint(body);
            write_body(packet, version, out);
        }
    }
}

/// The exact size of what [`encode`] appends, in bytes, header included: what a
/// receiver's Maximum Packet Size counts (3.1.2.11.4).
pub fn encoded_len(packet: &Packet, version: Version) -> usize {
    match packet {
        Packet::Publish(message) => publish::publish_len(
            version,
            &publish::head(message),
            &message.topic,
            message.payload.len(),
            &message.properties,
        ),
        Packet::Auth(_) if version == Version::V311 => 0,
        _ => {
            let body = body_len(packet, version);
            1 + varint_len(body) + body
        }
    }
}

fn body_len(packet: &Packet, version: Version) -> usize {
    measure(|counter| write_body(packet, version, counter))
}

fn write_body(packet: &Packet, version: Version, out: &mut dyn Sink) {
    match packet {
        Packet::Connect(packet) => connect::write(packet, out),
        Packet::ConnAck(packet) => connack::write(packet, version, out),
        Packet::PubAck(packet)
        | Packet::PubRec(packet)
        | Packet::PubRel(packet)
        | Packet::PubComp(packet) => ack::write(packet, version, out),
        Packet::Subscribe(packet) => subscribe::write(packet, version, out),
        Packet::SubAck(packet) => subscribe::write_suback(packet, version, out),
        Packet::Unsubscribe(packet) => subscribe::write_unsubscribe(packet, version, out),
        Packet::UnsubAck(packet) => subscribe::write_unsuback(packet, version, out),
        Packet::Disconnect(packet) => session_end::write(packet, version, out),
        Packet::Auth(packet) => session_end::write_auth(packet, out),
        // PUBLISH has a path of its own; the pings have no body.
        Packet::Publish(_) | Packet::PingReq | Packet::PingResp => {}
    }
}
