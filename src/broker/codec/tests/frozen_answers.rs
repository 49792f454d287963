//! Bytes that never change: subscriptions, acknowledgements and the end.

use bytes::Bytes;

use super::frozen::check;
use super::{decode, encoded, id};
use crate::broker::codec::*;

#[test]
fn acknowledgements() {
    type Wrap = fn(Ack) -> Packet;
    let kinds: [(Wrap, u8, Reason); 4] = [
        (Packet::PubAck, 0x40, Reason::NoMatchingSubscribers),
        (Packet::PubRec, 0x50, Reason::QuotaExceeded),
        (Packet::PubRel, 0x62, Reason::PacketIdentifierNotFound),
        (Packet::PubComp, 0x70, Reason::PacketIdentifierNotFound),
    ];
    for (kind, first, reason) in kinds {
        let ack = |reason, text: Option<&str>| {
            kind(Ack {
                packet_id: id(10),
                reason,
                reason_string: text.map(Into::into),
            })
        };
        let short = [first, 2, 0, 10];
        check(ack(Reason::Success, None), Version::V311, &short);
        check(ack(Reason::Success, None), Version::V5, &short);
        assert_eq!(encoded(&ack(reason, Some("no")), Version::V311), short);
        let code = reason.code();
        check(ack(reason, None), Version::V5, &[first, 3, 0, 10, code]);
        check(
            ack(reason, Some("no")),
            Version::V5,
            &[first, 9, 0, 10, code, 5, 0x1f, 0, 2, b'n', b'o'],
        );
    }
}

#[test]
fn subscribe() {
    let subscribe = |options| {
        Packet::Subscribe(Box::new(Subscribe {
            packet_id: id(10),
            id: None,
            filters: vec![("a/#".into(), options)],
            user_properties: Vec::new(),
        }))
    };
    let plain = SubscriptionOptions {
        qos: Qos::ExactlyOnce,
        ..SubscriptionOptions::default()
    };
    check(
        subscribe(plain),
        Version::V311,
        b"\x82\x08\x00\x0a\x00\x03a/#\x02",
    );
    check(
        subscribe(plain),
        Version::V5,
        b"\x82\x09\x00\x0a\x00\x00\x03a/#\x02",
    );
    let all = SubscriptionOptions {
        qos: Qos::AtLeastOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    check(
        Packet::Subscribe(Box::new(Subscribe {
            packet_id: id(10),
            id: Some(128),
            filters: vec![("+".into(), all), ("$share/g/a".into(), plain)],
            user_properties: vec![("k".into(), "v".into())],
        })),
        Version::V5,
        b"\x82\x1e\x00\x0a\x0a\x0b\x80\x01\x26\x00\x01k\x00\x01v\x00\x01+\x2d\x00\x0a$share/g/a\x02",
    );
}

#[test]
fn unsubscribe() {
    let packet = Packet::Unsubscribe(Box::new(Unsubscribe {
        packet_id: id(10),
        filters: vec!["a".into(), "b".into()],
        user_properties: Vec::new(),
    }));
    check(
        packet.clone(),
        Version::V311,
        b"\xa2\x08\x00\x0a\x00\x01a\x00\x01b",
    );
    check(
        packet,
        Version::V5,
        b"\xa2\x09\x00\x0a\x00\x00\x01a\x00\x01b",
    );
}

#[test]
fn suback_and_unsuback() {
    let answer = |reasons: &[Reason]| SubAck {
        packet_id: id(10),
        reasons: reasons.to_vec(),
        reason_string: None,
    };
    let granted = [
        Reason::Success,
        Reason::GrantedQos2,
        Reason::UnspecifiedError,
    ];
    check(
        Packet::SubAck(answer(&granted)),
        Version::V311,
        b"\x90\x05\x00\x0a\x00\x02\x80",
    );
    check(
        Packet::SubAck(answer(&granted)),
        Version::V5,
        b"\x90\x06\x00\x0a\x00\x00\x02\x80",
    );
    let refused = Packet::SubAck(answer(&[Reason::NotAuthorized]));
    assert_eq!(encoded(&refused, Version::V311), b"\x90\x03\x00\x0a\x80");
    check(
        Packet::UnsubAck(answer(&[])),
        Version::V311,
        b"\xb0\x02\x00\x0a",
    );
    let gone = Packet::UnsubAck(answer(&[Reason::Success, Reason::NoSubscriptionExisted]));
    assert_eq!(encoded(&gone, Version::V311), b"\xb0\x02\x00\x0a");
    check(gone, Version::V5, b"\xb0\x05\x00\x0a\x00\x00\x11");
}

#[test]
fn pings() {
    for version in [Version::V311, Version::V5] {
        check(Packet::PingReq, version, b"\xc0\x00");
        check(Packet::PingResp, version, b"\xd0\x00");
    }
}

#[test]
fn disconnect() {
    let disconnect = |reason| Disconnect {
        reason,
        ..Disconnect::default()
    };
    let normal = Packet::Disconnect(disconnect(Reason::Success));
    check(normal.clone(), Version::V311, b"\xe0\x00");
    check(normal, Version::V5, b"\xe0\x00");
    let taken_over = Packet::Disconnect(disconnect(Reason::SessionTakenOver));
    assert_eq!(encoded(&taken_over, Version::V311), b"\xe0\x00");
    check(taken_over, Version::V5, b"\xe0\x02\x8e\x00");
    check(
        Packet::Disconnect(Disconnect {
            reason: Reason::ServerMoved,
            session_expiry: Some(1),
            reason_string: Some("r".into()),
            server_reference: Some("s".into()),
            user_properties: vec![("k".into(), "v".into())],
        }),
        Version::V5,
        b"\xe0\x16\x9d\x14\x11\x00\x00\x00\x01\x1f\x00\x01r\x1c\x00\x01s\x26\x00\x01k\x00\x01v",
    );
}

#[test]
fn auth() {
    check(Packet::Auth(Box::default()), Version::V5, b"\xf0\x00");
    check(
        Packet::Auth(Box::new(Auth {
            reason: Reason::ContinueAuthentication,
            authentication_method: Some("m".into()),
            authentication_data: Some(Bytes::from_static(b"d")),
            reason_string: Some("r".into()),
            user_properties: vec![("k".into(), "v".into())],
        })),
        Version::V5,
        b"\xf0\x15\x18\x13\x15\x00\x01m\x16\x00\x01d\x1f\x00\x01r\x26\x00\x01k\x00\x01v",
    );
}

#[test]
fn other_forms_of_the_same_are_read_too() {
    for (bytes, version) in [
        (&b"\x40\x03\x00\x0a\x00"[..], Version::V5),
        (b"\x40\x04\x00\x0a\x00\x00", Version::V5),
        (b"\xe0\x02\x00\x00", Version::V5),
        (b"\xe0\x01\x8e", Version::V5),
        (b"\xf0\x06\x00\x04\x15\x00\x01m", Version::V5),
        // 3.1.1 does not ask for the shortest form of the remaining length.
        (b"\xc0\x80\x00", Version::V311),
    ] {
        assert!(
            matches!(decode(bytes, version), Ok(Some(_))),
            "{bytes:02x?}"
        );
    }
}
