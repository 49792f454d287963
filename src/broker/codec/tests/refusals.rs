//! What the standards forbid in frames, strings and CONNECT, one case a line: bytes,
//! and the reason they earn.

use bytes::BytesMut;

use super::{LIMIT, decode, decode_first};
use crate::broker::codec::Reason::{
    MalformedPacket, ProtocolError, TopicNameInvalid, UnsupportedProtocolVersion,
};
use crate::broker::codec::*;

pub(super) type Case = (&'static str, &'static [u8], Reason);

pub(super) fn refused(cases: &[Case], versions: &[Version]) {
    for (what, bytes, reason) in cases {
        for version in versions {
            match decode(bytes, *version) {
                Err(error) => assert_eq!(error.reason, *reason, "{what}, {version:?}: {error}"),
                accepted => panic!("{what}, {version:?}: {accepted:?}"),
            }
        }
    }
}

fn first_refused(cases: &[Case]) {
    for (what, bytes, reason) in cases {
        match decode_first(bytes) {
            Err(error) => assert_eq!(error.reason, *reason, "{what}: {error}"),
            accepted => panic!("{what}: {accepted:?}"),
        }
    }
}

pub(super) const BOTH: &[Version] = &[Version::V311, Version::V5];
pub(super) const V5: &[Version] = &[Version::V5];
pub(super) const V311: &[Version] = &[Version::V311];

#[test]
fn frames() {
    refused(
        &[
            ("type 0", b"\x00\x00", MalformedPacket),
            ("flags of PINGREQ", b"\xc1\x00", MalformedPacket),
            ("flags of PUBREL", b"\x60\x02\x00\x01", MalformedPacket),
            (
                "flags of SUBSCRIBE",
                b"\x80\x06\x00\x01\x00\x01a\x00",
                MalformedPacket,
            ),
            (
                "five length bytes",
                b"\xc0\xff\xff\xff\xff\x7f",
                MalformedPacket,
            ),
            ("PINGREQ with a body", b"\xc0\x01\x00", MalformedPacket),
            ("a packet too short", b"\x40\x01\x00", MalformedPacket),
            ("packet id 0 in PUBACK", b"\x40\x02\x00\x00", ProtocolError),
            ("packet id 0 in PUBREL", b"\x62\x02\x00\x00", ProtocolError),
        ],
        BOTH,
    );
    refused(
        &[("length not shortest", b"\xc0\x80\x00", MalformedPacket)],
        V5,
    );
    refused(&[("AUTH in 3.1.1", b"\xf0\x00", MalformedPacket)], V311);
    refused(
        &[(
            "trailing byte in PUBACK",
            b"\x40\x03\x00\x01\x00",
            MalformedPacket,
        )],
        V311,
    );
}

#[test]
fn connects() {
    first_refused(&[
        ("not CONNECT", b"\xc0\x00", ProtocolError),
        ("not MQTT", b"GET / HTTP/1.1\r\n", ProtocolError),
        (
            "3.1",
            b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00",
            UnsupportedProtocolVersion,
        ),
        (
            "level 6",
            b"\x10\x0c\x00\x04MQTT\x06\x02\x00\x3c\x00\x00",
            UnsupportedProtocolVersion,
        ),
        (
            "name",
            b"\x10\x0c\x00\x04mqtt\x04\x02\x00\x3c\x00\x00",
            UnsupportedProtocolVersion,
        ),
        (
            "reserved flag",
            b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x3c\x00\x00",
            MalformedPacket,
        ),
        (
            "will QoS, no will",
            b"\x10\x0c\x00\x04MQTT\x04\x0a\x00\x3c\x00\x00",
            MalformedPacket,
        ),
        (
            "will retain, no will",
            b"\x10\x0c\x00\x04MQTT\x04\x22\x00\x3c\x00\x00",
            MalformedPacket,
        ),
        (
            "will QoS 3",
            b"\x10\x12\x00\x04MQTT\x04\x1e\x00\x3c\x00\x00\x00\x01w\x00\x01x",
            MalformedPacket,
        ),
        (
            "will topic",
            b"\x10\x12\x00\x04MQTT\x04\x06\x00\x3c\x00\x00\x00\x01#\x00\x01x",
            TopicNameInvalid,
        ),
        (
            "no will topic",
            b"\x10\x11\x00\x04MQTT\x04\x06\x00\x3c\x00\x00\x00\x00\x00\x01x",
            TopicNameInvalid,
        ),
        (
            "password alone",
            b"\x10\x0f\x00\x04MQTT\x04\x42\x00\x3c\x00\x00\x00\x01p",
            MalformedPacket,
        ),
        (
            "trailing byte",
            b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x00!",
            MalformedPacket,
        ),
        (
            "no client id",
            b"\x10\x0a\x00\x04MQTT\x04\x02\x00\x3c",
            MalformedPacket,
        ),
        (
            "client id with U+0000",
            b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01\x00",
            MalformedPacket,
        ),
        (
            "length not shortest",
            b"\x10\x8d\x00\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00",
            MalformedPacket,
        ),
    ]);
}

#[test]
fn connect_properties() {
    let connect = |properties: &[u8]| {
        let length = u8::try_from(properties.len()).unwrap();
        let mut bytes = vec![0x10, 13 + length];
        bytes.extend_from_slice(b"\x00\x04MQTT\x05\x02\x00\x3c");
        bytes.push(length);
        bytes.extend_from_slice(properties);
        bytes.extend_from_slice(b"\x00\x00");
        decode_first(&bytes)
    };
    assert!(connect(b"").is_ok());
    for (what, properties, reason) in [
        ("receive maximum 0", &b"\x21\x00\x00"[..], ProtocolError),
        (
            "maximum packet size 0",
            b"\x27\x00\x00\x00\x00",
            ProtocolError,
        ),
        ("a flag of 2", b"\x17\x02", ProtocolError),
        ("a flag of 255", b"\x19\xff", ProtocolError),
        ("twice", b"\x22\x00\x01\x22\x00\x01", ProtocolError),
        ("data without method", b"\x16\x00\x01d", ProtocolError),
        ("of another packet", b"\x23\x00\x01", MalformedPacket),
        ("unknown", b"\x7f\x00", MalformedPacket),
        (
            "an overlong name",
            b"\x91\x00\x00\x00\x00\x01",
            MalformedPacket,
        ),
        ("cut", b"\x11\x00\x00", MalformedPacket),
        ("not UTF-8", b"\x15\x00\x01\xff", MalformedPacket),
    ] {
        match connect(properties) {
            Err(error) => assert_eq!(error.reason, reason, "{what}: {error}"),
            accepted => panic!("{what}: {accepted:?}"),
        }
    }
}

#[test]
fn strings() {
    refused(
        &[
            ("U+0000", b"\x31\x03\x00\x01\x00", MalformedPacket),
            (
                "a stray continuation",
                b"\x31\x03\x00\x01\x80",
                MalformedPacket,
            ),
            (
                "overlong slash",
                b"\x31\x04\x00\x02\xc0\xaf",
                MalformedPacket,
            ),
            (
                "a surrogate",
                b"\x31\x05\x00\x03\xed\xa0\x80",
                MalformedPacket,
            ),
            (
                "above U+10FFFF",
                b"\x31\x06\x00\x04\xf4\x90\x80\x80",
                MalformedPacket,
            ),
            ("a cut character", b"\x31\x03\x00\x01\xc3", MalformedPacket),
            (
                "longer than the packet",
                b"\x31\x03\x00\x09a",
                MalformedPacket,
            ),
        ],
        BOTH,
    );
}

#[test]
fn every_reason_has_its_number() {
    for code in 0..=u8::MAX {
        assert!(Reason::from_code(code).is_none_or(|reason| reason.code() == code));
    }
    assert_eq!(
        Reason::from_code(0x9f),
        Some(Reason::ConnectionRateExceeded)
    );
    assert_eq!(Reason::from_code(0x03), None);
}

#[test]
fn a_faulty_connect_says_in_which_version_to_answer() {
    let mut decoder = Decoder::new(LIMIT);
    let bytes = &b"\x10\x0d\x00\x04MQTT\x05\x03\x00\x3c\x00\x00\x00"[..];
    assert!(decoder.decode(&mut BytesMut::from(bytes)).is_err());
    assert_eq!(decoder.version(), Some(Version::V5));
    let mut decoder = Decoder::new(LIMIT);
    assert!(
        decoder
            .decode(&mut BytesMut::from(&b"\xc0\x00"[..]))
            .is_err()
    );
    assert_eq!(decoder.version(), None);
}

#[test]
fn an_error_quotes_the_text_cut_and_escaped() {
    let filter = format!("#\n{}", "x".repeat(300));
    let mut bytes = vec![0x82, 0xb3, 0x02, 0, 1, 1, 46];
    bytes.extend_from_slice(filter.as_bytes());
    bytes.push(0);
    let error = decode(&bytes, Version::V311).unwrap_err().to_string();
    assert!(error.starts_with("SUBSCRIBE: \"#\\nxxx"), "{error}");
    assert!(error.contains('…') && error.len() < 300, "{error}");
}
