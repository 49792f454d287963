//! What the standards forbid in messages, subscriptions and answers.

use super::refusals::{BOTH, V5, V311, refused};
use crate::broker::codec::Reason::{
    MalformedPacket, ProtocolError, TopicAliasInvalid, TopicFilterInvalid, TopicNameInvalid,
};

#[test]
fn publishes() {
    refused(
        &[
            ("QoS 3", b"\x36\x06\x00\x01a\x00\x01\x00", MalformedPacket),
            ("DUP at QoS 0", b"\x38\x04\x00\x01a\x00", MalformedPacket),
            (
                "packet id 0",
                b"\x32\x06\x00\x01a\x00\x00\x00",
                ProtocolError,
            ),
            ("wildcard +", b"\x30\x06\x00\x03a/+\x00", TopicNameInvalid),
            ("wildcard #", b"\x30\x04\x00\x01#\x00", TopicNameInvalid),
            ("no packet id", b"\x32\x03\x00\x01a", MalformedPacket),
        ],
        BOTH,
    );
    refused(&[("no topic", b"\x30\x02\x00\x00", TopicNameInvalid)], V311);
    refused(
        &[
            (
                "neither topic nor alias",
                b"\x30\x03\x00\x00\x00",
                ProtocolError,
            ),
            (
                "alias 0",
                b"\x30\x07\x00\x01a\x03\x23\x00\x00",
                TopicAliasInvalid,
            ),
            (
                "two aliases",
                b"\x30\x0a\x00\x01a\x06\x23\x00\x01\x23\x00\x01",
                ProtocolError,
            ),
            (
                "subscription id 0",
                b"\x30\x06\x00\x01a\x02\x0b\x00",
                ProtocolError,
            ),
            ("format 2", b"\x30\x06\x00\x01a\x02\x01\x02", ProtocolError),
            (
                "wild response topic",
                b"\x30\x08\x00\x01a\x04\x08\x00\x01+",
                TopicNameInvalid,
            ),
            (
                "session expiry",
                b"\x30\x09\x00\x01a\x05\x11\x00\x00\x00\x01",
                MalformedPacket,
            ),
            (
                "properties cut",
                b"\x30\x05\x00\x01a\x05\x01",
                MalformedPacket,
            ),
            ("no property length", b"\x30\x03\x00\x01a", MalformedPacket),
        ],
        V5,
    );
}

#[test]
fn subscriptions() {
    refused(
        &[
            ("no filter", b"\x82\x02\x00\x01", ProtocolError),
            ("no filter to leave", b"\xa2\x02\x00\x01", ProtocolError),
            (
                "packet id 0",
                b"\x82\x06\x00\x00\x00\x01a\x00",
                ProtocolError,
            ),
            (
                "empty filter",
                b"\x82\x05\x00\x01\x00\x00\x00",
                TopicFilterInvalid,
            ),
            (
                "# in the middle",
                b"\x82\x08\x00\x01\x00\x03#/a\x00",
                TopicFilterInvalid,
            ),
            (
                "+ beside text",
                b"\x82\x07\x00\x01\x00\x02a+\x00",
                TopicFilterInvalid,
            ),
            (
                "half a share",
                b"\x82\x0d\x00\x01\x00\x08$share/g\x00",
                TopicFilterInvalid,
            ),
            (
                "leaving an empty filter",
                b"\xa2\x04\x00\x01\x00\x00",
                TopicFilterInvalid,
            ),
            ("QoS 3", b"\x82\x06\x00\x01\x00\x01a\x03", ProtocolError),
            ("no options", b"\x82\x05\x00\x01\x00\x01a", MalformedPacket),
            (
                "No Local",
                b"\x82\x06\x00\x01\x00\x01a\x04",
                MalformedPacket,
            ),
        ],
        V311,
    );
    refused(
        &[
            ("no filter", b"\x82\x03\x00\x01\x00", ProtocolError),
            ("no filter to leave", b"\xa2\x03\x00\x01\x00", ProtocolError),
            ("QoS 3", b"\x82\x07\x00\x01\x00\x00\x01a\x03", ProtocolError),
            (
                "retain handling 3",
                b"\x82\x07\x00\x01\x00\x00\x01a\x30",
                ProtocolError,
            ),
            (
                "reserved options",
                b"\x82\x07\x00\x01\x00\x00\x01a\x40",
                MalformedPacket,
            ),
            (
                "id 0",
                b"\x82\x09\x00\x01\x02\x0b\x00\x00\x01a\x00",
                ProtocolError,
            ),
            (
                "two ids",
                b"\x82\x0b\x00\x01\x04\x0b\x01\x0b\x02\x00\x01a\x00",
                ProtocolError,
            ),
            (
                "No Local and shared",
                b"\x82\x10\x00\x01\x00\x00\x0a$share/g/a\x04",
                ProtocolError,
            ),
        ],
        V5,
    );
}

#[test]
fn answers() {
    refused(
        &[
            (
                "reserved CONNACK flags",
                b"\x20\x03\x02\x00\x00",
                MalformedPacket,
            ),
            (
                "present and refused",
                b"\x20\x03\x01\x87\x00",
                ProtocolError,
            ),
            ("no CONNACK reason", b"\x20\x03\x00\x01\x00", ProtocolError),
            (
                "maximum QoS 2",
                b"\x20\x05\x00\x00\x02\x24\x02",
                ProtocolError,
            ),
            ("no PUBACK reason", b"\x40\x03\x00\x01\x92", ProtocolError),
            ("no PUBREL reason", b"\x62\x03\x00\x01\x87", ProtocolError),
            (
                "property of PUBACK",
                b"\x40\x06\x00\x01\x00\x02\x01\x01",
                MalformedPacket,
            ),
            ("empty SUBACK", b"\x90\x03\x00\x01\x00", ProtocolError),
            (
                "no SUBACK reason",
                b"\x90\x04\x00\x01\x00\x11",
                ProtocolError,
            ),
            (
                "no UNSUBACK reason",
                b"\xb0\x04\x00\x01\x00\x01",
                ProtocolError,
            ),
            ("no DISCONNECT reason", b"\xe0\x01\x01", ProtocolError),
            ("CONNACK's reason", b"\xe0\x01\x84", ProtocolError),
            (
                "no AUTH reason",
                b"\xf0\x06\x04\x04\x15\x00\x01m",
                ProtocolError,
            ),
            ("AUTH without method", b"\xf0\x02\x18\x00", ProtocolError),
        ],
        V5,
    );
    refused(
        &[
            ("code 6", b"\x20\x02\x00\x06", ProtocolError),
            ("no SUBACK code", b"\x90\x03\x00\x01\x03", ProtocolError),
            ("UNSUBACK payload", b"\xb0\x03\x00\x01\x00", MalformedPacket),
            ("DISCONNECT payload", b"\xe0\x01\x00", MalformedPacket),
        ],
        V311,
    );
}
