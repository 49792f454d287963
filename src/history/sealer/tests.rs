//! What goes from the log to the shelves, on real files.

mod clocks;
mod old_files;
mod passes;
mod rollups;

use std::time::Duration;

use proptest::prelude::*;
use sqlx::Executor;

use super::*;
use crate::clock::Moment;
use crate::history::commit::commit;
use crate::history::policy::{Keep, Pattern, Policy};
use crate::history::sample::{Origin, Sample};
use crate::history::store::shelves::Rollups;
use crate::history::store::{Store, series};
use crate::history::waiting::{Batch, Item, Read};
use crate::history::{Archive, Stretch, reader, traces};
use crate::home::Value;

const TOPIC: &str = "home/lab/temperature";
const HOUR: i64 = 3_600_000;
/// The begin of a day.
const BEGIN: i64 = 20_700 * 24 * HOUR;

async fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("history.db")).await;
    (directory, store.unwrap())
}

fn item(topic: &str, at: i64, value: Value) -> Item {
    Item {
        topic: topic.into(),
        at: UtcMillis(at),
        value,
        ..Item::any()
    }
}

async fn say(store: &Store, items: Vec<Item>) {
    let batch = Batch {
        portions: vec![items],
        ..Batch::default()
    };
    commit(store, &batch, &Present::any()).await.unwrap();
}

async fn sealed(store: &Store, policy: &Policy) -> Sealed {
    seal(store, policy, &Present::any()).await.unwrap()
}

async fn samples(store: &Store, topic: &str) -> Vec<Sample> {
    let file = store.file().to_owned();
    let archive = Archive::open(&file).await.unwrap();
    let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    let mut all = archive
        .samples([topic.to_owned()], ever.0, ever.1)
        .await
        .unwrap();
    let mut found = Vec::new();
    while let Some(said) = all.next().await.unwrap() {
        found.push(said.sample);
    }
    drop(all);
    archive.close().await;
    found
}

/// How many chunks, and samples in the log.
async fn shape(store: &Store) -> (usize, usize) {
    let mut whole = store.read().await.unwrap();
    let id = series::id(&mut whole, TOPIC).await.unwrap().unwrap();
    let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    let chunks = crate::history::store::shelves::chunks(&mut whole, id, ever.0, ever.1);
    let chunks = chunks.await.unwrap().len();
    let log = in_log(&mut whole, &Present::any(), |_| {}).await.unwrap();
    (chunks, log.samples)
}

#[tokio::test]
async fn a_slow_series_costs_a_chunk_a_day_and_a_fast_one_a_chunk_an_hour() {
    let (_directory, store) = store().await;
    for hour in 0..48 {
        let slow = (0..6).map(|n| {
            item(
                TOPIC,
                BEGIN + hour * HOUR + n * 600_000,
                Value::Number(20.5),
            )
        });
        say(&store, slow.collect()).await;
        sealed(&store, &Policy::default()).await;
    }
    assert_eq!(shape(&store).await, (2, 0));
    assert_eq!(samples(&store, TOPIC).await.len(), 288);
    let fast =
        (0..3 * 3600).map(|n| item(TOPIC, BEGIN + 72 * HOUR + n * 1000, Value::Number(20.5)));
    say(&store, fast.collect()).await;
    sealed(&store, &Policy::default()).await;
    assert_eq!(shape(&store).await, (5, 0));
}

#[tokio::test]
async fn more_than_a_chunk_holds_becomes_several() {
    let (_directory, store) = store().await;
    for part in 0..3 {
        let items = (0..30_000).map(|n| {
            item(
                TOPIC,
                BEGIN + (part * 30_000 + n) / 100,
                Value::Switch(n % 2 == 0),
            )
        });
        say(&store, items.collect()).await;
    }
    sealed(&store, &Policy::default()).await;
    assert_eq!(shape(&store).await.0, 2);
    let all = samples(&store, TOPIC).await;
    let expected = (0..90_000).map(|n| (BEGIN + n / 100, Value::Switch(n % 2 == 0)));
    assert!(
        all.into_iter()
            .map(|one| (one.at.0, one.value))
            .eq(expected)
    );
}

#[tokio::test]
async fn a_deadband_thins_samples_and_not_what_is_rolled_up() {
    let (_directory, store) = store().await;
    let policy = Policy {
        patterns: vec![Pattern {
            filter: "home/+/temperature".into(),
            deadband: Some(0.5),
            ..Pattern::default()
        }],
        ..Policy::default()
    };
    let numbers = (0..600).map(|n| {
        item(
            TOPIC,
            BEGIN + n * 1000,
            Value::Number(20.0 + (n % 2) as f64 / 10.0),
        )
    });
    say(&store, numbers.collect()).await;
    let sealed = sealed(&store, &policy).await;
    assert_eq!(sealed.shelved.added, 600);
    assert_eq!(
        samples(&store, TOPIC).await.len(),
        2,
        "the first and the last"
    );
    let hour = (UtcMillis(BEGIN), UtcMillis(BEGIN + 10 * HOUR - 1));
    let Stretch::Numbers { points, .. } = reader::stretch(&store, TOPIC, hour.0, hour.1, 10)
        .await
        .unwrap()
    else {
        panic!("states");
    };
    assert_eq!((points[0].count, points[0].mean), (600, 20.05));
}

#[tokio::test]
async fn what_is_kept_no_longer_goes_the_finest_first() {
    let (_directory, store) = store().await;
    let items = (0..100).map(|day| item(TOPIC, BEGIN + day * 24 * HOUR, Value::Number(20.5)));
    say(&store, items.collect()).await;
    sealed(&store, &Policy::default()).await;
    let days = |days: u64| Some(Duration::from_hours(24 * days));
    let policy = Policy {
        patterns: vec![Pattern {
            filter: "#".into(),
            keep: Some(Keep {
                raw: days(10),
                minutes: days(30),
                hours: None,
            }),
            ..Pattern::default()
        }],
        ..Policy::default()
    };
    let now = UtcMillis(BEGIN + 99 * 24 * HOUR);
    while retain(&store, &policy, now).await.unwrap() {}
    assert_eq!(samples(&store, TOPIC).await.len(), 11);
    let all = reader::stretch(&store, TOPIC, UtcMillis(BEGIN), now, 4000)
        .await
        .unwrap();
    let Stretch::Numbers { points, .. } = all else {
        panic!("states");
    };
    assert_eq!(points.len(), 100, "hours tell what is gone");
    let series = reader::series(&store).await.unwrap();
    assert_eq!(series[0].first, UtcMillis(BEGIN));
}

#[tokio::test]
async fn a_removed_series_is_nowhere_in_the_file() {
    let (_directory, store) = store().await;
    let secret = "where-nobody-looks-for-it";
    for part in 0..2 {
        let mut items = Vec::new();
        for n in 0..300 {
            items.push(item(
                "home/lab/diary",
                BEGIN + part * 900 + n,
                Value::Text(format!("{secret}-{n}")),
            ));
            items.push(item(
                "home/lab/diary/set",
                BEGIN + part * 900 + n,
                Value::Text(format!("{secret}-{n}")),
            ));
            items.push(item(TOPIC, BEGIN + part * 900 + n, Value::Number(n as f64)));
        }
        say(&store, items).await;
        if part == 0 {
            sealed(&store, &Policy::default()).await;
        }
    }
    let holds = || {
        let name = store.file().to_owned();
        let wal = name.with_extension("db-wal");
        let all = [name, wal]
            .map(|file| std::fs::read(file).unwrap_or_default())
            .concat();
        all.windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes())
    };
    assert!(holds());
    assert_eq!(forget(&store, "home/lab/diary").await.unwrap(), 1200);
    assert!(traces::cut_now(&store).await);
    assert!(!holds());
    assert_eq!(samples(&store, TOPIC).await.len(), 600);
    assert_eq!(forget(&store, "home/lab/diary").await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_damaged_is_set_aside_and_the_rest_goes_on() {
    let (_directory, store) = store().await;
    say(&store, vec![item(TOPIC, BEGIN, Value::Number(1.0))]).await;
    sealed(&store, &Policy::default()).await;
    say(&store, vec![item(TOPIC, BEGIN + 1, Value::Number(2.0))]).await;
    say(&store, vec![item(TOPIC, BEGIN + 2, Value::Number(3.0))]).await;
    let mut whole = store.write().await.unwrap();
    let damage = "UPDATE chunks SET bytes = x'0102'; UPDATE blocks SET bytes = x'03' WHERE id = 2";
    whole.execute(damage).await.unwrap();
    whole.commit().await.unwrap();
    assert_eq!(samples(&store, TOPIC).await.len(), 1);
    let sealed = sealed(&store, &Policy::default()).await;
    assert_eq!(sealed.shelved.added, 1);
    assert_eq!(samples(&store, TOPIC).await.len(), 1);
    let mut whole = store.read().await.unwrap();
    let aside: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM damaged")
        .fetch_one(&mut *whole)
        .await
        .unwrap();
    assert_eq!(aside, 2);
}

/// When, what, and which count.
type Row = (i64, i32, Option<u32>);

/// What a series said, in batches; `None` seals.
fn said() -> impl Strategy<Value = Vec<Option<Vec<Row>>>> {
    let one = (0..30 * HOUR, -50..50_i32, proptest::option::of(0..40_u32));
    let batch = proptest::collection::vec(one, 1..60).prop_map(Some);
    proptest::collection::vec(prop_oneof![2 => batch, 1 => Just(None)], 1..10)
}

fn integer(value: &Value) -> i32 {
    value.to_string().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whenever it is sealed, and however late samples are, each is there once, and minutes
    /// and hours tell what the samples tell.
    #[test]
    fn late_and_doubled_samples_end_up_where_they_belong(steps in said()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (_directory, store) = store().await;
            let mut expected = Vec::new();
            for step in &steps {
                let Some(batch) = step else {
                    sealed(&store, &Policy::default()).await;
                    continue;
                };
                // The same count is the same sample.
                let one = |(at, number, counted): &Row| {
                    let at = counted.map_or(*at, |counted| i64::from(counted) * HOUR / 2);
                    let number = counted.map_or(*number, |counted| counted.cast_signed());
                    let origin = counted.map(|sequence| Origin { boot: 1, sequence });
                    Item { origin, ..item(TOPIC, BEGIN + at, Value::Number(f64::from(number))) }
                };
                let items: Vec<Item> = batch.iter().map(one).collect();
                for item in &items {
                    let row = (item.at, integer(&item.value), item.origin);
                    if row.2.is_none() || !expected.contains(&row) {
                        expected.push(row);
                    }
                }
                say(&store, items).await;
            }
            sealed(&store, &Policy::default()).await;
            expected.sort_by_key(|(at, number, origin)| (*at, *number, *origin));
            let row = |one: Sample| (one.at, integer(&one.value), one.origin);
            let mut found: Vec<_> = samples(&store, TOPIC).await.into_iter().map(row).collect();
            assert!(found.is_sorted_by_key(|row| row.0));
            found.sort();
            assert_eq!(found, expected);
            if expected.is_empty() {
                return;
            }
            let minute = |at: i64| at.div_euclid(60_000);
            for one in rollups::rolled(&store, Rollups::Minutes).await {
                let within = expected.iter().filter(|row| minute(row.0.0) == minute(one.start.0));
                let latest = within.clone().map(|row| row.0).max();
                let lasts: Vec<f64> = within
                    .filter(|row| Some(row.0) == latest)
                    .map(|row| f64::from(row.1))
                    .collect();
                assert!(lasts.contains(&one.bucket.last), "{one:?} {lasts:?}");
            }
            let numbers = || expected.iter().map(|row| f64::from(row.1));
            for points in [3, 40, 3000] {
                let (from, to) = (UtcMillis(BEGIN), UtcMillis(BEGIN + 30 * HOUR - 1));
                let stretch = reader::stretch(&store, TOPIC, from, to, points).await.unwrap();
                let Stretch::Numbers { points, .. } = stretch else { panic!("states") };
                let count: u32 = points.iter().map(|point| point.count).sum();
                assert_eq!(count as usize, expected.len());
                let min = points.iter().map(|point| point.min).fold(f64::MAX, f64::min);
                let max = points.iter().map(|point| point.max).fold(f64::MIN, f64::max);
                assert_eq!(min, numbers().fold(f64::MAX, f64::min));
                assert_eq!(max, numbers().fold(f64::MIN, f64::max));
                let sum: f64 = points.iter().map(|point| point.mean * f64::from(point.count)).sum();
                assert!((sum - numbers().sum::<f64>()).abs() < 1e-6);
            }
        });
    }
}
