//! Sessions of parts that forward messages: their bounds, and that nobody waits
//! for them.

use super::*;
use crate::broker::outbound::{self, Backlog, WhenFull};
use crate::broker::session::Lasting;

const ONE: NonZeroU16 = NonZeroU16::MIN;

fn wishes(messages: usize, when_full: WhenFull) -> Lasting {
    Lasting {
        queue: outbound::Limits {
            messages,
            bytes: 1_000_000,
        },
        when_full,
        at_least_once: true,
        window: ONE,
    }
}

fn open(bench: &mut Bench, wishes: Lasting) -> Link {
    let connect = Connect {
        receive_maximum: Some(wishes.window),
        ..lasting("\0bridge/x")
    };
    let origin = Origin::Lasting(wishes);
    let link = bench.router.connect(connect, origin, bench.now).unwrap();
    bench.collect();
    link
}

fn backlog(bench: &Bench) -> Backlog {
    let held = bench.router.held("bridge/");
    assert_eq!(held.len(), 1);
    held[0].backlog
}

/// Everything that waits, acknowledged one by one.
fn drain(bench: &mut Bench, link: Link) -> Vec<String> {
    let mut payloads = Vec::new();
    loop {
        let sent = bench.sent(link);
        let publishes: Vec<_> = sent
            .into_iter()
            .filter_map(|out| match out {
                Out::Publish(sending) => Some(sending),
                _ => None,
            })
            .collect();
        if publishes.is_empty() {
            return payloads;
        }
        for sending in publishes {
            let message = &sending.delivery.message;
            payloads.push(String::from_utf8_lossy(&message.payload).into_owned());
            bench.ack(link, Packet::PubAck, sending.packet_id.unwrap());
        }
    }
}

#[test]
fn the_policy_says_which_messages_a_full_queue_drops() {
    for (when_full, kept) in [
        (WhenFull::DropNewest, ["1", "2", "3", "4"]),
        (WhenFull::DropOldest, ["1", "5", "6", "7"]),
    ] {
        let mut bench = Bench::new();
        let bridge = open(&mut bench, wishes(3, when_full));
        bench.subscribe(bridge, "t", Qos::ExactlyOnce);
        let a = bench.connect(v5("a"));
        for number in 1..=7 {
            bench.publish(a, "t", &number.to_string(), Qos::AtLeastOnce);
        }
        let before = backlog(&bench);
        assert_eq!((before.messages, before.dropped), (4, 3));
        assert_eq!(bench.router.counters().dropped_queue_full, 3);
        // The first is in flight, and is never dropped.
        assert_eq!(drain(&mut bench, bridge), kept, "{when_full:?}");
        let after = backlog(&bench);
        assert_eq!((after.messages, after.bytes), (0, 0));
    }
}

#[test]
fn a_message_that_can_never_fit_pushes_nothing_out() {
    let mut bench = Bench::new();
    let bridge = open(&mut bench, wishes(3, WhenFull::DropOldest));
    bench.subscribe(bridge, "t", Qos::AtLeastOnce);
    let a = bench.connect(v5("a"));
    for payload in ["1", "2", &"x".repeat(1_000_001)] {
        bench.publish(a, "t", payload, Qos::AtLeastOnce);
    }
    assert_eq!(drain(&mut bench, bridge), ["1", "2"]);
}

#[test]
fn a_dropped_message_leaves_a_letter() {
    let mut bench = Bench::new();
    bench.router = Router::new(Limits::default()).with_dead_letters(true);
    let watcher = bench.connect(v5("watcher"));
    bench.subscribe(watcher, "$hearth/dead/#", Qos::AtMostOnce);
    let bridge = open(&mut bench, wishes(1, WhenFull::DropOldest));
    bench.subscribe(bridge, "t", Qos::AtLeastOnce);
    let a = bench.connect(v5("a"));
    for payload in ["in flight", "oldest", "newest"] {
        bench.publish(a, "t", payload, Qos::AtLeastOnce);
    }
    bench.pass(0);
    assert_eq!(bench.payloads(watcher), ["oldest"]);
}

#[test]
fn what_is_published_at_qos_0_waits_too() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    bench.retain(a, "t/kept", "retained");
    let bridge = open(&mut bench, wishes(10, WhenFull::DropNewest));
    bench.subscribe(bridge, "t/#", Qos::AtLeastOnce);
    bench.lost(bridge);
    bench.publish(a, "t", "while it was away", Qos::AtMostOnce);
    bench.pass(u64::from(u32::MAX) + 1);
    let bridge = open(&mut bench, wishes(10, WhenFull::DropNewest));
    assert!(bench.session_present(bridge));
    let waiting = backlog(&bench);
    assert_eq!(waiting.messages, 2);
    bench.lost(bridge);
    let bridge = open(&mut bench, wishes(10, WhenFull::DropNewest));
    assert_eq!(drain(&mut bench, bridge), ["retained", "while it was away"]);
}

#[test]
fn retained_messages_wait_behind_older_ones_of_their_topic() {
    let mut bench = Bench::new();
    let bridge = open(&mut bench, wishes(10, WhenFull::DropNewest));
    bench.subscribe(bridge, "t", Qos::AtLeastOnce);
    let a = bench.connect(v5("a"));
    for payload in ["1", "2", "3"] {
        bench.retain(a, "t", payload);
    }
    bench.subscribe(bridge, "t", Qos::AtLeastOnce);
    assert_eq!(drain(&mut bench, bridge), ["1", "2", "3", "3"]);
}

#[test]
fn nobody_waits_for_what_lies_beyond() {
    let mut bench = Bench::new();
    let bridge = open(&mut bench, wishes(100, WhenFull::DropNewest));
    bench.subscribe(bridge, "t", Qos::AtLeastOnce);
    let a = bench.connect(v5("a"));
    for _ in 0..100 {
        bench.publish(a, "t", "x", Qos::AtLeastOnce);
    }
    assert!(!bench.router.is_congested(bench.now));
    bench.pass(3600);
    assert_eq!(bench.closed(), [], "it is never cut off");
    assert_eq!(backlog(&bench).messages, 100);
}

#[test]
fn what_it_forwards_is_bound_as_if_it_came_from_the_network() {
    let mut bench = Bench::with(Limits {
        retained: outbound::Limits {
            messages: 1,
            bytes: 1000,
        },
        ..Limits::default()
    });
    let bridge = open(&mut bench, wishes(10, WhenFull::DropNewest));
    bench.publish(bridge, "$SYS/broker/uptime", "0", Qos::AtLeastOnce);
    assert_eq!(bench.acks(bridge), [("PUBACK", Reason::NotAuthorized)]);
    bench.retain(bridge, "t/1", "x");
    bench.retain(bridge, "t/2", "x");
    let acks = bench.acks(bridge);
    assert_eq!(acks[1], ("PUBACK", Reason::QuotaExceeded));
}

#[test]
fn what_was_granted_at_qos_0_does_not_wait() {
    let mut bench = Bench::new();
    let bridge = open(&mut bench, wishes(10, WhenFull::DropNewest));
    bench.subscribe(bridge, "t", Qos::AtMostOnce);
    let a = bench.connect(v5("a"));
    bench.lost(bridge);
    bench.publish(a, "t", "x", Qos::AtLeastOnce);
    assert_eq!(backlog(&bench).messages, 0);
}

#[test]
fn a_state_that_crosses_ours_on_its_way_is_not_taken() {
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let mut bench = Bench::new();
        let bridge = open(&mut bench, wishes(10, WhenFull::DropNewest));
        let options = SubscriptionOptions {
            qos: Qos::AtLeastOnce,
            no_local: true,
            ..SubscriptionOptions::default()
        };
        bench.subscribe_with(bridge, "t/#", options, None);
        let watcher = bench.connect(v5("watcher"));
        bench.subscribe(watcher, "t/#", Qos::AtMostOnce);
        let from_elsewhere = |bench: &mut Bench, topic, payload, retain| {
            let message = bench.message(topic, payload, qos);
            bench.receive(bridge, Packet::Publish(Publish { retain, ..message }));
        };
        let a = bench.connect(v5("a"));
        bench.retain(a, "t/1", "in flight");
        bench.retain(a, "t/2", "queued");
        from_elsewhere(&mut bench, "t/1", "too late", true);
        from_elsewhere(&mut bench, "t/2", "too late", true);
        from_elsewhere(&mut bench, "t/2", "an event", false);
        from_elsewhere(&mut bench, "t/3", "another topic", true);
        let seen = bench.payloads(watcher);
        assert_eq!(seen, ["in flight", "queued", "an event", "another topic"]);
        assert_eq!(drain(&mut bench, bridge), ["in flight", "queued"]);
        from_elsewhere(&mut bench, "t/1", "in time", true);
        assert_eq!(bench.payloads(watcher), ["in time"]);
    }
}

#[test]
fn the_broker_tells_what_it_holds_for_parts() {
    let mut bench = Bench::new();
    let bridge = open(&mut bench, wishes(10, WhenFull::DropNewest));
    bench.subscribe(bridge, "t", Qos::AtLeastOnce);
    bench.publish(bridge, "u", "x", Qos::ExactlyOnce);
    bench.connect(lasting("bridge/from-outside"));
    bench.lost(bridge);
    let held = bench.router.held("bridge/");
    assert_eq!(held.len(), 1);
    assert_eq!((&held[0].name[..], &*held[0].filters[0]), ("bridge/x", "t"));
    assert_eq!(held[0].received.len(), 1);
    assert!(bench.router.held("other/").is_empty());
}
