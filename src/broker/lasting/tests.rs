//! A part that forwards messages, through a running broker.

use std::num::NonZeroU16;

use super::*;
use crate::broker::codec::{Ack, PacketId, Qos, Reason, Subscribe, SubscriptionOptions};
use crate::broker::outbound::{Backlog, Limits, WhenFull};
use crate::broker::{Broker, Publication, Settings, start};
use crate::clock::Clock;
use crate::supervisor::Supervisor;

async fn broker(supervisor: &Supervisor) -> Broker {
    let settings = Settings {
        listen: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        ..Settings::default()
    };
    start(settings, None, Clock::start(), supervisor)
        .await
        .unwrap()
}

fn wishes() -> Lasting {
    Lasting {
        queue: Limits {
            messages: 1000,
            bytes: 1_000_000,
        },
        when_full: WhenFull::DropOldest,
        at_least_once: true,
        window: NonZeroU16::new(3).unwrap(),
    }
}

fn subscribe(filter: &str) -> Packet {
    let options = SubscriptionOptions {
        qos: Qos::AtLeastOnce,
        ..SubscriptionOptions::default()
    };
    Packet::Subscribe(Box::new(Subscribe {
        packet_id: PacketId::MIN,
        id: None,
        filters: vec![(filter.to_owned(), options)],
        user_properties: Vec::new(),
    }))
}

fn puback(packet_id: PacketId) -> Packet {
    Packet::PubAck(Ack {
        packet_id,
        reason: Reason::Success,
        reason_string: None,
    })
}

/// The next message: its text, whether it comes again, and its packet id.
async fn next(client: &mut LastingClient) -> (String, bool, PacketId) {
    loop {
        if let Event::Publish(sending) = client.next().await.unwrap() {
            let payload = &sending.delivery.message.payload;
            let text = String::from_utf8_lossy(payload).into_owned();
            return (text, sending.dup, sending.packet_id.unwrap());
        }
    }
}

async fn session_present(client: &mut LastingClient) -> bool {
    match client.next().await.unwrap() {
        Event::Packet(Packet::ConnAck(connack)) => connack.session_present,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_in_order() {
    let supervisor = Supervisor::new();
    let broker = broker(&supervisor).await;
    let mut client = broker.handle.lasting("x", wishes()).await.unwrap();
    assert!(!session_present(&mut client).await);
    client.send(vec![subscribe("t")]).await.unwrap();
    let other = broker.handle.connect("other").await.unwrap();
    for text in ["1", "2", "3", "4", "5"] {
        other.publish(Publication::new("t", text)).await.unwrap();
    }
    let (text, dup, id) = next(&mut client).await;
    assert_eq!((&text[..], dup), ("1", false));
    client.send(vec![puback(id)]).await.unwrap();
    assert_eq!(next(&mut client).await.0, "2");
    drop(client);
    other.publish(Publication::new("t", "6")).await.unwrap();

    let mut client = broker.handle.lasting("x", wishes()).await.unwrap();
    assert!(session_present(&mut client).await);
    for (text, dup) in [
        ("2", true),
        ("3", true),
        ("4", true),
        ("5", false),
        ("6", false),
    ] {
        let (came, again, id) = next(&mut client).await;
        assert_eq!((&came[..], again), (text, dup));
        client.send(vec![puback(id)]).await.unwrap();
    }
    supervisor.stop().await;
}

#[tokio::test]
async fn many_large_messages_all_arrive_and_leave_no_backlog() {
    let supervisor = Supervisor::new();
    let broker = broker(&supervisor).await;
    let mut client = broker.handle.lasting("x", wishes()).await.unwrap();
    client.send(vec![subscribe("t")]).await.unwrap();
    let other = broker.handle.connect("other").await.unwrap();
    for index in 0..50 {
        let publication = Publication::new("t", format!("{index}:{}", "x".repeat(10_000)));
        other.publish(publication).await.unwrap();
    }
    for index in 0..50 {
        let (text, _, id) = next(&mut client).await;
        assert!(text.starts_with(&format!("{index}:")));
        client.send(vec![puback(id)]).await.unwrap();
    }
    let held = broker.handle.held("x").await.unwrap();
    assert_eq!(held[0].backlog, Backlog::default());
    supervisor.stop().await;
}

#[tokio::test]
async fn whoever_opens_it_last_has_it() {
    let supervisor = Supervisor::new();
    let broker = broker(&supervisor).await;
    let mut first = broker.handle.lasting("x", wishes()).await.unwrap();
    let mut second = broker.handle.lasting("x", wishes()).await.unwrap();
    while first.next().await.is_ok() {}
    second.send(vec![subscribe("t")]).await.unwrap();
    let publisher = second.publisher();
    publisher.publish(Publication::new("t", "1")).await.unwrap();
    assert_eq!(next(&mut second).await.0, "1");
    supervisor.stop().await;
    while second.next().await.is_ok() {}
}

#[tokio::test]
async fn a_forgotten_session_is_gone() {
    let supervisor = Supervisor::new();
    let broker = broker(&supervisor).await;
    let client = broker.handle.lasting("x", wishes()).await.unwrap();
    client.send(vec![subscribe("t")]).await.unwrap();
    drop(client);
    assert_eq!(broker.handle.held("").await.unwrap().len(), 1);
    broker.handle.forget("x").await.unwrap();
    assert!(broker.handle.held("").await.unwrap().is_empty());
    supervisor.stop().await;
}
