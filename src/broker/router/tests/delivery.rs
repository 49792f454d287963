//! Messages: who gets them, how often, in which order.

use super::*;
use crate::broker::codec::RetainHandling;
use crate::broker::outbound;

const QOS: [Qos; 3] = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];

#[test]
fn the_lower_qos_counts() {
    for published in QOS {
        for granted in QOS {
            let mut bench = Bench::new();
            let (a, b) = (bench.connect(v5("a")), bench.connect(v311("b")));
            bench.subscribe(b, "t", granted);
            bench.sent(b);
            bench.publish(a, "t", "x", published);
            let sent = bench.sent(b);
            let [Out::Publish(sending)] = &sent[..] else {
                panic!("{sent:?}")
            };
            assert_eq!(sending.delivery.qos, published.min(granted));
            assert_eq!(
                sending.packet_id.is_some(),
                published.min(granted) != Qos::AtMostOnce
            );
        }
    }
}

#[test]
fn acknowledgements_say_whether_anybody_listens() {
    let mut bench = Bench::new();
    let (a, old) = (bench.connect(v5("a")), bench.connect(v311("old")));
    bench.publish(a, "t", "x", Qos::AtLeastOnce);
    assert_eq!(bench.acks(a), [("PUBACK", Reason::NoMatchingSubscribers)]);
    bench.publish(old, "t", "x", Qos::AtLeastOnce);
    assert_eq!(bench.acks(old), [("PUBACK", Reason::Success)]);
    bench.subscribe(old, "t", Qos::AtMostOnce);
    bench.publish(a, "t", "x", Qos::ExactlyOnce);
    assert_eq!(bench.acks(a), [("PUBREC", Reason::Success)]);
}

#[test]
fn a_repeated_qos_2_message_is_delivered_once() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v311("a")), bench.connect(v311("b")));
    bench.subscribe(b, "t", Qos::ExactlyOnce);
    let first = bench.message("t", "FIRST", Qos::ExactlyOnce);
    let id = first.packet_id.unwrap();
    bench.receive(a, Packet::Publish(first.clone()));
    bench.receive(a, Packet::Publish(Publish { dup: true, ..first }));
    bench.ack(a, Packet::PubRel, id);
    bench.publish(a, "t", "SECOND", Qos::ExactlyOnce);
    assert_eq!(bench.payloads(b), ["FIRST", "SECOND"]);
    let names: Vec<_> = bench.acks(a).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["PUBREC", "PUBREC", "PUBCOMP", "PUBREC"]);
}

#[test]
fn after_pubrel_the_same_id_is_a_new_message() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(v5("b")));
    bench.subscribe(b, "t", Qos::AtMostOnce);
    let message = bench.message("t", "x", Qos::ExactlyOnce);
    let id = message.packet_id.unwrap();
    bench.receive(a, Packet::Publish(message.clone()));
    bench.ack(a, Packet::PubRel, id);
    bench.ack(a, Packet::PubRel, id);
    bench.receive(a, Packet::Publish(message));
    assert_eq!(bench.payloads(b), ["x", "x"]);
    assert_eq!(
        bench.acks(a)[2],
        ("PUBCOMP", Reason::PacketIdentifierNotFound)
    );
}

#[test]
fn one_message_for_overlapping_subscriptions() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(v5("b")));
    let options = |qos| SubscriptionOptions {
        qos,
        ..Default::default()
    };
    bench.subscribe_with(b, "a/#", options(Qos::AtMostOnce), Some(1));
    bench.subscribe_with(b, "a/+", options(Qos::AtLeastOnce), Some(2));
    bench.sent(b);
    bench.publish(a, "a/b", "x", Qos::ExactlyOnce);
    let sent = bench.sent(b);
    let [Out::Publish(sending)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(sending.delivery.qos, Qos::AtLeastOnce);
    let mut ids = sending.delivery.subscription_ids.clone();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn no_local_and_retain_as_published() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let no_local = SubscriptionOptions {
        no_local: true,
        ..Default::default()
    };
    bench.subscribe_with(a, "own", no_local, None);
    bench.publish(a, "own", "x", Qos::AtMostOnce);
    assert!(bench.payloads(a).is_empty());
    let keep = SubscriptionOptions {
        retain_as_published: true,
        ..Default::default()
    };
    bench.subscribe_with(a, "kept", keep, None);
    bench.subscribe(a, "plain", Qos::AtMostOnce);
    bench.retain(a, "kept", "k");
    bench.retain(a, "plain", "p");
    assert_eq!(bench.payloads(a), ["k*", "p"]);
}

#[test]
fn retained_messages_arrive_at_a_new_subscription() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    bench.retain(a, "étage/temp", "20");
    bench.retain(a, "étage/temp", "21");
    bench.retain(a, "étage/hum", "40");
    bench.retain(a, "étage/hum", "");
    bench.subscribe(a, "étage/+", Qos::AtMostOnce);
    assert_eq!(bench.payloads(a), ["21*"]);
    bench.unsubscribe(a, "étage/+");
    bench.sent(a);
    for (handling, first, again) in [
        (RetainHandling::Send, 1, 1),
        (RetainHandling::SendIfNew, 1, 0),
        (RetainHandling::DoNotSend, 0, 0),
    ] {
        let options = SubscriptionOptions {
            retain_handling: handling,
            ..Default::default()
        };
        bench.subscribe_with(a, "#", options, None);
        assert_eq!(bench.payloads(a).len(), first, "{handling:?}");
        bench.subscribe_with(a, "#", options, None);
        assert_eq!(bench.payloads(a).len(), again, "{handling:?} again");
        bench.unsubscribe(a, "#");
    }
}

#[test]
fn all_of_many_retained_messages_arrive() {
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce] {
        let mut bench = Bench::new();
        let a = bench.connect(v311("a"));
        for index in 0..20_000 {
            bench.retain(a, &format!("many/{index}"), "x");
        }
        bench.sent(a);
        let b = bench.connect(v311("b"));
        bench.subscribe(b, "many/#", qos);
        let mut count = 0;
        loop {
            let sent = bench.sent(b);
            if sent.is_empty() {
                break;
            }
            for out in sent {
                match out {
                    Out::Publish(sending) => {
                        count += 1;
                        if let Some(id) = sending.packet_id {
                            bench.ack(b, Packet::PubAck, id);
                        }
                    }
                    Out::Fence => {
                        bench.router.drained(b, bench.now);
                        bench.collect();
                    }
                    Out::Packet(_) => {}
                }
            }
        }
        assert_eq!(count, 20_000, "{qos:?}");
        assert_eq!(bench.router.counters().dropped_queue_full, 0);
    }
}

#[test]
fn the_receive_maximum_holds_messages_back() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let b = bench.connect(Connect {
        receive_maximum: NonZeroU16::new(2),
        ..v5("b")
    });
    bench.subscribe(b, "t", Qos::ExactlyOnce);
    for payload in ["1", "2", "3"] {
        bench.publish(a, "t", payload, Qos::ExactlyOnce);
    }
    let ids = bench.ids(b);
    assert_eq!(ids.len(), 2);
    bench.ack(b, Packet::PubRec, ids[0]);
    assert!(
        bench.payloads(b).is_empty(),
        "PUBREC does not open the window (4.9)"
    );
    bench.ack(b, Packet::PubComp, ids[0]);
    assert_eq!(bench.payloads(b), ["3"]);
}

#[test]
fn a_refusing_pubrec_ends_the_exchange() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let b = bench.connect(Connect {
        receive_maximum: NonZeroU16::new(1),
        ..v5("b")
    });
    bench.subscribe(b, "t", Qos::ExactlyOnce);
    bench.publish(a, "t", "1", Qos::ExactlyOnce);
    bench.publish(a, "t", "2", Qos::ExactlyOnce);
    let packet_id = bench.ids(b)[0];
    let refused = Ack {
        packet_id,
        reason: Reason::QuotaExceeded,
        reason_string: None,
    };
    bench.receive(b, Packet::PubRec(refused));
    assert_eq!(bench.payloads(b), ["2"]);
    assert!(
        bench.acks(b).is_empty(),
        "no PUBREL follows an error (4.3.3)"
    );
}

#[test]
fn too_many_unreleased_messages_end_the_connection() {
    let mut bench = Bench::with(Limits {
        receive_maximum: 2,
        ..Limits::default()
    });
    let a = bench.connect(v5("a"));
    for _ in 0..3 {
        bench.publish(a, "t", "x", Qos::ExactlyOnce);
    }
    assert_eq!(bench.closed(), [(a, Reason::ReceiveMaximumExceeded)]);
}

#[test]
fn a_full_queue_drops_the_newest_and_counts() {
    let queue = outbound::Limits {
        messages: 2,
        bytes: 1_000_000,
    };
    let mut bench = Bench::with(Limits {
        queue,
        ..Limits::default()
    });
    let (a, b) = (bench.connect(v5("a")), bench.connect(lasting("b")));
    bench.subscribe(b, "t", Qos::AtLeastOnce);
    bench.lost(b);
    for payload in ["1", "2", "3"] {
        bench.publish(a, "t", payload, Qos::AtLeastOnce);
    }
    assert_eq!(bench.router.counters().dropped_queue_full, 1);
    let b = bench.connect(lasting("b"));
    assert_eq!(bench.payloads(b), ["1", "2"]);
}

#[test]
fn a_slow_reader_is_not_sent_more_than_it_can_hold() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(v5("b")));
    bench.subscribe(b, "t", Qos::AtMostOnce);
    let big = "x".repeat(10_000);
    for _ in 0..100 {
        bench.publish(a, "t", &big, Qos::AtMostOnce);
    }
    assert!(bench.router.is_congested(bench.now));
    let sent = bench.sent(b);
    let messages = sent
        .iter()
        .filter(|out| matches!(out, Out::Publish(_)))
        .count();
    assert!(
        (50..60).contains(&messages),
        "{messages} messages of 10 kB within 512 KiB"
    );
    assert_eq!(sent.iter().filter(|out| **out == Out::Fence).count(), 1);
    let mut total = messages;
    while total < 100 {
        bench.router.drained(b, bench.now);
        bench.collect();
        let more = bench.payloads(b).len();
        assert!(more > 0, "a drained connection is sent what waits");
        total += more;
    }
    bench.pass(1);
    assert!(
        !bench.router.is_congested(bench.now),
        "nobody waits for one that stands still"
    );
}

#[test]
fn what_is_too_large_for_the_receiver_is_not_sent() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let b = bench.connect(Connect {
        maximum_packet_size: Some(20),
        ..v5("b")
    });
    bench.subscribe(b, "t", Qos::AtLeastOnce);
    bench.publish(a, "t", &"x".repeat(30), Qos::AtLeastOnce);
    bench.publish(a, "t", "small", Qos::AtLeastOnce);
    assert_eq!(bench.payloads(b), ["small"]);
    assert_eq!(bench.router.counters().dropped_too_large, 1);
}

#[test]
fn expiry_counts_down_and_ends() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(lasting("b")));
    bench.subscribe(b, "t", Qos::AtLeastOnce);
    bench.lost(b);
    for expiry in [10, 60] {
        let mut message = bench.message("t", &expiry.to_string(), Qos::AtLeastOnce);
        message.properties.message_expiry = Some(expiry);
        bench.receive(a, Packet::Publish(message));
    }
    bench.pass(20);
    let b = bench.connect(lasting("b"));
    let sent = bench.sent(b);
    let [Out::Packet(_), Out::Publish(sending)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(sending.expiry_left, Some(40));
    assert_eq!(bench.router.counters().dropped_expired, 1);
}
