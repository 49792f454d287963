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
    assert_eq!(
        (kept.part(), live.part(), &*live.publisher),
        (Some("early"), Some("early"), "\0early")
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

#[tokio::test]
async fn what_is_published_surely_is_there_after_a_sudden_end() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        listen: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        ..Settings::default()
    };
    let supervisor = Supervisor::new();
    let state = crate::database::state::open(folder.path()).await.unwrap();
    let clock = Clock::start();
    let broker = start(settings.clone(), Some(state), clock, &supervisor)
        .await
        .unwrap();
    let mut part = broker.handle.connect("part").await.unwrap();
    let (kept, loose) = (
        Publication::new("a/kept", "1").retained(),
        Publication::new("a/loose", "1").retained(),
    );
    part.publish(loose).await.unwrap();
    part.publish_surely(kept).await.unwrap();
    // As it is on the disk at this moment, the first broker still running.
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let state = crate::database::state::open(copy.path()).await.unwrap();
    let again = start(settings, Some(state), clock, &supervisor)
        .await
        .unwrap();
    let found = again.handle.retained("a/#").await.unwrap();
    let topics: Vec<&str> = found.iter().map(|one| &*one.topic).collect();
    assert_eq!(topics, ["a/kept"]);
    assert!(supervisor.stop().await);
}
