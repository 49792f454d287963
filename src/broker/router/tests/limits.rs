//! What happens at the limits: refusals, cut connections, dead letters.

use super::*;
use crate::broker::outbound;

fn limits() -> Limits {
    Limits {
        queue: outbound::Limits {
            messages: 2,
            ..Limits::default().queue
        },
        retained: outbound::Limits {
            messages: 2,
            bytes: 1000,
        },
        inflight: 1,
        ..Limits::default()
    }
}

#[test]
fn retained_topics_beyond_the_limit_are_refused() {
    let mut bench = Bench::with(limits());
    let a = bench.connect(v5("a"));
    let mut retain = |topic: &str, payload: &str| {
        bench.retain(a, topic, payload);
        bench.acks(a)[0].1
    };
    let taken = Reason::NoMatchingSubscribers;
    assert_eq!(retain("t/1", "x"), taken);
    assert_eq!(retain("t/2", "x"), taken);
    assert_eq!(retain("t/3", "x"), Reason::QuotaExceeded);
    assert_eq!(
        retain("t/1", "another"),
        taken,
        "it takes the other's place"
    );
    assert_eq!(retain("t/1", &"x".repeat(1000)), Reason::QuotaExceeded);
    assert_eq!(retain("t/1", ""), taken);
    assert_eq!(retain("t/3", "x"), taken);
    assert_eq!(bench.router.counters().refused_retained, 2);
    assert_eq!(bench.router.holdings().retained_messages, 2);
}

#[test]
fn a_connection_that_takes_nothing_is_cut_and_its_memory_returns() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(v5("b")));
    bench.subscribe(b, "t", Qos::AtMostOnce);
    let large = "x".repeat(100_000);
    for _ in 0..20 {
        bench.publish(a, "t", &large, Qos::AtMostOnce);
    }
    assert!(bench.router.holdings().stored_bytes > 1_000_000);
    bench.pass(59);
    bench.router.drained(b, bench.now);
    bench.pass(59);
    assert_eq!(bench.closed(), [], "it has taken something in between");
    bench.pass(1);
    assert_eq!(bench.closed(), [(b, Reason::QuotaExceeded)]);
    assert_eq!(bench.router.counters().stalled, 1);
    let held = bench.router.holdings();
    assert_eq!(
        (held.connected, held.sessions, held.stored_bytes),
        (1, 1, 0)
    );
    assert_eq!(bench.router.next_wake(), None);
}

fn with_dead_letters() -> (Bench, Link) {
    let mut bench = Bench::with(limits());
    bench.router = Router::new(limits()).with_dead_letters(true);
    let watcher = bench.connect(v5("watcher"));
    bench.subscribe(watcher, "$hearth/dead/#", Qos::AtLeastOnce);
    bench.sent(watcher);
    (bench, watcher)
}

/// Topic, payload and user properties of the dead letters since the last look.
fn letters(bench: &mut Bench, watcher: Link) -> Vec<(String, String, Vec<String>)> {
    bench.pass(0);
    let sent = bench.sent(watcher);
    let messages = sent.into_iter().filter_map(|out| match out {
        Out::Publish(sending) => Some(sending.delivery.message),
        _ => None,
    });
    let letter = |message: std::sync::Arc<crate::broker::message::Message>| {
        let rare = message.properties.rare.as_ref().unwrap();
        let origin = rare.user_properties.iter();
        (
            message.topic.to_string(),
            String::from_utf8_lossy(&message.payload).into_owned(),
            origin
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        )
    };
    messages.map(letter).collect()
}

#[test]
fn lost_messages_are_published_with_their_origin() {
    let (mut bench, watcher) = with_dead_letters();
    let (a, b) = (bench.connect(v5("a")), bench.connect(v5("b")));
    bench.subscribe(b, "t", Qos::AtLeastOnce);
    for payload in ["in flight", "1", "2", "too much"] {
        bench.publish(a, "t", payload, Qos::AtLeastOnce);
    }
    bench.publish(a, "$SYS/mine", "not yours", Qos::AtMostOnce);
    bench.retain(a, "t/1", "x");
    bench.retain(a, "t/2", "x");
    bench.retain(a, "t/3", "no room");
    let letters = letters(&mut bench, watcher);
    let [(full, payload, origin), (refused, ..)] = &letters[..] else {
        panic!("{letters:?}");
    };
    assert_eq!(
        (&full[..], &payload[..]),
        ("$hearth/dead/queue-full/t", "too much")
    );
    assert_eq!(origin[..2], ["publisher=a", "receiver=b"]);
    assert!(origin[2].starts_with("received-ms=") && origin[3].starts_with("dropped-ms="));
    assert_eq!(refused, "$hearth/dead/refused/t/3");
    assert_eq!(bench.router.counters().dead_letters, 2);
}

#[test]
fn expired_and_oversized_messages_leave_letters() {
    let (mut bench, watcher) = with_dead_letters();
    let small = Connect {
        maximum_packet_size: Some(100),
        ..lasting("b")
    };
    let (a, b) = (bench.connect(v5("a")), bench.connect(small));
    bench.subscribe(b, "t", Qos::AtLeastOnce);
    bench.publish(a, "t", &"x".repeat(200), Qos::AtLeastOnce);
    assert_eq!(
        letters(&mut bench, watcher)[0].0,
        "$hearth/dead/too-large/t"
    );
    bench.lost(b);
    let mut message = bench.message("t", "old", Qos::AtLeastOnce);
    message.properties.message_expiry = Some(5);
    bench.receive(a, Packet::Publish(message));
    bench.pass(6);
    bench.connect(lasting("b"));
    assert_eq!(letters(&mut bench, watcher)[0].0, "$hearth/dead/expired/t");
}

#[test]
fn letters_are_few_and_leave_no_letters() {
    let (mut bench, watcher) = with_dead_letters();
    let (a, b) = (bench.connect(v5("a")), bench.connect(v5("b")));
    // It never acknowledges a letter, so that most letters are lost, too.
    let slow = bench.connect(v5("slow"));
    bench.subscribe(slow, "$hearth/#", Qos::ExactlyOnce);
    bench.subscribe(b, "t", Qos::AtLeastOnce);
    let mut count = 0;
    for _ in 0..20 {
        for _ in 0..50 {
            bench.publish(a, "t", "x", Qos::AtLeastOnce);
        }
        count += letters(&mut bench, watcher).len();
    }
    assert_eq!(count, 100, "a burst is bounded");
    assert_eq!(bench.router.counters().dead_letters, 100);
    bench.publish(a, "t", "x", Qos::AtLeastOnce);
    bench.pass(1);
    assert_eq!(
        letters(&mut bench, watcher).len(),
        1,
        "later there are more"
    );
}

#[test]
fn without_the_wish_there_are_no_letters() {
    let mut bench = Bench::with(limits());
    let (a, b) = (bench.connect(v5("a")), bench.connect(v5("b")));
    bench.subscribe(b, "#", Qos::AtLeastOnce);
    bench.subscribe(a, "$hearth/#", Qos::AtLeastOnce);
    bench.sent(a);
    for _ in 0..9 {
        bench.publish(a, "t", "x", Qos::AtLeastOnce);
    }
    bench.pass(1);
    assert_eq!(bench.payloads(a), [""; 0]);
    assert!(bench.router.counters().dropped_queue_full > 0);
}
