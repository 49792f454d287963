//! What the client is sent, and what becomes of one that does not answer.

use super::*;

#[test]
fn a_topic_is_registered_before_its_first_message() {
    let mut desk = Desk::connected();
    desk.deliver("home/attic/lamp", Qos::AtLeastOnce, 4);
    desk.deliver("home/attic/lamp", Qos::AtLeastOnce, 5);
    desk.expect(&[sn::Packet::Register(sn::Register {
        topic_id: 1,
        msg_id: 1,
        name: "home/attic/lamp".into(),
    })]);
    desk.receive(regack(1, 1, ACCEPTED));
    let id = sn::TopicId::Normal(1);
    desk.expect(&[sn::Packet::Publish(publish(sn::Qos::AtLeastOnce, id, 4))]);
    // One at a time.
    desk.receive(puback(1, 4, ACCEPTED));
    desk.expect_told(&[Packet::PubAck(ack(4, Reason::Success))]);
    desk.expect(&[sn::Packet::Publish(publish(sn::Qos::AtLeastOnce, id, 5))]);
}

#[test]
fn a_lost_topic_id_is_told_again_once() {
    let mut desk = Desk::connected();
    desk.deliver("home/attic/lamp", Qos::AtLeastOnce, 4);
    desk.receive(regack(1, 1, ACCEPTED));
    desk.forget();
    desk.receive(puback(1, 4, sn::ReturnCode::InvalidTopicId));
    desk.expect(&[sn::Packet::Register(sn::Register {
        topic_id: 2,
        msg_id: 2,
        name: "home/attic/lamp".into(),
    })]);
    desk.receive(regack(2, 2, ACCEPTED));
    desk.forget();
    desk.receive(puback(2, 4, sn::ReturnCode::InvalidTopicId));
    desk.expect(&[]);
    desk.expect_told(&[Packet::PubAck(ack(4, Reason::UnspecifiedError))]);
}

#[test]
fn what_is_not_acknowledged_is_repeated_and_then_the_client_is_lost() {
    let mut desk = Desk::connected();
    desk.deliver("ab", Qos::AtLeastOnce, 4);
    let id = sn::TopicId::Short(*b"ab");
    let mut again = publish(sn::Qos::AtLeastOnce, id, 4);
    desk.expect(&[sn::Packet::Publish(again)]);
    again.dup = true;
    for _ in 0..2 {
        desk.wait(1);
        desk.expect(&[sn::Packet::Publish(again)]);
    }
    desk.wait(1);
    desk.expect(&[sn::Packet::Disconnect(None)]);
    assert_eq!(desk.over, Some(End::Lost));
    assert_eq!(desk.session.wake_at(), None);
}

#[test]
fn silence_beyond_the_keep_alive_is_a_loss() {
    let mut desk = Desk::connected();
    desk.wait(80);
    desk.receive(sn::Packet::PingReq(None));
    desk.expect(&[sn::Packet::PingResp]);
    desk.wait(89);
    assert_eq!(desk.over, None);
    desk.wait(1);
    assert_eq!(desk.over, Some(End::Lost));
}

#[test]
fn a_sleeping_client_is_sent_what_waits_when_it_is_awake() {
    let mut desk = Desk::connected();
    desk.receive(sn::Packet::Disconnect(Some(300)));
    desk.expect(&[sn::Packet::Disconnect(None)]);
    desk.expect_told(&[]);
    desk.deliver("ab", Qos::AtMostOnce, 0);
    desk.deliver("ab", Qos::AtLeastOnce, 4);
    desk.wait(400);
    desk.expect(&[]);
    let id = sn::TopicId::Short(*b"ab");
    desk.receive(sn::Packet::PingReq(Some("shed".into())));
    desk.expect(&[
        sn::Packet::Publish(publish(sn::Qos::AtMostOnce, id, 0)),
        sn::Packet::Publish(publish(sn::Qos::AtLeastOnce, id, 4)),
    ]);
    // It sleeps on once everything is acknowledged.
    desk.receive(puback(id.code(), 4, ACCEPTED));
    desk.expect(&[sn::Packet::PingResp]);
    desk.deliver("ab", Qos::AtMostOnce, 0);
    desk.expect(&[]);
    // Back to active, without a new session.
    desk.receive(connect(false));
    assert!(desk.entered.is_empty());
    desk.expect(&[
        sn::Packet::ConnAck(ACCEPTED),
        sn::Packet::Publish(publish(sn::Qos::AtMostOnce, id, 0)),
    ]);
}

#[test]
fn a_client_that_oversleeps_is_lost() {
    let mut desk = Desk::connected();
    desk.receive(sn::Packet::Disconnect(Some(100)));
    desk.wait(149);
    assert_eq!(desk.over, None);
    desk.wait(1);
    assert_eq!(desk.over, Some(End::Lost));
}

#[test]
fn what_waits_for_a_sleeping_client_is_bounded() {
    let mut desk = Desk::connected();
    desk.receive(sn::Packet::Disconnect(Some(300)));
    desk.deliver("first", Qos::AtLeastOnce, 4);
    for _ in 0..1000 {
        desk.deliver("ab", Qos::AtMostOnce, 0);
    }
    desk.forget();
    desk.receive(sn::Packet::PingReq(Some("shed".into())));
    desk.receive(regack(1, 1, ACCEPTED));
    desk.receive(puback(1, 4, ACCEPTED));
    // REGISTER, the acknowledged one, what waits at QoS 0, PINGRESP.
    let loose = desk.sent.len() - 3;
    assert!((60..70).contains(&loose), "{loose}");
}

#[test]
fn goodbye_is_told_to_the_broker() {
    let mut desk = Desk::connected();
    desk.receive(sn::Packet::Disconnect(None));
    desk.expect(&[sn::Packet::Disconnect(None)]);
    desk.expect_told(&[Packet::Disconnect(Disconnect::default())]);
    assert_eq!(desk.over, Some(End::Left));
}

#[test]
fn another_connect_is_another_session() {
    let mut desk = Desk::connected();
    desk.deliver("ab", Qos::AtLeastOnce, 4);
    desk.receive(connect(false));
    assert_eq!(desk.entered.len(), 1);
    desk.forget();
    // What the broker sends again comes again, and only that.
    desk.wait(5);
    desk.expect(&[]);
    desk.tell(&Packet::ConnAck(Box::new(ConnAck {
        session_present: true,
        ..ConnAck::default()
    })));
    desk.expect(&[sn::Packet::ConnAck(ACCEPTED)]);
    desk.deliver("ab", Qos::AtLeastOnce, 4);
    assert_eq!(desk.sent.len(), 1);
}

fn will(topic: &str) -> sn::Packet<'_> {
    sn::Packet::WillTopicUpd(Some(sn::Will {
        qos: sn::Qos::AtLeastOnce,
        retain: true,
        topic: topic.into(),
    }))
}

#[test]
fn a_will_is_changed_on_the_way_when_the_broker_has_it() {
    let mut desk = Desk::connected();
    let (topic, message) = (sn::Packet::WillTopicResp, sn::Packet::WillMsgResp);
    // There is none, and no topic to say anything on.
    desk.receive(sn::Packet::WillMsgUpd(b"x"));
    desk.receive(will("a/#"));
    desk.expect(&[
        message(sn::ReturnCode::NotSupported),
        topic(sn::ReturnCode::NotSupported),
    ]);
    desk.receive(will("a/gone"));
    desk.expect(&[]);
    desk.session.rewilled(Ok(()));
    desk.collect();
    desk.expect(&[topic(ACCEPTED)]);
    desk.receive(sn::Packet::WillMsgUpd(b"bye"));
    let last = desk.rewilled.last().cloned().flatten().unwrap();
    assert_eq!(
        (&*last.topic, &*last.payload, last.qos, last.retain),
        ("a/gone", &b"bye"[..], Qos::AtLeastOnce, true)
    );
    desk.session.rewilled(Ok(()));
    desk.collect();
    desk.expect(&[message(ACCEPTED)]);
    // Where it may not write, the will before stays.
    desk.receive(will("secret"));
    desk.session.rewilled(Err(Some(last)));
    desk.collect();
    desk.expect(&[topic(sn::ReturnCode::NotSupported)]);
    desk.receive(sn::Packet::WillMsgUpd(b"later"));
    let kept = desk.rewilled.last().cloned().flatten().unwrap();
    assert_eq!((&*kept.topic, &*kept.payload), ("a/gone", &b"later"[..]));
    desk.receive(sn::Packet::WillTopicUpd(None));
    assert_eq!(desk.rewilled.last(), Some(&None));
    // Who asks on and on without waiting is told to wait.
    desk.forget();
    for _ in 0..9 {
        desk.receive(will("a/gone"));
    }
    assert_eq!(desk.sent.len(), 7);
}
