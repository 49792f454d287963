//! What is written comes back, and what the router lost in a crash was not promised.

use std::time::Duration;

use super::*;
use crate::broker::codec::{
    Ack, Connect, Packet, PacketId, Publish, PublishProperties, Qos, Subscribe,
    SubscriptionOptions, Version, Will,
};
use crate::broker::journal::Journal;
use crate::broker::router::{Effect, Limits, Link, Origin, Out, Router};
use crate::database;

/// A router on a real disk.
struct House {
    folder: tempfile::TempDir,
    store: Store,
    router: Router,
    now: Now,
    sent: Vec<(Link, Packet)>,
    published: Vec<(Link, String)>,
}

impl House {
    async fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder).await;
        let now = Now::default() + Duration::from_secs(1_000_000);
        let mut house = House {
            folder,
            store,
            router: Router::new(Limits::default()),
            now,
            sent: Vec::new(),
            published: Vec::new(),
        };
        house.restart().await;
        house
    }

    /// The process falls, and comes back with what the disk has.
    async fn restart(&mut self) {
        self.store.database.close().await;
        self.store = open(&self.folder).await;
        let state = self.store.load(self.now).await.unwrap();
        self.router = Router::new(Limits::default());
        self.router
            .restore(state, Journal::new(Duration::from_secs(60)), self.now);
        self.look();
    }

    /// Writes what is due within `milliseconds`.
    async fn write(&mut self, milliseconds: u64) {
        self.router.wake(self.now);
        self.now = self.now + Duration::from_millis(milliseconds);
        self.router.wake(self.now);
        if let Some(batch) = self.router.take_batch(self.now) {
            self.store.commit(&batch).await.unwrap();
            self.router.written(batch.generation, 0);
        }
        self.look();
    }

    fn look(&mut self) {
        for effect in std::mem::take(self.router.effects()) {
            match effect {
                Effect::Send { link, out } => match out {
                    Out::Packet(packet) => self.sent.push((link, packet)),
                    Out::Publish(sending) => {
                        let topic = sending.delivery.message.topic.to_string();
                        let id = sending.packet_id.map_or(0, PacketId::get);
                        let dup = if sending.dup { " again" } else { "" };
                        self.published.push((link, format!("{topic} as {id}{dup}")));
                    }
                    Out::Fence => {}
                },
                Effect::Close { .. } => {}
            }
        }
    }

    /// A client comes in; CONNACK of a session that lasts waits for the disk.
    async fn connect(
        &mut self,
        client_id: &str,
        change: impl FnOnce(&mut Connect),
    ) -> (Link, bool) {
        let mut connect = a_connect(client_id);
        change(&mut connect);
        let link = self.router.connect(connect, Origin::Outside, self.now);
        let link = link.unwrap();
        self.look();
        self.write(0).await;
        let mut sent = self.take(link).into_iter();
        let Some(Packet::ConnAck(connack)) = sent.next() else {
            panic!("CONNACK comes first");
        };
        self.sent.extend(sent.map(|packet| (link, packet)));
        (link, connack.session_present)
    }

    fn receive(&mut self, link: Link, packet: Packet) {
        self.router.receive(link, packet, self.now);
        self.look();
    }

    fn take(&mut self, link: Link) -> Vec<Packet> {
        let all = std::mem::take(&mut self.sent);
        let (taken, rest) = all.into_iter().partition(|(to, _)| *to == link);
        self.sent = rest;
        let taken: Vec<(Link, Packet)> = taken;
        taken.into_iter().map(|(_, packet)| packet).collect()
    }

    fn take_published(&mut self, link: Link) -> Vec<String> {
        let all = std::mem::take(&mut self.published);
        let (taken, rest) = all.into_iter().partition(|(to, _)| *to == link);
        self.published = rest;
        let taken: Vec<(Link, String)> = taken;
        taken.into_iter().map(|(_, topic)| topic).collect()
    }

    async fn subscriber(&mut self, client_id: &str, filter: &str, qos: Qos) -> Link {
        let (link, _) = self.connect(client_id, |_| {}).await;
        self.receive(link, subscribe(filter, qos));
        assert_eq!(self.take(link), [], "SUBACK waits for the disk");
        self.write(0).await;
        assert!(matches!(self.take(link)[..], [Packet::SubAck(_)]));
        link
    }
}

async fn open(folder: &tempfile::TempDir) -> Store {
    Store::new(database::state::open(folder.path()).await.unwrap())
}

fn a_connect(client_id: &str) -> Connect {
    Connect {
        version: Version::V5,
        client_id: client_id.into(),
        clean_start: false,
        keep_alive: 0,
        username: None,
        password: None,
        will: None,
        session_expiry: Some(100),
        receive_maximum: None,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: true,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    }
}

fn subscribe(filter: &str, qos: Qos) -> Packet {
    let options = SubscriptionOptions {
        qos,
        ..SubscriptionOptions::default()
    };
    Packet::Subscribe(Box::new(Subscribe {
        packet_id: PacketId::MIN,
        id: Some(7),
        filters: vec![(filter.into(), options)],
        user_properties: Vec::new(),
    }))
}

fn publish(topic: &str, qos: Qos, id: u16, retain: bool) -> Packet {
    Packet::Publish(Publish {
        dup: false,
        qos,
        retain,
        topic: topic.into(),
        packet_id: PacketId::new(id),
        payload: "x".into(),
        topic_alias: None,
        subscription_ids: Vec::new(),
        properties: PublishProperties::default(),
    })
}

fn ack(id: u16) -> Ack {
    Ack {
        packet_id: PacketId::new(id).unwrap(),
        reason: Default::default(),
        reason_string: None,
    }
}

#[tokio::test]
async fn a_message_for_somebody_absent_is_on_the_disk_before_its_puback() {
    let mut house = House::new().await;
    let link = house.subscriber("reader", "a/#", Qos::AtLeastOnce).await;
    house.router.lost(link, house.now);
    let (writer, _) = house
        .connect("writer", |connect| connect.session_expiry = None)
        .await;
    house.receive(writer, publish("a/1", Qos::AtLeastOnce, 1, false));
    assert_eq!(house.take(writer), []);
    house.write(0).await;
    assert!(matches!(house.take(writer)[..], [Packet::PubAck(_)]));
    house.restart().await;
    let (link, present) = house.connect("reader", |_| {}).await;
    assert!(present);
    assert_eq!(house.take_published(link), ["a/1 as 1"]);
}

#[tokio::test]
async fn who_acknowledges_soon_spares_the_disk_and_the_publisher_the_wait() {
    let mut house = House::new().await;
    let link = house.subscriber("reader", "a/#", Qos::AtLeastOnce).await;
    let before = house.router.counters().writes;
    let (writer, _) = house
        .connect("writer", |connect| connect.session_expiry = None)
        .await;
    for id in 1..=2 {
        house.receive(writer, publish("a/1", Qos::AtLeastOnce, id, false));
    }
    assert_eq!(house.take(writer), []);
    house.receive(link, Packet::PubAck(ack(2)));
    assert_eq!(house.take(writer), [], "the first comes first");
    house.receive(link, Packet::PubAck(ack(1)));
    assert_eq!(house.take(writer).len(), 2);
    house.write(2000).await;
    let after = house.router.counters().writes;
    assert_eq!(after, before, "nothing was left to write");
}

#[tokio::test]
async fn in_flight_messages_keep_their_packet_ids_and_their_order() {
    let mut house = House::new().await;
    let link = house.subscriber("reader", "a/#", Qos::ExactlyOnce).await;
    let (writer, _) = house
        .connect("writer", |connect| connect.session_expiry = None)
        .await;
    for (id, topic) in [(1, "a/1"), (2, "a/2"), (3, "a/3")] {
        house.receive(writer, publish(topic, Qos::ExactlyOnce, id, false));
    }
    assert_eq!(
        house.take_published(link).len(),
        0,
        "a used id must be known"
    );
    house.write(0).await;
    assert_eq!(
        house.take_published(link),
        ["a/1 as 1", "a/2 as 2", "a/3 as 3"]
    );
    house.receive(link, Packet::PubRec(ack(1)));
    assert_eq!(house.take(link), []);
    house.write(0).await;
    assert_eq!(house.take(link), [Packet::PubRel(ack(1))]);
    house.restart().await;
    let (link, _) = house.connect("reader", |_| {}).await;
    house.write(0).await;
    assert_eq!(
        house.take_published(link),
        ["a/2 as 2 again", "a/3 as 3 again"]
    );
    assert_eq!(house.take(link), [Packet::PubRel(ack(1))]);
    house.receive(link, Packet::PubComp(ack(1)));
    house.write(1000).await;
    house.restart().await;
    let (link, _) = house.connect("reader", |_| {}).await;
    assert_eq!(house.take(link), []);
}

#[tokio::test]
async fn a_qos_2_message_that_came_in_does_not_come_in_twice() {
    let mut house = House::new().await;
    let reader = house.subscriber("reader", "a/#", Qos::AtLeastOnce).await;
    house.router.lost(reader, house.now);
    let (writer, _) = house.connect("writer", |_| {}).await;
    house.receive(writer, publish("a/1", Qos::ExactlyOnce, 5, false));
    house.write(0).await;
    assert!(matches!(house.take(writer)[..], [Packet::PubRec(_)]));
    house.restart().await;
    let (writer, _) = house.connect("writer", |_| {}).await;
    house.receive(writer, publish("a/1", Qos::ExactlyOnce, 5, false));
    house.receive(writer, Packet::PubRel(ack(5)));
    let again = house.take(writer);
    assert!(matches!(again[..], [Packet::PubRec(_)]), "PUBCOMP waits");
    house.write(0).await;
    assert!(matches!(house.take(writer)[..], [Packet::PubComp(_)]));
    house.receive(writer, publish("a/2", Qos::ExactlyOnce, 5, false));
    house.write(0).await;
    let (reader, _) = house.connect("reader", |_| {}).await;
    house.write(0).await;
    assert_eq!(house.take_published(reader), ["a/1 as 1", "a/2 as 2"]);
}

#[tokio::test]
async fn retained_messages_come_back_with_the_name_of_their_publisher() {
    let mut house = House::new().await;
    let (writer, _) = house
        .connect("writer", |connect| connect.session_expiry = None)
        .await;
    house.receive(writer, publish("a/promised", Qos::AtLeastOnce, 1, true));
    assert_eq!(house.take(writer), []);
    house.write(0).await;
    assert_eq!(house.take(writer).len(), 1);
    house.receive(writer, publish("a/lazy", Qos::AtMostOnce, 0, true));
    house.write(1000).await;
    house
        .router
        .announce("$SYS/broker/uptime", "1".into(), house.now);
    house.restart().await;
    let kept = house.router.retained("#", house.now);
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (&*kept[0].topic, &*kept[0].publisher),
        ("a/promised", "writer")
    );
    let inside = a_connect("\0rules");
    let link = house
        .router
        .connect(inside, Origin::Inside, house.now)
        .unwrap();
    house.receive(link, publish("a/lazy", Qos::AtMostOnce, 0, true));
    house.write(0).await;
    house.write(60_000).await;
    house.restart().await;
    let kept = house.router.retained("a/lazy", house.now);
    assert_eq!(&*kept[0].publisher, "\0rules");
    assert!(house.router.retained("$SYS/#", house.now).is_empty());
}

#[tokio::test]
async fn who_was_connected_is_lost_and_its_will_is_sent() {
    let mut house = House::new().await;
    house.subscriber("reader", "will", Qos::AtLeastOnce).await;
    let (_, _) = house
        .connect("board", |connect| {
            connect.session_expiry = None;
            connect.will = Some(Will {
                topic: "will".into(),
                payload: "offline".into(),
                qos: Qos::AtLeastOnce,
                retain: false,
                delay: 0,
                properties: PublishProperties::default(),
            });
        })
        .await;
    house.write(1000).await;
    house.restart().await;
    let (reader, _) = house.connect("reader", |_| {}).await;
    house.write(0).await;
    assert_eq!(house.take_published(reader), ["will as 1"]);
    assert_eq!(
        house.router.holdings().sessions,
        1,
        "the board's had no other use"
    );
    house.write(1000).await;
    house.restart().await;
    let (reader, _) = house.connect("reader", |_| {}).await;
    house.write(0).await;
    assert_eq!(
        house.take_published(reader),
        ["will as 1 again"],
        "sent once"
    );
}

#[tokio::test]
async fn sessions_expire_while_the_gateway_is_off() {
    let mut house = House::new().await;
    let link = house.subscriber("reader", "a/#", Qos::AtLeastOnce).await;
    house.router.lost(link, house.now);
    house.write(1000).await;
    house.now = house.now + Duration::from_secs(98);
    house.restart().await;
    assert!(house.connect("reader", |_| {}).await.1);
    house.write(1000).await;
    house.now = house.now + Duration::from_secs(1000);
    house.restart().await;
    let (link, present) = house.connect("reader", |_| {}).await;
    assert!(present, "it was connected until now");
    house.router.lost(link, house.now);
    house.write(1000).await;
    house.now = house.now + Duration::from_secs(100);
    house.restart().await;
    assert!(!house.connect("reader", |_| {}).await.1);
}

#[tokio::test]
async fn a_session_that_ends_leaves_no_row() {
    let mut house = House::new().await;
    for (expiry, qos) in [(0, Qos::AtLeastOnce), (9, Qos::ExactlyOnce)] {
        house.subscriber("reader", "a/#", qos).await;
        let (writer, _) = house.connect("writer", |_| {}).await;
        house.receive(writer, publish("a/1", Qos::ExactlyOnce, 1, false));
        house.write(0).await;
        // Comes back to a session that now ends with its connection, or anew.
        let (link, _) = house
            .connect("reader", |connect| {
                connect.session_expiry = Some(expiry);
                connect.clean_start = expiry > 0;
            })
            .await;
        house.router.lost(link, house.now);
        house
            .connect("writer", |connect| connect.clean_start = true)
            .await;
        house.now = house.now + Duration::from_secs(10);
        house.router.wake(house.now);
        house.write(1000).await;
    }
    let state = house.store.load(house.now).await.unwrap();
    let names: Vec<_> = state.sessions.iter().map(|one| &*one.client_id).collect();
    assert_eq!(names, ["writer"]);
    let count = "SELECT (SELECT COUNT(*) FROM deliveries) + (SELECT COUNT(*) FROM messages)
        + (SELECT COUNT(*) FROM subscriptions) + (SELECT COUNT(*) FROM received)";
    let left: i64 = sqlx::query_scalar(count)
        .fetch_one(&house.store.database.readers)
        .await
        .unwrap();
    assert_eq!(left, 0);
}
