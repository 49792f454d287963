//! What a client may name, claim and ask for, and what is refused.

use std::sync::Arc;

use super::*;
use crate::broker::codec::RareProperties;

#[test]
fn aliases_stand_for_topics() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(v5("b")));
    bench.subscribe(b, "long/topic", Qos::AtMostOnce);
    for topic in ["long/topic", ""] {
        let message = bench.message(topic, "x", Qos::AtMostOnce);
        let topic_alias = NonZeroU16::new(3);
        bench.receive(
            a,
            Packet::Publish(Publish {
                topic_alias,
                ..message
            }),
        );
    }
    assert_eq!(bench.payloads(b).len(), 2);
    let unknown = bench.message("", "x", Qos::AtMostOnce);
    let unknown = Publish {
        topic_alias: NonZeroU16::new(4),
        ..unknown
    };
    bench.receive(a, Packet::Publish(unknown));
    assert_eq!(bench.closed(), [(a, Reason::ProtocolError)]);
}

#[test]
fn an_alias_beyond_the_maximum_is_refused() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let message = bench.message("t", "x", Qos::AtMostOnce);
    let topic_alias = NonZeroU16::new(Limits::default().topic_aliases + 1);
    bench.receive(
        a,
        Packet::Publish(Publish {
            topic_alias,
            ..message
        }),
    );
    assert_eq!(bench.closed(), [(a, Reason::TopicAliasInvalid)]);
}

#[test]
fn what_only_the_broker_writes_is_refused() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    for topic in ["$SYS/broker/uptime", "$SYS", "$hearth/dead/x"] {
        bench.publish(a, topic, "x", Qos::AtLeastOnce);
        assert_eq!(
            bench.acks(a),
            [("PUBACK", Reason::NotAuthorized)],
            "{topic}"
        );
    }
    bench.publish(a, &"a/".repeat(200), "x", Qos::AtLeastOnce);
    assert_eq!(bench.acks(a), [("PUBACK", Reason::TopicNameInvalid)]);
    assert_eq!(
        bench.subscribe(a, &"+/".repeat(200), Qos::AtMostOnce),
        [Reason::TopicFilterInvalid]
    );
}

#[test]
fn a_payload_that_says_text_is_text() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let rare = RareProperties {
        payload_is_utf8: Some(true),
        ..RareProperties::default()
    };
    let mut message = bench.message("t", "x", Qos::AtLeastOnce);
    message.payload = vec![0xff].into();
    message.properties.rare = Some(Arc::new(rare));
    bench.receive(a, Packet::Publish(message));
    assert_eq!(bench.acks(a), [("PUBACK", Reason::PayloadFormatInvalid)]);
}

#[test]
fn subscriptions_are_limited() {
    let mut bench = Bench::with(Limits {
        subscriptions: 1,
        ..Limits::default()
    });
    let a = bench.connect(v5("a"));
    assert_eq!(
        bench.subscribe(a, "a", Qos::AtLeastOnce),
        [Reason::GrantedQos1]
    );
    assert_eq!(
        bench.subscribe(a, "b", Qos::AtLeastOnce),
        [Reason::QuotaExceeded]
    );
    assert_eq!(
        bench.subscribe(a, "a", Qos::ExactlyOnce),
        [Reason::GrantedQos2]
    );
}
