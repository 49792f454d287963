//! The history of a house with a broker.

use crate::broker::{self, Publication, Qos};
use crate::home::Value;

use super::*;

async fn house() -> (tempfile::TempDir, Settings, Supervisor, Handle) {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings::new(directory.path().join("history.db"));
    let supervisor = Supervisor::new();
    let anywhere = broker::Settings {
        listen: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        ..broker::Settings::default()
    };
    let broker = broker::start(anywhere, None, Clock::start(), &supervisor).await;
    (directory, settings, supervisor, broker.unwrap().handle)
}

#[tokio::test]
async fn what_the_broker_brings_is_in_the_file_after_the_stop() {
    let (_directory, settings, supervisor, handle) = house().await;
    let (topic, clock) = ("home/lab/temperature", Clock::start());
    let board = handle.connect("board").await.unwrap();
    let say = async |payload: &'static str| {
        let publication = Publication::new(topic, payload).retained();
        let publication = publication.qos(Qos::AtLeastOnce);
        board.publish(publication).await.unwrap();
    };
    say("19").await;
    let before = clock.now().utc;
    start(settings.clone(), clock, handle, &supervisor)
        .await
        .unwrap();
    for payload in ["20", "21", "22"] {
        say(payload).await;
    }
    assert!(supervisor.stop().await);

    let store = Store::open(&settings.file).await.unwrap();
    let ever = UtcMillis(i64::MAX);
    let latest = reader::last_until(&store, topic, ever)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(latest.value, Value::Number(22.0));
    assert!(latest.at >= before && latest.at <= clock.now().utc);
    let all = reader::stretch(&store, topic, UtcMillis(0), latest.at, 9).await;
    let Stretch::Numbers { points, .. } = all.unwrap() else {
        panic!("states");
    };
    // What was retained before the recorder came was said before.
    assert_eq!(points.iter().map(|point| point.count).sum::<u32>(), 3);
}

#[tokio::test]
async fn a_house_without_history_starts_and_says_why() {
    let (directory, _, supervisor, handle) = house().await;
    let settings = Settings::new(directory.path());
    let history = start(settings, Clock::start(), handle, &supervisor).await;
    let error = history.unwrap().series().await.unwrap_err().to_string();
    assert!(error.starts_with("history is off: cannot open"), "{error}");
    assert!(supervisor.stop().await);
}
