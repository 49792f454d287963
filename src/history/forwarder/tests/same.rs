//! A file and a server that were told the same say the same.

use super::*;
use crate::history::archive::Archive;
use crate::history::sealer::seal;
use crate::history::{Class, Stretch};

const HOUR: i64 = 3_600_000;
const SWITCH: &str = "home/lab/lamp";
const TEXT: &str = "home/lab/mode";

/// Numbers that are the same in every run.
fn chance(seed: &mut u64) -> i64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    (*seed >> 40).cast_signed()
}

/// Three days in blocks: in order, but for some that are late; some come twice.
fn blocks() -> Vec<Vec<Item>> {
    let mut seed = 7;
    let mut blocks = Vec::new();
    for hour in 0..72 {
        let mut block = Vec::new();
        for step in 0..60 {
            let at = NOON + hour * HOUR + step * 60_000 + chance(&mut seed) % 60_000;
            let number = (chance(&mut seed) % 4000) as f64 / 100.0;
            block.push(item(at, Value::Number(number)));
        }
        let at = NOON + hour * HOUR;
        let origin = |sequence: i64| Origin {
            boot: 1,
            sequence: u32::try_from(sequence).unwrap(),
        };
        let counted = |hour: i64| Item {
            topic: "home/lab/counted".into(),
            origin: Some(origin(hour)),
            ..item(NOON + hour * HOUR + 5, Value::Number(hour as f64 / 3.0))
        };
        block.extend([counted(hour), counted((hour - 1).max(0)), counted(hour)]);
        // Late, and twice in the same millisecond.
        let late = NOON + (hour / 2) * HOUR + 7;
        block.push(item(late, Value::Number(-1.5)));
        block.push(item(late, Value::Number(hour as f64)));
        for (topic, value) in [
            (SWITCH, Value::Switch(chance(&mut seed) % 2 == 0)),
            (TEXT, Value::Text(format!("mode {}", chance(&mut seed) % 3))),
        ] {
            block.push(Item {
                topic: topic.into(),
                ..item(at + chance(&mut seed) % HOUR, value)
            });
        }
        blocks.push(block);
    }
    blocks
}

async fn samples(location: impl Into<Location>) -> Vec<String> {
    let archive = Archive::open(location).await.unwrap();
    let series = archive.series().await.unwrap();
    let topics = series.into_iter().map(|one| one.topic);
    let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    let mut samples = archive.samples(topics, ever.0, ever.1).await.unwrap();
    let mut all = Vec::new();
    while let Some(said) = samples.next().await.unwrap() {
        all.push(format!("{said:?}"));
    }
    drop(samples);
    archive.close().await;
    all
}

async fn compare(here: &Store, there: &Store) {
    let sizes = |sizes: Vec<crate::history::SeriesSize>| -> Vec<_> {
        let without_bytes = sizes.into_iter().map(|one| (one.info, one.samples));
        without_bytes.collect()
    };
    let file = sizes(reader::sizes(here).await.unwrap());
    assert_eq!(file, sizes(reader::sizes(there).await.unwrap()));
    for topic in [TOPIC, SWITCH, TEXT, "home/lab/counted", "home/lab/unknown"] {
        for (from, to, points) in [
            (NOON, NOON + 72 * HOUR, 500),
            (NOON, NOON + 72 * HOUR, 20),
            (NOON + 1234, NOON + 30 * HOUR + 777, 100),
            (NOON + 5 * HOUR, NOON + 6 * HOUR, 30),
            (NOON + 5 * HOUR + 1, NOON + 5 * HOUR + 999, 300),
            (NOON + 60 * HOUR, i64::MAX, 50),
            (NOON - 90 * HOUR, NOON - 1, 50),
        ] {
            let ask = async |store: &Store| {
                let (from, to) = (UtcMillis(from), UtcMillis(to));
                reader::stretch(store, topic, from, to, points)
                    .await
                    .unwrap()
            };
            let (file, server): (Stretch, Stretch) = (ask(here).await, ask(there).await);
            assert_eq!(file, server, "{topic} {from} {to} {points}");
            let last = async |store: &Store| {
                let last = reader::last_until(store, topic, UtcMillis(to));
                last.await.unwrap()
            };
            assert_eq!(last(here).await, last(there).await, "{topic} {to}");
        }
    }
}

#[tokio::test]
async fn charts_lists_and_files_are_the_same() {
    let house = House::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let here = Store::open(&file).await.unwrap();
    let mut forwarder = house.forwarder(&house.store);
    let blocks = blocks();
    let (sealed, last) = blocks.split_at(blocks.len() - 2);
    for (hour, block) in sealed.iter().enumerate() {
        let now = NOON + i64::try_from(hour + 1).unwrap() * HOUR;
        for store in [&here, &house.store] {
            say(store, now, block).await;
        }
        seal(&here, &Policy::default(), &Present::any())
            .await
            .unwrap();
        send_all(&mut forwarder).await;
    }
    compare(&here, &house.store).await;
    // What waits is read with the rest.
    for block in last {
        for store in [&here, &house.store] {
            say(store, NOON + 72 * HOUR, block).await;
        }
    }
    let location = Location {
        file: house.file(),
        server: Address::parse(&house.machine.url()).ok(),
    };
    assert_eq!(samples(&location).await, samples(&file).await);
    assert!(samples(&location).await.len() > 72 * 60);
}

#[tokio::test]
async fn a_deadband_keeps_the_same() {
    let mut house = House::new().await;
    house.policy.patterns.push(Pattern {
        filter: TOPIC.to_owned(),
        deadband: Some(0.5),
        class: Some(Class::Lazy),
        ..Pattern::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let here = Store::open(&file).await.unwrap();
    let mut forwarder = house.forwarder(&house.store);
    let mut seed = 3;
    for portion in 0..40 {
        let at = |step: i64| NOON + portion * 10_000 + step * 1000;
        let mut number = || Value::Number((chance(&mut seed) % 12) as f64 / 10.0);
        let block: Vec<Item> = (0..10).map(|step| item(at(step), number())).collect();
        for store in [&here, &house.store] {
            say(store, at(10), &block).await;
        }
        send_all(&mut forwarder).await;
        let latest = reader::last_until(&house.store, TOPIC, UtcMillis(i64::MAX));
        let latest = latest.await.unwrap().unwrap();
        assert_eq!(latest.at, UtcMillis(at(9)));
    }
    seal(&here, &house.policy, &Present::any()).await.unwrap();
    let location = Location {
        file: house.file(),
        server: Address::parse(&house.machine.url()).ok(),
    };
    let there = samples(&location).await;
    assert_eq!(there, samples(&file).await);
    assert!(there.len() < 300, "{}", there.len());
    assert_eq!(house.machine.number("SELECT SUM(count) FROM minutes"), 400);
}
