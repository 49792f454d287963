//! Another side that keeps no rule: it costs bounded memory, and the bridge goes on.

use proptest::prelude::*;

use super::*;

/// Any packet that a broker's end of a connection may bring, with ids that were
/// used, and others.
fn packet() -> impl Strategy<Value = Packet> {
    let qos = prop_oneof![
        Just(Qos::AtMostOnce),
        Just(Qos::AtLeastOnce),
        Just(Qos::ExactlyOnce)
    ];
    let reason = prop_oneof![Just(Reason::Success), Just(Reason::NotAuthorized)];
    let topic = prop_oneof![Just("t/a"), Just("u"), Just("hearth/status"), Just("t/+")];
    (0..7_u8, 1..6_u16, qos, reason, topic, any::<bool>()).prop_map(
        |(kind, id, qos, reason, topic, flag)| {
            let packet_id = PacketId::new(id).unwrap();
            let ack = ack(packet_id, reason);
            match kind {
                0 => Packet::PubAck(ack),
                1 => Packet::PubRec(ack),
                2 => Packet::PubRel(ack),
                3 => Packet::PubComp(ack),
                4 => Packet::SubAck(SubAck {
                    packet_id: PacketId::MAX,
                    reasons: vec![reason; id.into()],
                    reason_string: None,
                }),
                _ => Packet::Publish(Publish {
                    dup: flag,
                    qos,
                    retain: flag,
                    topic: topic.into(),
                    packet_id: (qos != Qos::AtMostOnce).then_some(packet_id),
                    payload: "x".into(),
                    topic_alias: None,
                    subscription_ids: Vec::new(),
                    properties: PublishProperties::default(),
                }),
            }
        },
    )
}

proptest! {
    #[test]
    fn whatever_comes_the_bridge_goes_on(packets in prop::collection::vec(packet(), 0..60)) {
        for version in VERSIONS {
            let mut world = World::new(version, both("t/#"));
            let here = visitor(&mut world.house, "a", "nothing");
            let there = visitor(&mut world.remote, "b", "t/#");
            for packet in packets.clone() {
                world.house.publish(here, "t/b", "x", Qos::ExactlyOnce, false);
                world.relay.remote_says(packet, Moment(0)).unwrap();
                world.settle_house();
            }
            prop_assert!(world.relay.held.len() <= 5 && world.relay.arrivals.len() <= 60);
            // An honest broker in its place finds a bridge that works.
            world.forget();
            world.rest();
            world.house.publish(here, "t/end", "end", Qos::AtLeastOnce, false);
            world.rest();
            let seen = World::seen(&mut world.remote, there);
            prop_assert!(seen.contains(&pair("t/end", "end")), "{:?}", seen);
            prop_assert_eq!(world.waiting(), 0);
        }
    }
}
