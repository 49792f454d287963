//! The recorder with a channel in place of the broker and a real file.

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use super::*;
use crate::broker::Qos;
use crate::broker::codec::PublishProperties;
use crate::clock::UtcMillis;
use crate::history::policy::Policy;
use crate::history::{Change, Figures, History, Stretch};
use crate::home::Value;

const TOPIC: &str = "home/lab/gauge";
const FOREVER: Duration = Duration::from_secs(3600);

fn message(topic: &str, payload: impl Into<Bytes>, at: i64) -> Message {
    Message {
        topic: topic.into(),
        payload: payload.into(),
        qos: Qos::AtLeastOnce,
        retain: false,
        received: UtcMillis(at),
        properties: PublishProperties::default(),
        publisher: "\0board".into(),
    }
}

/// A recorder that listens to a channel in place of the broker.
struct Running {
    messages: mpsc::Sender<Message>,
    history: History,
    stop: Stop,
    task: tokio::task::JoinSet<anyhow::Result<()>>,
}

async fn record(file: &Path, lose_at_most: Duration) -> Running {
    record_by(file, lose_at_most, Clock::start()).await
}

async fn record_by(file: &Path, lose_at_most: Duration, clock: Clock) -> Running {
    let (messages, incoming) = mpsc::channel(1); // a full one makes the test wait
    let incoming = stream::unfold(incoming, async |mut incoming| {
        Some((incoming.recv().await?, incoming))
    });
    let settings = Settings {
        policy: Policy {
            lose_at_most,
            ..Policy::default()
        },
        ..Settings::new(file)
    };
    let (history, ways) = History::new(Settings::new(file), open(file).await);
    let stop = Stop::new();
    let run = run(settings, clock, Box::pin(incoming), ways, stop.clone());
    let mut task = tokio::task::JoinSet::new();
    task.spawn(run);
    let traces = history.traces.clone();
    task.spawn(traces.run(history.state.clone(), stop.clone()));
    Running {
        messages,
        history,
        stop,
        task,
    }
}

async fn opened(file: &Path) -> History {
    History::new(Settings::new(file), open(file).await).0
}

impl Running {
    async fn say(&self, message: Message) {
        self.messages.send(message).await.unwrap();
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.task.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

async fn recorded(file: &Path, topic: &str) -> Stretch {
    let all = (UtcMillis(0), UtcMillis(1_000_000));
    let history = opened(file).await;
    history.stretch(topic, all.0, all.1, 4000).await.unwrap()
}

fn count(stretch: &Stretch) -> usize {
    match stretch {
        Stretch::Numbers { points, .. } => points.iter().map(|point| point.count as usize).sum(),
        Stretch::States(changes) => changes.len(),
    }
}

#[tokio::test]
async fn a_stop_commits_what_waits() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let running = record(&file, FOREVER).await;
    for at in 0..2500 {
        running.say(message(TOPIC, "20.5", at)).await;
    }
    running.stop().await;
    assert_eq!(count(&recorded(&file, TOPIC).await), 2500);
}

#[tokio::test]
async fn readings_are_committed_while_the_house_runs() {
    let directory = tempfile::tempdir().unwrap();
    let running = record(
        &directory.path().join("history.db"),
        Duration::from_millis(1),
    )
    .await;
    running.say(message(TOPIC, "on", 5)).await;
    let latest = loop {
        if let Some(reading) = running.history.latest(TOPIC).await.unwrap() {
            break reading;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(
        (latest.value, latest.at),
        (Value::Switch(true), UtcMillis(5))
    );
    running.stop().await;
}

#[tokio::test]
async fn only_what_is_said_live_by_a_thing_is_a_reading() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let running = record(&file, FOREVER).await;
    let replayed = Message {
        retain: true,
        ..message(TOPIC, "1", 1)
    };
    running.say(replayed).await;
    running.say(message(TOPIC, "", 2)).await;
    running
        .say(message(TOPIC, Bytes::from_static(b"\xff\xfe"), 3))
        .await;
    running.say(message("home/lab/gauge/set", "4", 4)).await;
    running.say(message(TOPIC, "5", 5)).await;
    running.stop().await;
    let Stretch::Numbers { points, .. } = recorded(&file, TOPIC).await else {
        panic!("states");
    };
    let times: Vec<_> = points.iter().map(|point| point.at.0).collect();
    assert_eq!(times, [5]);
}

#[tokio::test]
async fn boards_say_what_their_things_measure() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let running = record(&file, FOREVER).await;
    let about = r#"{"board": "lab", "firmware": "text", "port": "/dev/ttyACM0", "room": "lab",
        "things": [{"name": "g", "topic": "home/lab/gauge", "kind": "sensor",
                    "device_class": "weight", "unit": "kg"}]}"#;
    running
        .say(message("hearth/board/lab/about", about, 1))
        .await;
    running
        .say(message("hearth/board/odd/about", "{]", 1))
        .await;
    running.say(message(TOPIC, "3.5", 2)).await;
    running.stop().await;
    let series = opened(&file).await.series().await.unwrap();
    assert_eq!(series[0].unit.as_deref(), Some("kg"));
}

#[tokio::test]
async fn an_outage_keeps_the_readings_and_ends_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let in_the_way = directory.path().join("data");
    std::fs::write(&in_the_way, "a file, not a directory").unwrap();
    let file = in_the_way.join("history.db");
    let mut running = record(&file, Duration::from_millis(1)).await;
    let reason = running.history.off_because().unwrap();
    assert!(reason.starts_with("cannot make the directory"), "{reason}");
    assert!(running.history.latest(TOPIC).await.is_err());
    running.say(message(TOPIC, "1", 1)).await;
    running.say(message(TOPIC, "2", 2)).await;
    std::fs::remove_file(&in_the_way).unwrap();
    let opens = |state: &State| matches!(state, State::Open(_));
    running.history.state.wait_for(opens).await.unwrap();
    running.stop().await;
    assert_eq!(count(&recorded(&file, TOPIC).await), 2);
}

#[tokio::test]
async fn readings_are_taken_while_a_commit_waits_for_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let running = record(&file, Duration::from_millis(1)).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
    let backup = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let lock = backup.begin_with("BEGIN IMMEDIATE").await.unwrap();
    for at in 0..3000 {
        running.say(message(TOPIC, "20.5", at)).await;
    }
    assert!(running.history.latest(TOPIC).await.unwrap().is_none());
    lock.rollback().await.unwrap();
    backup.close().await;
    running.stop().await;
    assert_eq!(count(&recorded(&file, TOPIC).await), 3000);
}

#[tokio::test]
async fn a_stop_ends_though_the_file_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("data");
    std::fs::write(&file, "notes\n".repeat(1000)).unwrap();
    let running = record(&file, FOREVER).await;
    running.say(message(TOPIC, "1", 1)).await;
    running.stop().await;
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .starts_with("notes\n")
    );
}

#[tokio::test]
async fn commands_are_series_that_no_list_of_things_shows() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let running = record(&file, Duration::from_millis(1)).await;
    running.say(message("home/lab/lamp/set", "on", 5)).await;
    running.say(message("home/lab/lamp", "on", 7)).await;
    running.say(message("home/lab/lamp/on/set", "on", 8)).await;
    running.stop().await;
    let changes = vec![Change {
        at: UtcMillis(5),
        state: "on".to_owned(),
    }];
    assert_eq!(
        recorded(&file, "home/lab/lamp/set").await,
        Stretch::States(changes)
    );
    let topics = |series: Vec<crate::history::SeriesInfo>| {
        let topics = series.into_iter().map(|one| one.topic);
        topics.collect::<Vec<_>>()
    };
    let things = opened(&file).await.series().await.unwrap();
    assert_eq!(topics(things), ["home/lab/lamp"]);
    let archive = crate::history::Archive::open(&file).await.unwrap();
    let all = archive.series().await.unwrap();
    assert_eq!(topics(all), ["home/lab/lamp", "home/lab/lamp/set"]);
}

#[tokio::test]
async fn figures_tell_what_waits_and_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let running = record(&file, Duration::from_millis(1)).await;
    for at in 0..10 {
        running.say(message(TOPIC, "20.5", at)).await;
    }
    let figures = loop {
        let figures = running.history.figures();
        if figures.samples == 10 {
            break figures;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let expected = Figures {
        samples: 10,
        stretch: 1.0,
        file_bytes: figures.file_bytes,
        write: figures.write,
        ..Figures::default()
    };
    assert_eq!(figures, expected);
    assert!(figures.file_bytes > 4096);
    running.stop().await;
}

#[tokio::test]
async fn a_topic_is_forgotten_while_the_house_runs_and_recorded_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let running = record(&file, Duration::from_millis(1)).await;
    running.say(message(TOPIC, "1", 1)).await;
    while running.history.latest(TOPIC).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(running.history.forget(TOPIC).await.unwrap(), 1);
    assert_eq!(running.history.latest(TOPIC).await.unwrap(), None);
    running.say(message(TOPIC, "2", 2)).await;
    running.stop().await;
    assert_eq!(count(&recorded(&file, TOPIC).await), 1);
}

#[tokio::test]
async fn what_was_said_before_the_clock_was_set_is_put_right_when_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let clock = Clock::never_set();
    let running = record_by(&file, Duration::from_millis(1), clock).await;
    let now = clock.now().utc.0;
    running.say(message(TOPIC, "1", now)).await;
    while running.history.latest(TOPIC).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    clock.is_set();
    let sealed = async {
        loop {
            let sizes = running.history.sizes().await.unwrap();
            if sizes[0].bytes > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), sealed)
        .await
        .unwrap();
    let latest = running.history.latest(TOPIC).await.unwrap().unwrap();
    assert!(
        (latest.at.0 - now).abs() < 100,
        "the clock was right, as it happens"
    );
    running.stop().await;
}
