//! What the client asks for.

use super::*;

#[test]
fn a_client_is_let_in_once_the_broker_says_so() {
    let mut desk = Desk::new();
    desk.receive(connect(false));
    desk.expect(&[]);
    let asked = &desk.entered[0];
    assert_eq!((&*asked.client_id, asked.clean_start), ("shed", false));
    assert_eq!(asked.session_expiry, Some(SESSION_EXPIRY));
    assert!(asked.will.is_none());
    // It repeats itself meanwhile, and is not asked for twice.
    desk.receive(connect(false));
    assert_eq!(desk.entered.len(), 1);
    desk.connack();
    desk.expect(&[sn::Packet::ConnAck(ACCEPTED)]);
}

#[test]
fn a_refusal_says_whether_to_try_again() {
    for (reason, code) in [
        (Reason::ServerBusy, sn::ReturnCode::Congestion),
        (Reason::NotAuthorized, sn::ReturnCode::NotSupported),
    ] {
        let mut desk = Desk::new();
        desk.receive(connect(false));
        desk.session.entered(Err(reason), desk.now);
        desk.collect();
        desk.expect(&[sn::Packet::ConnAck(code)]);
        assert_eq!(desk.over, Some(End::Closed(reason)));
    }
}

#[test]
fn a_will_is_asked_for_in_two_steps() {
    let mut desk = Desk::new();
    desk.receive(connect(true));
    desk.expect(&[sn::Packet::WillTopicReq]);
    desk.receive(sn::Packet::WillTopic(Some(sn::Will {
        qos: sn::Qos::AtLeastOnce,
        retain: true,
        topic: "home/shed/status".into(),
    })));
    desk.expect(&[sn::Packet::WillMsgReq]);
    assert!(desk.entered.is_empty());
    desk.receive(sn::Packet::WillMsg(b"gone"));
    let will = desk.entered[0].will.clone().unwrap();
    assert_eq!(
        (&*will.topic, &*will.payload),
        ("home/shed/status", &b"gone"[..])
    );
    assert_eq!((will.qos, will.retain), (Qos::AtLeastOnce, true));
}

#[test]
fn an_empty_will_topic_is_no_will() {
    let mut desk = Desk::new();
    desk.receive(connect(true));
    desk.receive(sn::Packet::WillTopic(None));
    assert!(desk.entered[0].will.is_none());
}

#[test]
fn a_will_to_no_topic_is_refused() {
    let mut desk = Desk::new();
    desk.receive(connect(true));
    desk.forget();
    desk.receive(sn::Packet::WillTopic(Some(sn::Will {
        qos: sn::Qos::AtMostOnce,
        retain: false,
        topic: "home/#".into(),
    })));
    desk.expect(&[sn::Packet::ConnAck(sn::ReturnCode::NotSupported)]);
    assert!(desk.entered.is_empty());
}

#[test]
fn who_is_not_connected_is_told_so() {
    let mut desk = Desk::new();
    desk.receive(sn::Packet::PingReq(None));
    desk.expect(&[sn::Packet::Disconnect(None)]);
    assert!(desk.told.is_empty());
}

#[test]
fn a_registered_topic_is_published_to() {
    let mut desk = Desk::connected();
    let register = |name: &'static str, msg_id| {
        sn::Packet::Register(sn::Register {
            topic_id: 0,
            msg_id,
            name: name.into(),
        })
    };
    desk.receive(register("home/shed/door", 9));
    desk.expect(&[regack(1, 9, ACCEPTED)]);
    desk.receive(register("home/+/door", 10));
    desk.expect(&[regack(0, 10, sn::ReturnCode::NotSupported)]);
    let id = sn::TopicId::Normal(1);
    desk.receive(sn::Packet::Publish(publish(sn::Qos::AtLeastOnce, id, 11)));
    let Some(Packet::Publish(told)) = desk.told.pop() else {
        panic!("the broker is told");
    };
    assert_eq!(
        (&*told.topic, told.qos),
        ("home/shed/door", Qos::AtLeastOnce)
    );
    assert_eq!(
        (told.packet_id, &*told.payload),
        (PacketId::new(11), &b"on"[..])
    );
    // Acknowledged when the broker has it, and not before.
    desk.expect(&[]);
    desk.tell(&Packet::PubAck(ack(11, Reason::Success)));
    desk.expect(&[puback(1, 11, ACCEPTED)]);
}

#[test]
fn an_unknown_topic_id_is_refused_and_nothing_published() {
    let mut desk = Desk::connected();
    for id in [
        sn::TopicId::Normal(1),
        sn::TopicId::Normal(0),
        sn::TopicId::Predefined(6),
        sn::TopicId::Short(*b"a#"),
    ] {
        desk.receive(sn::Packet::Publish(publish(sn::Qos::AtMostOnce, id, 0)));
        desk.expect(&[puback(id.code(), 0, sn::ReturnCode::InvalidTopicId)]);
    }
    desk.expect_told(&[]);
}

#[test]
fn a_refused_message_is_told_to_its_publisher() {
    let mut desk = Desk::connected();
    let id = sn::TopicId::Predefined(5);
    for (reason, code) in [
        (Reason::NotAuthorized, sn::ReturnCode::NotSupported),
        (Reason::QuotaExceeded, sn::ReturnCode::Congestion),
    ] {
        desk.receive(sn::Packet::Publish(publish(sn::Qos::AtLeastOnce, id, 3)));
        desk.tell(&Packet::PubAck(ack(3, reason)));
        desk.expect(&[puback(5, 3, code)]);
    }
}

#[test]
fn qos_2_takes_four_packets_in_both_directions() {
    let mut desk = Desk::connected();
    let id = sn::TopicId::Short(*b"ab");
    desk.receive(sn::Packet::Publish(publish(sn::Qos::ExactlyOnce, id, 3)));
    desk.tell(&Packet::PubRec(ack(3, Reason::Success)));
    desk.expect(&[sn::Packet::PubRec(3)]);
    desk.forget();
    desk.receive(sn::Packet::PubRel(3));
    desk.expect_told(&[Packet::PubRel(ack(3, Reason::Success))]);
    desk.tell(&Packet::PubComp(ack(3, Reason::Success)));
    desk.expect(&[sn::Packet::PubComp(3)]);

    desk.deliver("ab", Qos::ExactlyOnce, 8);
    desk.expect(&[sn::Packet::Publish(publish(sn::Qos::ExactlyOnce, id, 8))]);
    desk.receive(sn::Packet::PubRec(8));
    desk.expect_told(&[Packet::PubRec(ack(8, Reason::Success))]);
    desk.tell(&Packet::PubRel(ack(8, Reason::Success)));
    desk.expect(&[sn::Packet::PubRel(8)]);
    desk.receive(sn::Packet::PubComp(8));
    desk.expect_told(&[Packet::PubComp(ack(8, Reason::Success))]);
}

#[test]
fn a_subscription_tells_the_id_that_its_messages_come_with() {
    let mut desk = Desk::connected();
    let cases = [
        (
            sn::Topic::Name("home/shed/lamp".into()),
            "home/shed/lamp",
            1,
        ),
        (sn::Topic::Name("home/#".into()), "home/#", 0),
        (sn::Topic::Predefined(5), "home/hall/lamp", 5),
        (sn::Topic::Short(*b"ab"), "ab", 0),
    ];
    for (msg_id, (topic, filter, topic_id)) in (1..).zip(cases) {
        desk.receive(sn::Packet::Subscribe(sn::Subscribe {
            dup: false,
            qos: sn::Qos::AtLeastOnce,
            msg_id,
            topic,
        }));
        let Some(Packet::Subscribe(told)) = desk.told.pop() else {
            panic!("the broker is told of {filter}");
        };
        assert_eq!(told.filters[0].0, filter);
        desk.tell(&Packet::SubAck(SubAck {
            packet_id: PacketId::new(msg_id).unwrap(),
            reasons: vec![Reason::GrantedQos1],
            reason_string: None,
        }));
        desk.expect(&[sn::Packet::SubAck(sn::SubAck {
            qos: sn::Qos::AtLeastOnce,
            topic_id,
            msg_id,
            code: ACCEPTED,
        })]);
    }
}
