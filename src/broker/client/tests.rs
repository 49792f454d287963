//! Parts that meet through a running broker.

use super::*;
use crate::broker::{Broker, Settings, start};
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

#[tokio::test]
async fn parts_meet() {
    let supervisor = Supervisor::new();
    let broker = broker(&supervisor).await;
    let early = broker.handle.connect("early").await.unwrap();
    early
        .publish(Publication::new("home/a/t", "20").retained())
        .await
        .unwrap();
    let mut late = broker.handle.connect("late").await.unwrap();
    late.subscribe("home/#", Qos::AtLeastOnce).await.unwrap();
    let kept = late.next().await.unwrap();
    assert_eq!(
        (&*kept.topic, kept.text(), kept.retain),
        ("home/a/t", Some("20"), true)
    );
    let live = Publication::new("home/a/t", "21")
        .retained()
        .qos(Qos::AtLeastOnce);
    early.publish(live).await.unwrap();
    let live = late.next().await.unwrap();
    assert_eq!(
        (live.text(), live.retain, live.qos),
        (Some("21"), false, Qos::AtLeastOnce)
    );
    let all = broker.handle.retained("home/+/t").await.unwrap();
    assert_eq!(
        all.iter().map(|one| one.text()).collect::<Vec<_>>(),
        [Some("21")]
    );
    assert!(supervisor.stop().await);
    assert!(late.next().await.is_err());
}

#[tokio::test]
async fn more_messages_than_fit_at_once_all_arrive() {
    let supervisor = Supervisor::new();
    let broker = broker(&supervisor).await;
    let mut reader = broker.handle.connect("reader").await.unwrap();
    reader.subscribe("t", Qos::AtLeastOnce).await.unwrap();
    let writer = broker.handle.connect("writer").await.unwrap();
    let count = 9_000;
    for index in 0..count {
        let publication = Publication::new("t", format!("{index}:{}", "x".repeat(100)));
        writer
            .publish(publication.qos(Qos::AtLeastOnce))
            .await
            .unwrap();
    }
    for index in 0..count {
        let message = reader.next().await.unwrap();
        assert!(message.text().unwrap().starts_with(&format!("{index}:")));
    }
    supervisor.stop().await;
}

#[tokio::test]
async fn a_dropped_client_is_forgotten() {
    let supervisor = Supervisor::new();
    let broker = broker(&supervisor).await;
    for _ in 0..3 {
        let mut client = broker.handle.connect("again").await.unwrap();
        client.subscribe("t", Qos::AtLeastOnce).await.unwrap();
        drop(client);
    }
    let mut client = broker.handle.connect("again").await.unwrap();
    client.subscribe("t", Qos::AtLeastOnce).await.unwrap();
    client.publish(Publication::new("t", "once")).await.unwrap();
    assert_eq!(client.next().await.unwrap().text(), Some("once"));
    supervisor.stop().await;
}
