//! The client against a gateway that the test plays, with the gateway's codec.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/bench.rs"]
mod bench;

use bench::{Bench, Board, Everything, connack, octets};
use hearth_wire::client::{AskError, Event, Message};
use hearth_wire::packet::{
    Connect, Packet, PubAck, Publish, Qos, RegAck, Register, ReturnCode, SubAck, Subscribe, Text,
    Topic, TopicId, Will,
};

const STATE: TopicId = TopicId::Predefined(1);

fn connect() -> Packet<'static> {
    Packet::Connect(Connect {
        will: false,
        clean_session: false,
        duration: 10,
        client_id: "uno-1".into(),
    })
}

fn publish(qos: Qos, msg_id: u16, data: &[u8]) -> Publish<'_> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: STATE,
        msg_id,
        data,
    }
}

fn puback(msg_id: u16, code: ReturnCode) -> Vec<u8> {
    octets(Packet::PubAck(PubAck {
        topic_id: 1,
        msg_id,
        code,
    }))
}

#[test]
fn connects_at_once_and_then_less_and_less_often() {
    let mut bench = Bench::new(Board);
    let mut moments = Vec::new();
    for moment in 0..8000 {
        bench.poll();
        if !bench.sent.is_empty() {
            moments.push(moment);
            bench.expect(&[connect()]);
        }
        bench.now = bench.now.wrapping_add(1);
    }
    assert_eq!(moments, [0, 500, 1500, 3500, 5500, 7500]);
    assert_eq!(bench.receive(&connack()), Event::Connected);
    assert!(bench.client.is_connected());
}

#[test]
fn a_gateway_that_does_not_want_is_asked_after_the_longest_wait() {
    let mut bench = Bench::new(Board);
    bench.poll();
    bench.expect(&[connect()]);
    let congestion = octets(Packet::ConnAck(ReturnCode::Congestion));
    assert_eq!(
        bench.receive(&congestion),
        Event::Refused(ReturnCode::Congestion)
    );
    bench.wait(1999);
    bench.expect(&[]);
    bench.wait(1);
    bench.expect(&[connect()]);
}

#[test]
fn says_its_will_when_it_is_asked() {
    let mut bench = Bench::new(Everything);
    bench.poll();
    let connect = Connect {
        will: true,
        clean_session: true,
        duration: 10,
        client_id: "everything".into(),
    };
    bench.expect(&[Packet::Connect(connect)]);
    bench.receive(&octets(Packet::WillTopicReq));
    let will = Will {
        qos: Qos::AtLeastOnce,
        retain: true,
        topic: "w/t".into(),
    };
    bench.expect(&[Packet::WillTopic(Some(will))]);
    bench.receive(&octets(Packet::WillMsgReq));
    bench.expect(&[Packet::WillMsg(b"gone")]);
    assert_eq!(bench.receive(&connack()), Event::Connected);
}

#[test]
fn without_a_will_it_says_none() {
    let mut bench = Bench::new(Board);
    bench.poll();
    bench.sent.clear();
    bench.receive(&octets(Packet::WillTopicReq));
    bench.receive(&octets(Packet::WillMsgReq));
    bench.expect(&[]);
}

#[test]
fn publishes_at_most_once_and_without_a_connection() {
    let mut bench = Bench::new(Board);
    let refused = bench.ask(|client, mut out| client.publish(STATE, b"1", false, &mut out));
    assert_eq!(refused, Err(AskError::NotConnected));
    bench
        .ask(|client, mut out| client.publish_without_connection(STATE, b"2", true, &mut out))
        .expect("it needs no session");
    let without = Publish {
        retain: true,
        ..publish(Qos::WithoutConnection, 0, b"2")
    };
    bench.expect(&[Packet::Publish(without)]);
    let mut bench = Bench::connected(Board);
    bench
        .ask(|client, mut out| client.publish(STATE, b"3", false, &mut out))
        .expect("there is a session");
    bench.expect(&[Packet::Publish(publish(Qos::AtMostOnce, 0, b"3"))]);
}

#[test]
fn publishes_surely_until_it_is_acknowledged() {
    let mut bench = Bench::connected(Board);
    let id = bench
        .ask(|client, mut out| client.publish_surely(STATE, b"on", false, &mut out))
        .expect("there is a session");
    let first = publish(Qos::AtLeastOnce, id, b"on");
    bench.expect(&[Packet::Publish(first)]);
    let busy = bench.ask(|client, mut out| client.publish_surely(STATE, b"off", false, &mut out));
    assert_eq!(busy, Err(AskError::Busy));
    let again = Packet::Publish(Publish { dup: true, ..first });
    bench.wait(2000);
    bench.expect(&[again, again]);
    assert_eq!(
        bench.receive(&puback(id.wrapping_add(1), ReturnCode::Accepted)),
        Event::Nothing
    );
    assert!(
        bench.client.is_busy(),
        "the acknowledgement of another message"
    );
    let done = Event::Done {
        msg_id: id,
        topic_id: 1,
        code: ReturnCode::Accepted,
    };
    assert_eq!(bench.receive(&puback(id, ReturnCode::Accepted)), done);
    assert_eq!(
        bench.receive(&puback(id, ReturnCode::Accepted)),
        Event::Nothing
    );
    bench.wait(3000);
    bench.expect(&[]);
}

#[test]
fn a_refused_topic_id_is_told_for_every_qos() {
    let mut bench = Bench::connected(Board);
    let code = ReturnCode::InvalidTopicId;
    let refused = |msg_id| Event::Done {
        msg_id,
        topic_id: 1,
        code,
    };
    assert_eq!(bench.receive(&puback(0, code)), refused(0));
    let id = bench
        .ask(|client, mut out| client.publish_surely(STATE, b"on", false, &mut out))
        .expect("there is a session");
    assert_eq!(bench.receive(&puback(id, code)), refused(id));
    assert!(!bench.client.is_busy());
}

#[test]
fn a_request_without_an_answer_loses_the_gateway_after_five_repetitions() {
    let mut bench = Bench::connected(Board);
    bench
        .ask(|client, mut out| client.publish_surely(STATE, b"on", false, &mut out))
        .expect("there is a session");
    assert_eq!(bench.wait(5999), Event::Nothing);
    let publishes = bench.sent.iter().filter(|packet| packet[1] == 0x0C).count();
    assert_eq!(publishes, 6);
    bench.sent.clear();
    assert_eq!(bench.wait(1), Event::Lost);
    assert!(!bench.client.is_busy() && !bench.client.is_connected());
    bench.poll();
    bench.expect(&[connect()]);
}

#[test]
fn subscribes_to_all_kinds_of_topics() {
    let mut bench = Bench::connected(Everything);
    for topic in [
        Topic::Predefined(0x0200),
        Topic::Short(*b"gt"),
        Topic::Name("a/#".into()),
    ] {
        let id = bench
            .ask(|client, mut out| client.subscribe(topic, &mut out))
            .expect("there is a session");
        let first = Subscribe {
            dup: false,
            qos: Qos::AtLeastOnce,
            msg_id: id,
            topic,
        };
        bench.expect(&[Packet::Subscribe(first)]);
        bench.wait(1000);
        bench.expect(&[Packet::Subscribe(Subscribe { dup: true, ..first })]);
        let code = ReturnCode::Accepted;
        let ack = SubAck {
            qos: Qos::AtLeastOnce,
            topic_id: 7,
            msg_id: id,
            code,
        };
        let done = Event::Done {
            msg_id: id,
            topic_id: 7,
            code,
        };
        assert_eq!(bench.receive(&octets(Packet::SubAck(ack))), done);
    }
}

#[test]
fn registers_and_is_told_of_topics() {
    let mut bench = Bench::connected(Everything);
    let id = bench
        .ask(|client, mut out| client.register(b"a/b", &mut out))
        .expect("there is a session");
    let register = Register {
        topic_id: 0,
        msg_id: id,
        name: "a/b".into(),
    };
    bench.expect(&[Packet::Register(register)]);
    bench.wait(1000);
    bench.expect(&[Packet::Register(register)]);
    let code = ReturnCode::Accepted;
    let ack = RegAck {
        topic_id: 9,
        msg_id: id,
        code,
    };
    let done = Event::Done {
        msg_id: id,
        topic_id: 9,
        code,
    };
    assert_eq!(bench.receive(&octets(Packet::RegAck(ack))), done);
    let told = Register {
        topic_id: 8,
        msg_id: 77,
        name: "a/c".into(),
    };
    let name: Text<'_> = "a/c".into();
    let told = octets(Packet::Register(told));
    assert_eq!(
        bench.receive(&told),
        Event::Registration { topic_id: 8, name }
    );
    bench.expect(&[Packet::RegAck(RegAck {
        topic_id: 8,
        msg_id: 77,
        code,
    })]);
}

#[test]
fn acknowledges_a_message_each_time_it_comes_and_hands_it_on() {
    let mut bench = Bench::connected(Board);
    let topic = TopicId::Predefined(0x0101);
    let first = Publish {
        topic,
        ..publish(Qos::AtLeastOnce, 5, b"on 17")
    };
    for dup in [false, true] {
        let octets = octets(Packet::Publish(Publish { dup, ..first }));
        let message = Message {
            topic,
            retain: false,
            dup,
            data: b"on 17",
        };
        assert_eq!(bench.receive(&octets), Event::Message(message));
        let ack = PubAck {
            topic_id: 0x0101,
            msg_id: 5,
            code: ReturnCode::Accepted,
        };
        bench.expect(&[Packet::PubAck(ack)]);
    }
    let once = octets(Packet::Publish(Publish {
        retain: true,
        ..publish(Qos::AtMostOnce, 0, b"x")
    }));
    let message = Message {
        topic: STATE,
        retain: true,
        dup: false,
        data: b"x",
    };
    assert_eq!(bench.receive(&once), Event::Message(message));
    bench.expect(&[]);
}

#[test]
fn pings_after_half_of_the_keep_alive_though_it_speaks_or_hears() {
    let mut bench = Bench::connected(Board);
    for _ in 0..49 {
        bench.wait(100);
        bench
            .ask(|client, mut out| client.publish(STATE, b"1", false, &mut out))
            .expect("there is a session");
    }
    bench.sent.clear();
    bench.wait(100);
    bench.expect(&[Packet::PingReq(None)]);
    assert_eq!(bench.receive(&octets(Packet::PingResp)), Event::Nothing);
    let message = octets(Packet::Publish(publish(Qos::AtMostOnce, 0, b"x")));
    for _ in 0..49 {
        bench.wait(100);
        bench.receive(&message);
    }
    bench.expect(&[]);
    bench.wait(100);
    bench.expect(&[Packet::PingReq(None)]);
}

#[test]
fn pings_without_an_answer_lose_the_gateway() {
    let mut bench = Bench::connected(Board);
    assert_eq!(bench.wait(10_999), Event::Nothing);
    bench.expect(&[Packet::PingReq(None); 6]);
    assert_eq!(bench.wait(1), Event::Lost);
    bench.poll();
    bench.expect(&[connect()]);
}

#[test]
fn anything_that_is_heard_answers_a_ping() {
    let mut bench = Bench::connected(Board);
    bench.wait(7000);
    bench.expect(&[Packet::PingReq(None); 3]);
    bench.receive(&octets(Packet::Publish(publish(Qos::AtMostOnce, 0, b"x"))));
    assert_eq!(bench.client.heard(), bench.now);
    assert_eq!(bench.wait(4999), Event::Nothing);
    bench.expect(&[]);
}

#[test]
fn answers_a_ping() {
    let mut bench = Bench::connected(Board);
    bench.receive(&octets(Packet::PingReq(None)));
    bench.expect(&[Packet::PingResp]);
}

#[test]
fn connects_again_when_the_gateway_does_not_know_it() {
    let mut bench = Bench::connected(Board);
    bench
        .ask(|client, mut out| client.publish_surely(STATE, b"on", false, &mut out))
        .expect("there is a session");
    bench.sent.clear();
    assert_eq!(
        bench.receive(&octets(Packet::Disconnect(None))),
        Event::Lost
    );
    bench.poll();
    bench.expect(&[connect()]);
    // While it connects, it does not connect faster for being told again.
    assert_eq!(
        bench.receive(&octets(Packet::Disconnect(None))),
        Event::Nothing
    );
    bench.poll();
    bench.expect(&[]);
    assert_eq!(bench.receive(&connack()), Event::Connected);
    assert!(!bench.client.is_busy());
}

#[test]
fn says_goodbye_and_stays_away() {
    let mut bench = Bench::connected(Board);
    bench.ask(|client, mut out| client.disconnect(&mut out));
    bench.expect(&[Packet::Disconnect(None)]);
    bench.wait(20_000);
    assert_eq!(bench.receive(&connack()), Event::Nothing);
    assert_eq!(bench.client.wake_at(), None);
    bench.expect(&[]);
    bench.client.connect();
    bench.poll();
    bench.expect(&[connect()]);
}

#[test]
fn sleeps_wakes_up_and_fetches_what_waits() {
    let mut bench = Bench::connected(Everything);
    bench
        .ask(|client, mut out| client.sleep(60, &mut out))
        .expect("there is a session");
    bench.wait(1000);
    bench.expect(&[Packet::Disconnect(Some(60)); 2]);
    assert_eq!(
        bench.receive(&octets(Packet::Disconnect(None))),
        Event::Asleep
    );
    bench.wait(57_999);
    bench.expect(&[]);
    bench.wait(1);
    let hello = Packet::PingReq(Some("everything".into()));
    bench.expect(&[hello]);
    bench.wait(900);
    let message = octets(Packet::Publish(publish(Qos::AtLeastOnce, 5, b"x")));
    assert!(matches!(bench.receive(&message), Event::Message(_)));
    let ack = PubAck {
        topic_id: 1,
        msg_id: 5,
        code: ReturnCode::Accepted,
    };
    bench.wait(999);
    bench.expect(&[Packet::PubAck(ack)]);
    assert_eq!(bench.receive(&octets(Packet::PingResp)), Event::Asleep);
    bench
        .ask(|client, mut out| client.wake_up(&mut out))
        .expect("it sleeps");
    bench.expect(&[hello]);
    assert_eq!(bench.wait(5999), Event::Nothing);
    bench.expect(&[hello; 5]);
    assert_eq!(bench.wait(1), Event::Lost);
}

#[test]
fn comes_back_from_sleep_with_a_connect() {
    let mut bench = Bench::connected(Everything);
    bench
        .ask(|client, mut out| client.sleep(60, &mut out))
        .expect("there is a session");
    bench.receive(&octets(Packet::Disconnect(None)));
    let asleep = bench.ask(|client, mut out| client.publish(STATE, b"1", false, &mut out));
    assert_eq!(asleep, Err(AskError::NotConnected));
    bench.sent.clear();
    bench.client.connect();
    bench.poll();
    assert_eq!(bench.sent[0][1], 0x04);
    assert_eq!(bench.receive(&connack()), Event::Connected);
}

#[test]
fn what_is_too_long_is_not_sent() {
    let mut bench = Bench::connected(Board);
    let data = [0; 122];
    let long = bench.ask(|client, mut out| client.publish(STATE, &data, false, &mut out));
    assert_eq!(long, Err(AskError::TooLong));
    let long = bench.ask(|client, mut out| client.publish_surely(STATE, &data, false, &mut out));
    assert_eq!(long, Err(AskError::TooLong));
    assert!(!bench.client.is_busy());
    bench.expect(&[]);
    bench
        .ask(|client, mut out| client.publish(STATE, &data[1..], false, &mut out))
        .expect("121 octets and the seven of a PUBLISH are 128");
}

#[test]
fn a_poll_is_due_when_it_says_and_not_before() {
    let mut bench = Bench::connected(Board);
    bench
        .ask(|client, mut out| client.publish_surely(STATE, b"on", false, &mut out))
        .expect("there is a session");
    for _ in 0..40 {
        let wake = bench.client.wake_at().expect("something is under way");
        let wait = wake.wrapping_sub(bench.now);
        assert!(wait <= 5000, "{wait}");
        bench.sent.clear();
        let early = bench.wait(wait.saturating_sub(1));
        assert_eq!((early, bench.sent.len()), (Event::Nothing, 0));
        bench.now = wake;
        let event = bench.poll();
        assert!(event == Event::Lost || !bench.sent.is_empty(), "{event:?}");
    }
}
