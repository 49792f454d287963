//! What a client may not send, and what it must not be sent.

use super::*;

const LARGE: &str = "a payload that takes more bytes than a small client has for a packet";

fn small(connect: Connect) -> Connect {
    Connect {
        maximum_packet_size: Some(60),
        ..connect
    }
}

#[test]
fn a_publish_with_a_subscription_identifier_is_a_protocol_error() {
    let mut bench = Bench::new();
    let (sub, rude) = (bench.connect(v5("sub")), bench.connect(v5("rude")));
    bench.subscribe(sub, "t", Qos::AtMostOnce);
    let mut message = bench.message("t", "x", Qos::AtMostOnce);
    message.subscription_ids.push(7);
    bench.receive(rude, Packet::Publish(message));
    assert_eq!(bench.closed(), [(rude, Reason::ProtocolError)]);
    assert!(bench.payloads(sub).is_empty());
}

#[test]
fn what_was_kept_is_too_large_for_a_smaller_client() {
    let mut bench = Bench::new();
    let publisher = bench.connect(v5("publisher"));
    let sub = bench.connect(lasting("sub"));
    bench.subscribe(sub, "t", Qos::AtLeastOnce);
    bench.publish(publisher, "t", LARGE, Qos::AtLeastOnce);
    bench.lost(sub);
    bench.publish(publisher, "t", LARGE, Qos::AtLeastOnce);
    bench.publish(publisher, "t", "fits", Qos::AtLeastOnce);
    let sub = bench.connect(small(lasting("sub")));
    assert_eq!(bench.payloads(sub), ["fits"]);
    assert_eq!(bench.router.counters().dropped_too_large, 2);
}

#[test]
fn a_delivered_message_is_released_however_large_it_was() {
    let mut bench = Bench::new();
    let publisher = bench.connect(v5("publisher"));
    let sub = bench.connect(lasting("sub"));
    bench.subscribe(sub, "t", Qos::ExactlyOnce);
    bench.publish(publisher, "t", LARGE, Qos::ExactlyOnce);
    let id = bench.ids(sub)[0];
    bench.ack(sub, Packet::PubRec, id);
    bench.lost(sub);
    let sub = bench.connect(small(lasting("sub")));
    assert_eq!(bench.acks(sub), [("PUBREL", Reason::Success)]);
}

#[test]
fn a_retained_message_may_be_too_large() {
    let mut bench = Bench::new();
    let publisher = bench.connect(v5("publisher"));
    bench.retain(publisher, "large", LARGE);
    bench.retain(publisher, "small", "fits");
    let sub = bench.connect(small(v5("sub")));
    bench.subscribe(sub, "#", Qos::AtMostOnce);
    assert_eq!(bench.payloads(sub), ["fits*"]);
}

#[test]
fn an_answer_that_is_too_large_ends_the_connection() {
    let mut bench = Bench::new();
    let client = bench.connect(small(v5("client")));
    let filter = || ("t".to_owned(), SubscriptionOptions::default());
    let subscribe = Subscribe {
        packet_id: bench.id(),
        id: None,
        filters: std::iter::repeat_with(filter).take(60).collect(),
        user_properties: Vec::new(),
    };
    bench.receive(client, Packet::Subscribe(Box::new(subscribe)));
    assert_eq!(bench.closed(), [(client, Reason::PacketTooLarge)]);
}

#[test]
fn a_client_without_room_for_connack_disturbs_no_session() {
    let mut bench = Bench::new();
    let present = bench.connect(v5("client"));
    let tiny = Connect {
        maximum_packet_size: Some(5),
        ..v5("client")
    };
    let refusal = bench.router.connect(tiny, Origin::Outside, bench.now);
    assert_eq!(refusal.unwrap_err().reason, Reason::PacketTooLarge);
    bench.collect();
    assert!(bench.closed().is_empty(), "{present:?} was taken over");
}

#[test]
fn a_keep_alive_above_the_limit_is_answered_with_the_limit() {
    let limits = Limits {
        keep_alive: NonZeroU16::new(60),
        ..Limits::default()
    };
    let told = |connect: Connect, keep_alive| {
        let mut bench = Bench::with(limits.clone());
        let link = bench.connect(Connect {
            keep_alive,
            ..connect
        });
        match bench.sent(link).remove(0) {
            Out::Packet(Packet::ConnAck(connack)) => connack.server_keep_alive,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(v5("a"), 120), Some(60));
    assert_eq!(told(v5("a"), 0), Some(60));
    assert_eq!(told(v5("a"), 60), None);
    assert_eq!(told(v311("a"), 120), None);
}
