//! The store on a real file.

use proptest::prelude::*;
use sqlx::{Executor, Row};

use super::*;

const TOPIC: &str = "home/lab/temperature";

async fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("history.db")).await;
    (directory, store.unwrap())
}

fn readings(topic: &str, payloads: &[(i64, &str)]) -> Batch {
    let reading = |(at, payload): &(i64, &str)| Reading {
        topic: topic.to_owned(),
        value: Value::parse(payload),
        at: UtcMillis(*at),
    };
    Batch {
        readings: payloads.iter().map(reading).collect(),
        ..Batch::default()
    }
}

async fn stretch(store: &Store, topic: &str, from: i64, to: i64, points: usize) -> Stretch {
    let stretch = store.stretch(topic, UtcMillis(from), UtcMillis(to), points);
    stretch.await.unwrap()
}

fn states(changes: &[(i64, &str)]) -> Stretch {
    let change = |(at, state): &(i64, &str)| Change {
        at: UtcMillis(*at),
        state: (*state).to_owned(),
    };
    Stretch::States(changes.iter().map(change).collect())
}

#[tokio::test]
async fn readings_are_there_after_the_file_was_closed() {
    let (directory, store) = store().await;
    let batch = readings(TOPIC, &[(1000, "20.5"), (2000, "-1e-3")]);
    store.commit(&batch).await.unwrap();
    store.close().await;
    let again = Store::open(&directory.path().join("history.db"))
        .await
        .unwrap();
    let latest = again.latest(TOPIC).await.unwrap();
    assert_eq!(latest.as_ref(), batch.readings.last());
    let series = again.series().await.unwrap();
    let expected = SeriesInfo {
        topic: TOPIC.into(),
        unit: Some("°C".into()),
        device_class: Some(DeviceClass::Temperature),
        first: UtcMillis(1000),
        last: UtcMillis(2000),
    };
    assert_eq!(series, [expected]);
}

#[tokio::test]
async fn what_a_board_says_replaces_the_guess() {
    let (_directory, store) = store().await;
    store.commit(&readings(TOPIC, &[(1, "70")])).await.unwrap();
    let mut batch = Batch::default();
    let fahrenheit = Description {
        unit: Some("°F".into()),
        device_class: Some(DeviceClass::Temperature),
    };
    batch.descriptions.insert(TOPIC.into(), fahrenheit);
    let unused = "home/lab/humidity".to_owned();
    batch.descriptions.insert(unused, Description::default());
    store.commit(&batch).await.unwrap();
    let series = store.series().await.unwrap();
    assert_eq!(
        series.len(),
        1,
        "a described topic without readings is no series"
    );
    assert_eq!(series[0].unit.as_deref(), Some("°F"));
}

#[tokio::test]
async fn two_readings_of_one_millisecond_are_both_kept() {
    let (_directory, store) = store().await;
    for _ in 0..2 {
        let batch = readings(TOPIC, &[(5, "1"), (5, "2"), (5, "9")]);
        store.commit(&batch).await.unwrap();
    }
    let expected = Point {
        at: UtcMillis(5),
        min: 1.0,
        max: 9.0,
        mean: 4.0,
        count: 6,
    };
    assert_eq!(
        stretch(&store, TOPIC, 0, 10, 3).await,
        Stretch::Numbers(vec![expected])
    );
    let latest = store.latest(TOPIC).await.unwrap().unwrap();
    assert_eq!(latest.value, Value::Number(9.0));
}

#[tokio::test]
async fn states_come_as_changes_with_the_one_that_held_before() {
    let (_directory, store) = store().await;
    let topic = "home/lab/door";
    let said = [
        (10, "off"),
        (20, "on"),
        (30, "on"),
        (40, "off"),
        (50, "ajar"),
        (60, "on"),
    ];
    store.commit(&readings(topic, &said)).await.unwrap();
    let expected = states(&[(20, "on"), (40, "off"), (50, "ajar")]);
    assert_eq!(stretch(&store, topic, 25, 55, 100).await, expected);
    assert_eq!(
        stretch(&store, topic, 100, 200, 100).await,
        states(&[(60, "on")])
    );
}

#[tokio::test]
async fn a_stray_word_does_not_hide_the_numbers() {
    let (_directory, store) = store().await;
    let said = [(10, "nan"), (20, "1.5"), (30, "2.5")];
    store.commit(&readings(TOPIC, &said)).await.unwrap();
    let Stretch::Numbers(points) = stretch(&store, TOPIC, 0, 40, 100).await else {
        panic!("states");
    };
    assert_eq!(points.len(), 2);
}

#[tokio::test]
async fn unknown_topics_and_turned_around_stretches_are_empty() {
    let (_directory, store) = store().await;
    store.commit(&readings(TOPIC, &[(10, "1")])).await.unwrap();
    let nothing = Stretch::Numbers(Vec::new());
    assert_eq!(stretch(&store, "home/a/b", 0, 99, 9).await, nothing);
    assert_eq!(stretch(&store, TOPIC, 99, 0, 9).await, nothing);
    assert_eq!(stretch(&store, TOPIC, 11, 20, 9).await, nothing);
}

#[tokio::test]
async fn a_reader_in_mid_stretch_does_not_hold_up_a_commit() {
    let (_directory, store) = store().await;
    store.commit(&readings(TOPIC, &[(10, "1")])).await.unwrap();
    let mut reader = store.database.readers.begin().await.unwrap();
    let seen = "SELECT COUNT(*) FROM readings";
    let before: i64 = reader.fetch_one(seen).await.unwrap().get(0);
    store.commit(&readings(TOPIC, &[(20, "2")])).await.unwrap();
    let after: i64 = reader.fetch_one(seen).await.unwrap().get(0);
    assert_eq!(
        (before, after),
        (1, 1),
        "a reader sees one state throughout"
    );
    assert_eq!(
        store.latest(TOPIC).await.unwrap().unwrap().at,
        UtcMillis(20)
    );
}

#[tokio::test]
async fn a_commit_on_a_full_disk_leaves_nothing_and_later_ones_succeed() {
    let (_directory, store) = store().await;
    let limit = async |pages: &'static str| {
        let done = store.database.writer.execute(pages).await;
        done.unwrap();
    };
    let many: Vec<_> = (0..5000).map(|at| (at, "20.5")).collect();
    limit("PRAGMA max_page_count = 8").await;
    let error = store.commit(&readings(TOPIC, &many)).await.unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    limit("PRAGMA max_page_count = 100000").await;
    assert_eq!(store.series().await.unwrap(), []);
    store.commit(&readings(TOPIC, &many)).await.unwrap();
    assert_eq!(store.series().await.unwrap().len(), 1);
}

/// The same buckets by the plainest means.
fn naive(readings: &[(i64, f64)], from: i64, to: i64, points: usize) -> Vec<(i64, f64, f64, u32)> {
    let mut buckets = Vec::new();
    for (first, last) in slots(UtcMillis(from), UtcMillis(to), points) {
        let inside = readings
            .iter()
            .filter(|(at, _)| (first..=last).contains(at));
        let merged = inside.fold(None, |merged, (at, number)| {
            let (_, min, max, count) = merged.unwrap_or((0, f64::MAX, f64::MIN, 0));
            Some((*at, number.min(min), number.max(max), count + 1))
        });
        buckets.extend(merged);
    }
    buckets
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn buckets_keep_every_extreme(
        mut said in proptest::collection::vec((0_i64..500, -1e6_f64..1e6), 1..120),
        from in 0_i64..250,
        length in 0_i64..300,
        points in 1_usize..60,
    ) {
        said.sort_by_key(|(at, _)| *at);
        let to = from + length;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let stretch = runtime.block_on(async {
            let (_directory, store) = store().await;
            let batch = Batch {
                readings: said.iter().map(|(at, number)| Reading {
                    topic: TOPIC.into(),
                    value: Value::Number(*number),
                    at: UtcMillis(*at),
                }).collect(),
                ..Batch::default()
            };
            store.commit(&batch).await.unwrap();
            stretch(&store, TOPIC, from, to, points).await
        });
        let Stretch::Numbers(found) = stretch else { panic!("states") };
        prop_assert!(found.len() <= points);
        prop_assert!(found.iter().all(|p| p.min <= p.mean && p.mean <= p.max));
        let found: Vec<_> = found.iter().map(|p| (p.at.0, p.min, p.max, p.count)).collect();
        prop_assert_eq!(found, naive(&said, from, to, points));
    }

    #[test]
    fn slots_cover_a_stretch_without_overlap(from: i64, to: i64, count in 1_usize..50) {
        let slots: Vec<_> = slots(UtcMillis(from), UtcMillis(to), count).collect();
        prop_assert!(slots.len() <= count);
        prop_assert_eq!(slots.is_empty(), to < from);
        for pair in slots.windows(2) {
            prop_assert_eq!(pair[0].1 + 1, pair[1].0);
        }
        if let (Some(first), Some(last)) = (slots.first(), slots.last()) {
            prop_assert_eq!((first.0, last.1), (from, to));
        }
    }
}
