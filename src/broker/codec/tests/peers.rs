//! The codec against `rmqtt-codec` and rumqttc's `mqttbytes`: they read what it
//! writes, it reads what they write back, and it accepts no damaged packet that
//! they refuse. Where they part from the standard is said at each exception.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tokio_util::codec::{Decoder as _, Encoder as _};

use super::hostile::damaged;
use super::{LIMIT, arbitrary, decode, encoded};
use crate::broker::codec::*;

/// What rmqtt makes of the bytes, written again; `None` if it refuses them.
fn through_rmqtt(bytes: &[u8], version: Version) -> Option<Vec<u8>> {
    let mut buffer = BytesMut::from(bytes);
    let mut out = BytesMut::new();
    match version {
        Version::V311 => {
            let mut codec = rmqtt_codec::v3::Codec::new(0);
            let (packet, _) = codec.decode(&mut buffer).ok()??;
            codec.encode(packet, &mut out).ok()?;
        }
        Version::V5 => {
            let mut codec = rmqtt_codec::v5::Codec::new(0, 0);
            let (packet, _) = codec.decode(&mut buffer).ok()??;
            // A fresh one, because it drops properties once a CONNECT asked for it.
            let mut codec = rmqtt_codec::v5::Codec::new(0, 0);
            codec.encode(packet, &mut out).ok()?;
        }
    }
    Some(out.to_vec())
}

fn through_rumqttc(bytes: &[u8], version: Version) -> Option<Vec<u8>> {
    let mut buffer = BytesMut::from(bytes);
    let mut out = BytesMut::new();
    match version {
        Version::V311 => {
            let packet = rumqttc::mqttbytes::v4::Packet::read(&mut buffer, LIMIT).ok()?;
            packet.write(&mut out, LIMIT).ok()?;
        }
        Version::V5 => {
            let packet = rumqttc::v5::mqttbytes::v5::Packet::read(&mut buffer, None).ok()?;
            packet.write(&mut out, None).ok()?;
        }
    }
    Some(out.to_vec())
}

/// Where rmqtt is stricter than the standard or forgets a difference that the
/// standard does not make, the packet is changed to one on which all agree.
fn as_rmqtt_knows_it(packet: &mut Packet) {
    match packet {
        // Refused by rmqtt while decoding. 5.0 lets the server assign an id, and
        // 3.1.1 asks for the answer CONNACK 2; here the router decides.
        Packet::Connect(connect) if connect.client_id.is_empty() => {
            connect.client_id = "c".into();
        }
        // Told as its default, a property is forgotten.
        Packet::ConnAck(connack) => {
            connack.receive_maximum = connack.receive_maximum.filter(|it| *it != u16::MAX);
            connack.topic_alias_maximum = connack.topic_alias_maximum.filter(|it| *it != 0);
            for available in [
                &mut connack.retain_available,
                &mut connack.wildcard_subscription_available,
                &mut connack.subscription_ids_available,
                &mut connack.shared_subscription_available,
            ] {
                *available = available.filter(|it| !it);
            }
        }
        // So is the payload's format, when it is told to be unknown.
        Packet::Publish(publish) => forget_unknown_format(&mut publish.properties),
        _ => {}
    }
    if let Packet::Connect(connect) = packet
        && let Some(will) = &mut connect.will
    {
        forget_unknown_format(&mut will.properties);
    }
}

fn without_client_id(packet: &Packet) -> bool {
    matches!(packet, Packet::Connect(connect) if connect.client_id.is_empty())
}

fn forget_unknown_format(properties: &mut PublishProperties) {
    let Some(rare) = &mut properties.rare else {
        return;
    };
    let rare = Arc::make_mut(rare);
    rare.payload_is_utf8 = rare.payload_is_utf8.filter(|it| *it);
    if *rare == RareProperties::default() {
        properties.rare = None;
    }
}

/// rumqttc reads neither AUTH nor the DISCONNECT of 5.0 that has no body.
fn rumqttc_reads(packet: &Packet) -> bool {
    match packet {
        Packet::Auth(_) => false,
        Packet::Disconnect(disconnect) => *disconnect != Disconnect::default(),
        _ => true,
    }
}

/// The same for rumqttc.
fn as_rumqttc_knows_it(packet: &mut Packet) {
    // It counts a subscription id's first byte twice.
    if let Packet::Publish(publish) = packet {
        publish.subscription_ids.clear();
    }
    if let Packet::Connect(connect) = packet {
        // Empty user names and passwords count as absent, a password has to be
        // text, and what is missing beside the other one is sent empty.
        connect.username = connect.username.take().filter(|it| !it.is_empty());
        let both = connect.username.is_some();
        connect.password = both.then(|| Bytes::from_static(b"secret"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn rmqtt_3_1_1_agrees(mut packet in arbitrary::packet(Version::V311)) {
        as_rmqtt_knows_it(&mut packet);
        let bytes = encoded(&packet, Version::V311);
        let back = through_rmqtt(&bytes, Version::V311);
        prop_assert!(back.is_some(), "refused {:02x?}", bytes);
        prop_assert_eq!(decode(&back.unwrap(), Version::V311), Ok(Some(packet)));
    }

    #[test]
    fn rmqtt_5_agrees(mut packet in arbitrary::packet(Version::V5)) {
        as_rmqtt_knows_it(&mut packet);
        let bytes = encoded(&packet, Version::V5);
        let back = through_rmqtt(&bytes, Version::V5);
        prop_assert!(back.is_some(), "refused {:02x?}", bytes);
        prop_assert_eq!(decode(&back.unwrap(), Version::V5), Ok(Some(packet)));
    }

    #[test]
    fn rumqttc_3_1_1_agrees(mut packet in arbitrary::packet(Version::V311)) {
        as_rumqttc_knows_it(&mut packet);
        let bytes = encoded(&packet, Version::V311);
        let back = through_rumqttc(&bytes, Version::V311);
        prop_assert!(back.is_some(), "refused {:02x?}", bytes);
        prop_assert_eq!(decode(&back.unwrap(), Version::V311), Ok(Some(packet)));
    }

    #[test]
    fn rumqttc_5_agrees(mut packet in arbitrary::packet(Version::V5)) {
        if !rumqttc_reads(&packet) {
            return Ok(());
        }
        as_rumqttc_knows_it(&mut packet);
        let bytes = encoded(&packet, Version::V5);
        let back = through_rumqttc(&bytes, Version::V5);
        prop_assert!(back.is_some(), "refused {:02x?}", bytes);
        prop_assert_eq!(decode(&back.unwrap(), Version::V5), Ok(Some(packet)));
    }

    #[test]
    fn what_rmqtt_refuses_is_refused(
        (version, bytes) in arbitrary::version()
            .prop_flat_map(|version| damaged(version).prop_map(move |it| (version, it))),
    ) {
        let Ok(Some(packet)) = decode(&bytes, version) else { return Ok(()) };
        if without_client_id(&packet) {
            return Ok(());
        }
        prop_assert!(through_rmqtt(&bytes, version).is_some(), "{:?} {:02x?}", packet, bytes);
    }
}
