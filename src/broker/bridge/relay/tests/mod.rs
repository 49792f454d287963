//! What crosses between two brokers, whatever happens in between.

mod at_random;
mod hostile;
mod world;

use super::*;
use crate::broker::bridge::mapping::Direction;
use crate::broker::router::{Link, Origin};
use world::{Side, World, client, rule};

const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

fn visitor(side: &mut Side, id: &str, filter: &str) -> Link {
    let link = side.connect(client(id, Version::V5), Origin::Outside, Default::default());
    side.subscribe(link, filter);
    link
}

fn both(pattern: &str) -> Vec<Rule> {
    vec![rule(pattern, Direction::Both, "")]
}

fn pair(topic: &str, payload: &str) -> (String, String) {
    (topic.to_owned(), payload.to_owned())
}

#[test]
fn messages_cross_under_their_other_names() {
    for version in VERSIONS {
        let rules = vec![
            rule("home/+/t", Direction::Out, "house7/"),
            rule("home/+/+/set", Direction::In, "house7/"),
        ];
        let mut world = World::new(version, rules);
        world.rest();
        let here = visitor(&mut world.house, "a", "#");
        let there = visitor(&mut world.remote, "b", "#");
        world
            .house
            .publish(here, "home/a/t", "21", Qos::AtMostOnce, false);
        world
            .house
            .publish(here, "home/a/secret", "0", Qos::AtMostOnce, false);
        world.remote.publish(
            there,
            "house7/home/a/fan/set",
            "on",
            Qos::ExactlyOnce,
            false,
        );
        world.remote.publish(
            there,
            "house8/home/a/fan/set",
            "on",
            Qos::AtLeastOnce,
            false,
        );
        world.rest();
        let seen = World::seen(&mut world.remote, there);
        assert!(seen.contains(&pair("house7/home/a/t", "21")), "{seen:?}");
        assert_eq!(seen.len(), 3);
        let seen = World::seen(&mut world.house, here);
        assert!(seen.contains(&pair("home/a/fan/set", "on")), "{seen:?}");
        assert_eq!(seen.len(), 3);
        let tally = world.relay.tally();
        assert_eq!((tally.sent, tally.received, world.waiting()), (1, 1, 0));
    }
}

#[test]
fn what_goes_both_ways_does_not_go_round() {
    for version in VERSIONS {
        let mut world = World::new(version, both("t/#"));
        world.rest();
        let here = visitor(&mut world.house, "a", "#");
        let there = visitor(&mut world.remote, "b", "#");
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            world.house.publish(here, "t/a", "from here", qos, true);
            world.remote.publish(there, "t/b", "from there", qos, true);
            world.rest();
        }
        for (side, by) in [(&mut world.house, here), (&mut world.remote, there)] {
            let mut seen = World::seen(side, by);
            seen.sort();
            let (a, b) = (pair("t/a", "from here"), pair("t/b", "from there"));
            assert_eq!(
                seen,
                [&a, &a, &a, &b, &b, &b].map(Clone::clone),
                "{version:?}"
            );
        }
    }
}

#[test]
fn a_message_that_comes_round_through_others_is_left_out() {
    let mut world = World::new(Version::V5, both("t/#"));
    world.rest();
    let here = visitor(&mut world.house, "a", "#");
    let mark = Mark::new(1);
    let come_round = Publish {
        packet_id: PacketId::new(9),
        qos: Qos::AtLeastOnce,
        properties: mark.leaving(&PublishProperties::default()),
        dup: false,
        retain: false,
        topic: "t/a".into(),
        payload: "ours".into(),
        topic_alias: None,
        subscription_ids: Vec::new(),
    };
    world
        .relay
        .remote_says(Packet::Publish(come_round), Moment(0))
        .unwrap();
    assert!(world.relay.for_house().is_empty());
    let answers: Vec<Packet> = world.relay.for_remote().collect();
    assert!(matches!(&answers[..], [Packet::PubAck(ack)] if ack.packet_id.get() == 9));
    assert_eq!(world.relay.tally().loops, 1);
    assert!(World::seen(&mut world.house, here).is_empty());
}

#[test]
fn two_states_that_cross_end_the_same_on_both_sides() {
    for version in VERSIONS {
        let mut world = World::new(version, both("t/#"));
        world.rest();
        let here = visitor(&mut world.house, "a", "nothing");
        let there = visitor(&mut world.remote, "b", "nothing");
        world
            .house
            .publish(here, "t/1", "house", Qos::AtLeastOnce, true);
        world
            .remote
            .publish(there, "t/1", "there", Qos::AtLeastOnce, true);
        world.rest();
        let now = world.now;
        let kept = world.house.router.retained("t/1", now);
        let same = world.remote.router.retained("t/1", now);
        assert_eq!(kept[0].payload, same[0].payload, "{version:?}");
    }
}

#[test]
fn what_is_retained_is_there_at_the_first_meeting_and_once() {
    for version in VERSIONS {
        let mut world = World::new(version, both("t/#"));
        let here = visitor(&mut world.house, "a", "t/#");
        let there = visitor(&mut world.remote, "b", "t/#");
        world
            .house
            .publish(here, "t/1", "house", Qos::AtMostOnce, true);
        world
            .remote
            .publish(there, "t/2", "there", Qos::AtMostOnce, true);
        world.rest();
        assert_eq!(World::seen(&mut world.house, here).len(), 2);
        assert_eq!(World::seen(&mut world.remote, there).len(), 2);
        let now = world.now;
        assert_eq!(world.remote.router.retained("t/#", now).len(), 2);
        // A resumed session brings nothing again, on neither side.
        world.reconnect();
        world.rest();
        assert_eq!(World::seen(&mut world.house, here), []);
        assert_eq!(World::seen(&mut world.remote, there), []);
    }
}

#[test]
fn the_other_sides_limits_hold() {
    let mut world = World::new(Version::V5, vec![rule("#", Direction::Out, "")]);
    world.receive_maximum = std::num::NonZeroU16::new(2);
    world.maximum_qos = Some(Qos::AtLeastOnce);
    world.reconnect();
    let here = visitor(&mut world.house, "a", "nothing");
    let there = visitor(&mut world.remote, "b", "#");
    for number in 0..10 {
        world
            .house
            .publish(here, "t", &number.to_string(), Qos::ExactlyOnce, false);
    }
    world.settle_house();
    assert!(world.relay.flight.len() <= 2, "{:?}", world.relay.flight);
    world.rest();
    let seen = World::seen(&mut world.remote, there);
    let payloads: Vec<&str> = seen.iter().map(|(_, payload)| payload.as_str()).collect();
    assert_eq!(payloads, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!((world.waiting(), world.relay.closing.len()), (0, 0));
}

#[test]
fn refusals_end_an_exchange_and_are_told() {
    for (qos, answer) in [
        (Qos::AtLeastOnce, Packet::PubAck as fn(Ack) -> Packet),
        (Qos::ExactlyOnce, Packet::PubRec),
    ] {
        let mut world = World::new(Version::V5, vec![rule("#", Direction::Out, "")]);
        world.rest();
        let here = visitor(&mut world.house, "a", "nothing");
        world.house.publish(here, "t", "x", qos, false);
        world.settle_house();
        let id = *world.relay.flight.keys().next().unwrap();
        let refusal = answer(ack(id, Reason::NotAuthorized));
        world.relay.remote_says(refusal, Moment(0)).unwrap();
        world.settle_house();
        assert_eq!((world.waiting(), world.relay.flight.len()), (0, 0));
        assert_eq!(world.relay.tally().refused_there, 1);
        let complaint = world.relay.complaint().unwrap();
        assert!(complaint.contains("NotAuthorized"), "{complaint}");
    }
}

#[test]
fn a_message_that_is_too_large_does_not_hold_up_others() {
    let mut world = World::new(Version::V5, vec![rule("#", Direction::Out, "")]);
    world.rest();
    world.relay.there.largest = 100;
    let here = visitor(&mut world.house, "a", "nothing");
    let there = visitor(&mut world.remote, "b", "#");
    for payload in ["x".repeat(100), "small".to_owned()] {
        world
            .house
            .publish(here, "t", &payload, Qos::ExactlyOnce, false);
    }
    world.rest();
    assert_eq!(World::seen(&mut world.remote, there), [pair("t", "small")]);
    assert_eq!((world.waiting(), world.relay.tally().too_large), (0, 1));
}

#[test]
fn what_tells_of_the_bridge_itself_does_not_cross() {
    let rules = vec![rule("#", Direction::Out, "house7/")];
    let mut world = World::new(Version::V5, rules);
    world.rest();
    let inside = client("\0bridges", Version::V5);
    let here = world
        .house
        .connect(inside, Origin::Inside, Default::default());
    let there = visitor(&mut world.remote, "b", "#");
    for topic in ["hearth/bridge/x/about", "hearth/bridge/y/about"] {
        world
            .house
            .publish(here, topic, "1", Qos::AtLeastOnce, true);
    }
    world.rest();
    let seen = World::seen(&mut world.remote, there);
    assert_eq!(seen, [pair("house7/hearth/bridge/y/about", "1")]);
    assert_eq!(world.waiting(), 0);
}

#[test]
fn what_only_the_house_may_say_is_left_out_without_a_word() {
    let mut world = World::new(Version::V5, both("#"));
    world.rest();
    let lie = Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: true,
        topic: "hearth/status".into(),
        packet_id: None,
        payload: "offline".into(),
        topic_alias: None,
        subscription_ids: Vec::new(),
        properties: PublishProperties::default(),
    };
    let relay = &mut world.relay;
    relay.remote_says(Packet::Publish(lie), Moment(0)).unwrap();
    assert!(relay.for_house().is_empty());
    assert_eq!((relay.complaint(), relay.tally().refused_here), (None, 0));
}

#[test]
fn acknowledgements_keep_the_order_of_what_came() {
    let mut world = World::new(Version::V5, both("t/#"));
    world.rest();
    let publish = |id, topic: &str| {
        Packet::Publish(Publish {
            dup: false,
            qos: Qos::AtLeastOnce,
            retain: false,
            topic: topic.into(),
            packet_id: PacketId::new(id),
            payload: "x".into(),
            topic_alias: None,
            subscription_ids: Vec::new(),
            properties: PublishProperties::default(),
        })
    };
    let relay = &mut world.relay;
    relay.remote_says(publish(1, "t/a"), Moment(0)).unwrap();
    relay
        .remote_says(publish(2, "elsewhere"), Moment(0))
        .unwrap();
    assert_eq!(relay.for_remote().count(), 0, "the first is not taken yet");
    let taken = Packet::PubAck(ack(PacketId::MIN, Reason::NoMatchingSubscribers));
    relay.house_says(Event::Packet(taken), Moment(0));
    let answers: Vec<Packet> = relay.for_remote().collect();
    let expected =
        [1, 2].map(|id| Packet::PubAck(ack(PacketId::new(id).unwrap(), Reason::Success)));
    assert_eq!(answers, expected);
}

#[test]
fn only_a_brokers_packets_are_taken() {
    let mut world = World::new(Version::V5, both("t/#"));
    for packet in [
        Packet::PingReq,
        Packet::ConnAck(Box::default()),
        Packet::Auth(Box::default()),
    ] {
        let trouble = world.relay.remote_says(packet, Moment(0)).unwrap_err();
        assert!(matches!(trouble, Trouble::Misplaced(_)));
    }
    let last = crate::broker::codec::Disconnect {
        reason: Reason::ServerShuttingDown,
        ..Default::default()
    };
    let trouble = world
        .relay
        .remote_says(Packet::Disconnect(last), Moment(0))
        .unwrap_err();
    assert!(matches!(
        trouble,
        Trouble::Dismissed(Reason::ServerShuttingDown, None)
    ));
}

#[test]
fn what_comes_in_by_one_bridge_may_leave_by_another() {
    let mut world = World::new(Version::V5, both("t/#"));
    world.rest();
    let there = visitor(&mut world.remote, "b", "nothing");
    let here = visitor(&mut world.house, "a", "#");
    world
        .remote
        .publish(there, "t/a", "x", Qos::AtLeastOnce, false);
    world.rest();
    let mail = world.house.properties(here);
    let mark = Mark::new(1);
    assert!(mark.was_here(&mail[0]) && !mark.has_left(&mail[0]));
}
