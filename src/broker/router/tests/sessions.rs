//! Sessions: coming, going, coming back; wills; shared subscriptions.

use super::*;

#[test]
fn a_lasting_session_keeps_subscriptions_and_messages() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(lasting("b")));
    assert!(!bench.session_present(b));
    bench.subscribe(b, "t", Qos::AtLeastOnce);
    bench.receive(b, disconnect(Reason::Success));
    bench.publish(a, "t", "kept", Qos::AtLeastOnce);
    bench.publish(a, "t", "QoS 0 is not", Qos::AtMostOnce);
    let b = bench.connect(lasting("b"));
    let sent = bench.sent(b);
    let [Out::Packet(Packet::ConnAck(connack)), Out::Publish(sending)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert!(connack.session_present);
    assert_eq!(&sending.delivery.message.payload[..], b"kept");
    assert!(!sending.dup, "it was never on the wire");
}

#[test]
fn what_was_in_flight_is_sent_again_in_order() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(lasting("b")));
    bench.subscribe(b, "t", Qos::ExactlyOnce);
    for payload in ["1", "2", "3"] {
        bench.publish(a, "t", payload, Qos::ExactlyOnce);
    }
    let ids = bench.ids(b);
    bench.ack(b, Packet::PubRec, ids[0]);
    bench.lost(b);
    bench.publish(a, "t", "4", Qos::AtLeastOnce);
    let b = bench.connect(lasting("b"));
    let sent = bench.sent(b);
    assert!(matches!(&sent[1], Out::Packet(Packet::PubRel(ack)) if ack.packet_id == ids[0]));
    let again: Vec<_> = sent[2..]
        .iter()
        .map(|out| match out {
            Out::Publish(one) => (one.delivery.message.payload[0], one.dup, one.packet_id),
            _ => panic!("{out:?}"),
        })
        .collect();
    assert_eq!(again[0], (b'2', true, Some(ids[1])));
    assert_eq!(again[1], (b'3', true, Some(ids[2])));
    assert_eq!((again[2].0, again[2].1), (b'4', false));
}

#[test]
fn a_resumed_session_respects_a_receive_maximum_of_one() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(lasting("b")));
    bench.subscribe(b, "t", Qos::AtLeastOnce);
    for payload in ["1", "2", "3"] {
        bench.publish(a, "t", payload, Qos::AtLeastOnce);
    }
    bench.lost(b);
    let b = bench.connect(Connect {
        receive_maximum: NonZeroU16::new(1),
        ..lasting("b")
    });
    for expected in ["1!", "2!", "3!"] {
        let sent = bench.sent(b);
        let publishes: Vec<_> = sent
            .iter()
            .filter_map(|out| match out {
                Out::Publish(sending) => Some(sending),
                _ => None,
            })
            .collect();
        let [sending] = publishes[..] else {
            panic!("{sent:?}")
        };
        assert_eq!(sending.delivery.message.payload[0], expected.as_bytes()[0]);
        assert!(sending.dup);
        bench.ack(b, Packet::PubAck, sending.packet_id.unwrap());
    }
}

#[test]
fn a_session_is_resumed_under_the_other_version() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let old = bench.connect(Connect {
        clean_start: false,
        ..v311("b")
    });
    bench.subscribe(old, "t", Qos::AtLeastOnce);
    bench.lost(old);
    let mut message = bench.message("t", "x", Qos::AtLeastOnce);
    message.properties.message_expiry = Some(100);
    bench.receive(a, Packet::Publish(message));
    let new = bench.connect(lasting("b"));
    assert_eq!(bench.payloads(new), ["x"]);
    bench.lost(new);
    let old = bench.connect(Connect {
        clean_start: false,
        ..v311("b")
    });
    assert_eq!(bench.payloads(old), ["x!"]);
}

#[test]
fn sessions_end_when_they_should() {
    let mut bench = Bench::new();
    let b = bench.connect(Connect {
        session_expiry: Some(60),
        ..lasting("b")
    });
    bench.lost(b);
    bench.pass(59);
    let b = bench.connect(Connect {
        session_expiry: Some(60),
        ..lasting("b")
    });
    assert!(bench.session_present(b));
    bench.lost(b);
    bench.pass(61);
    let b = bench.connect(lasting("b"));
    assert!(!bench.session_present(b), "it expired");
    bench.lost(b);
    let b = bench.connect(v5("b"));
    assert!(!bench.session_present(b), "clean start");
}

#[test]
fn disconnect_may_change_the_expiry_but_not_from_zero() {
    let mut bench = Bench::new();
    let b = bench.connect(lasting("b"));
    let leave = |expiry| {
        Packet::Disconnect(Disconnect {
            session_expiry: Some(expiry),
            ..Disconnect::default()
        })
    };
    bench.receive(b, leave(0));
    let b = bench.connect(Connect {
        clean_start: false,
        ..v5("b")
    });
    assert!(!bench.session_present(b));
    bench.effects.clear();
    bench.receive(b, leave(5));
    assert_eq!(bench.closed(), [(b, Reason::ProtocolError)]);
}

#[test]
fn a_second_connection_takes_over() {
    let mut bench = Bench::new();
    let first = bench.connect(lasting("b"));
    bench.subscribe(first, "t", Qos::AtLeastOnce);
    let second = bench.connect(lasting("b"));
    assert_eq!(bench.closed(), [(first, Reason::SessionTakenOver)]);
    assert!(bench.session_present(second));
    // Word of the old connection changes nothing for the new one.
    bench.lost(first);
    bench.receive(first, Packet::PingReq);
    bench.publish(second, "t", "x", Qos::AtLeastOnce);
    assert_eq!(bench.payloads(second), ["x"]);
}

#[test]
fn odd_client_ids_are_just_names() {
    let mut bench = Bench::new();
    for id in ["a/b", "+", "#", "$SYS", "é", " "] {
        let first = bench.connect(v311(id));
        let second = bench.connect(v311(id));
        bench.receive(second, Packet::PingReq);
        let sent = bench.sent(second);
        assert!(sent.contains(&Out::Packet(Packet::PingResp)), "{id}");
        bench.lost(first);
        bench.lost(second);
    }
}

#[test]
fn nameless_clients_are_given_a_name() {
    let mut bench = Bench::new();
    let link = bench.connect(v5(""));
    let sent = bench.sent(link);
    let Out::Packet(Packet::ConnAck(connack)) = &sent[0] else {
        panic!("{sent:?}")
    };
    assert!(connack.assigned_client_id.is_some());
    let nameless = Connect {
        clean_start: false,
        ..v311("")
    };
    let refused = bench.router.connect(nameless, Origin::Outside, bench.now);
    assert_eq!(
        refused.unwrap_err().reason,
        Reason::ClientIdentifierNotValid
    );
}

#[test]
fn a_will_speaks_for_those_who_go_without_a_word() {
    let mut bench = Bench::new();
    let watcher = bench.connect(v5("w"));
    bench.subscribe(watcher, "wills", Qos::AtLeastOnce);
    bench.sent(watcher);
    let polite = bench.connect(with_will(v5("polite"), 0));
    bench.receive(polite, disconnect(Reason::Success));
    assert!(bench.payloads(watcher).is_empty());
    let lost = bench.connect(with_will(v311("lost"), 0));
    bench.lost(lost);
    assert_eq!(bench.payloads(watcher), ["gone"]);
    let wants = bench.connect(with_will(v5("wants"), 0));
    bench.receive(wants, disconnect(Reason::DisconnectWithWill));
    assert_eq!(bench.payloads(watcher), ["gone"]);
    let rude = bench.connect(with_will(v5("rude"), 0));
    bench.receive(rude, Packet::PingResp);
    assert_eq!(bench.payloads(watcher), ["gone"]);
}

#[test]
fn a_delayed_will_waits_for_its_client_or_the_end_of_its_session() {
    let mut bench = Bench::new();
    let watcher = bench.connect(v5("w"));
    bench.subscribe(watcher, "wills", Qos::AtLeastOnce);
    bench.sent(watcher);
    let lost = bench.connect(with_will(lasting("b"), 10));
    bench.lost(lost);
    bench.pass(9);
    assert!(bench.payloads(watcher).is_empty());
    let back = bench.connect(with_will(lasting("b"), 10));
    bench.pass(20);
    assert!(bench.payloads(watcher).is_empty(), "the client is back");
    bench.lost(back);
    bench.pass(10);
    assert_eq!(bench.payloads(watcher), ["gone"]);
    let short = Connect {
        session_expiry: Some(5),
        ..with_will(lasting("short"), 100)
    };
    let short = bench.connect(short);
    bench.lost(short);
    bench.pass(5);
    assert_eq!(
        bench.payloads(watcher),
        ["gone"],
        "with the end of its session"
    );
}

#[test]
fn a_takeover_with_a_clean_start_sends_the_will() {
    let mut bench = Bench::new();
    let watcher = bench.connect(v5("w"));
    bench.subscribe(watcher, "wills", Qos::AtLeastOnce);
    bench.sent(watcher);
    bench.connect(with_will(lasting("b"), 10));
    bench.connect(with_will(lasting("b"), 10));
    assert!(bench.payloads(watcher).is_empty(), "the session goes on");
    bench.connect(v5("b"));
    assert_eq!(bench.payloads(watcher), ["gone"], "the session ended");
}

#[test]
fn members_of_a_shared_subscription_take_turns() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let members: Vec<_> = ["x", "y", "z"].map(|id| bench.connect(v5(id))).into();
    for member in &members {
        bench.subscribe(*member, "$share/g/t", Qos::AtLeastOnce);
        bench.sent(*member);
    }
    for payload in ["1", "2", "3", "4"] {
        bench.publish(a, "t", payload, Qos::AtLeastOnce);
    }
    let counts: Vec<_> = members
        .iter()
        .map(|member| bench.payloads(*member).len())
        .collect();
    assert_eq!(counts, [2, 1, 1]);
}

#[test]
fn what_a_lost_member_leaves_goes_to_another() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let (b, c) = (bench.connect(lasting("b")), bench.connect(v5("c")));
    bench.subscribe(b, "$share/g/t", Qos::AtLeastOnce);
    bench.publish(a, "t", "x", Qos::AtLeastOnce);
    assert_eq!(bench.payloads(b), ["x"]);
    bench.subscribe(c, "$share/g/t", Qos::AtLeastOnce);
    bench.lost(b);
    assert_eq!(bench.payloads(c), ["x"]);
    let b = bench.connect(lasting("b"));
    assert!(bench.payloads(b).is_empty(), "it was handed over");
}

#[test]
fn a_lone_member_keeps_what_it_has_not_acknowledged() {
    let mut bench = Bench::new();
    let (a, b) = (bench.connect(v5("a")), bench.connect(lasting("b")));
    bench.subscribe(b, "$share/g/t", Qos::AtLeastOnce);
    bench.publish(a, "t", "x", Qos::AtLeastOnce);
    bench.lost(b);
    bench.publish(a, "t", "y", Qos::AtLeastOnce);
    let b = bench.connect(lasting("b"));
    assert_eq!(bench.payloads(b), ["x!", "y"]);
}

#[test]
fn a_begun_qos_2_message_stays_with_its_member() {
    let mut bench = Bench::new();
    let a = bench.connect(v5("a"));
    let (b, c) = (bench.connect(lasting("b")), bench.connect(v5("c")));
    bench.subscribe(b, "$share/g/t", Qos::ExactlyOnce);
    bench.publish(a, "t", "x", Qos::ExactlyOnce);
    bench.subscribe(c, "$share/g/t", Qos::ExactlyOnce);
    bench.lost(b);
    assert!(bench.payloads(c).is_empty(), "[MQTT-4.8.2-4]");
    let b = bench.connect(lasting("b"));
    assert_eq!(bench.payloads(b), ["x!"]);
}

#[test]
fn what_only_a_broker_may_send_ends_the_connection() {
    for packet in [Packet::PingResp, Packet::Connect(Box::new(v5("x")))] {
        let mut bench = Bench::new();
        let a = bench.connect(v5("a"));
        bench.receive(a, packet);
        assert_eq!(bench.closed(), [(a, Reason::ProtocolError)]);
    }
}

#[test]
fn nothing_is_left_behind() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let a = bench.connect(with_will(v5("a"), 0));
        bench.subscribe(a, "a/+/c", Qos::AtLeastOnce);
        bench.subscribe(a, "$share/g/a/#", Qos::AtLeastOnce);
        bench.lost(a);
    }
    assert!(bench.router.sessions.is_empty() && bench.router.clients.is_empty());
    assert!(bench.router.subscriptions.is_empty() && bench.router.behind.is_empty());
}
