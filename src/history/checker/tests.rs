//! Files with flipped bytes: what is hit is set aside and named, and all else is read.

mod rollups;

use super::*;
use crate::history::commit::commit;
use crate::history::sealer::{self, Present};
use crate::history::waiting::{Batch, Item};
use crate::history::{Archive, History, Policy, Settings, Stretch};
use crate::home::Value;

const TOPICS: [&str; 3] = ["home/a/x", "home/a/y", "home/b/z"];

/// No two pieces of a file are alike.
fn noise(topic: &str, day: i64, nth: i64) -> f64 {
    let seed = topic.bytes().map(i64::from).sum::<i64>() * 1_000_003 + day * 100_003 + nth;
    (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) >> 40) as f64 / 100.0
}

/// Two days, sealed, and some minutes in the log.
async fn store(folder: &std::path::Path) -> Store {
    let store = Store::open(&folder.join("history.db")).await.unwrap();
    for (day, count) in [(0, 3000), (1, 3000), (2, 50)] {
        for topic in TOPICS {
            let item = |nth: i64| Item {
                topic: topic.into(),
                at: UtcMillis(day * 86_400_000 + nth * 1000),
                value: Value::Number(noise(topic, day, nth)),
                ..Item::any()
            };
            let batch = Batch {
                portions: vec![(0..count).map(item).collect()],
                ..Batch::default()
            };
            commit(&store, &batch, &Present::any()).await.unwrap();
        }
        if day < 2 {
            let policy = Policy::default();
            let sealed = sealer::seal(&store, &policy, &Present::any()).await;
            sealed.unwrap();
        }
    }
    store
}

async fn check(store: &Store, set_aside: bool) -> Checked {
    let mut check = Check::begin(store, set_aside).await.unwrap();
    while check.step().await.unwrap() {}
    check.checked
}

async fn count(store: &Store) -> usize {
    let archive = Archive::open(store.file()).await.unwrap();
    let topics = TOPICS.map(str::to_owned);
    let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    let mut samples = archive.samples(topics, ever.0, ever.1).await.unwrap();
    let mut count = 0;
    while samples.next().await.unwrap().is_some() {
        count += 1;
    }
    drop(samples);
    archive.close().await;
    count
}

#[tokio::test]
async fn a_whole_file_is_found_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let checked = check(&store, true).await;
    assert_eq!((checked.damage, checked.aside), (Vec::new(), Vec::new()));
    assert!(
        checked.chunks >= 6 && checked.blocks == 3,
        "{}",
        checked.chunks
    );
    assert!(checked.rollups > 6 && checked.bytes > 5000);
    store.close().await;
}

/// Flips bytes in the file itself, in the middle of a chunk and of a block.
async fn flip(store: &Store) {
    let mut found = Vec::new();
    let mut whole = store.read().await.unwrap();
    for held in [
        care::chunks(&mut whole, 2, 1).await.unwrap(),
        care::blocks(&mut whole, 0, 1).await.unwrap(),
    ] {
        let bytes = &held[0].bytes;
        // The end, with the checksum: like no other piece.
        found.push(bytes[bytes.len() - 9..].to_vec());
    }
    drop(whole);
    store.close().await;
    let mut bytes = std::fs::read(store.file()).unwrap();
    for piece in found {
        let places = bytes.windows(piece.len()).enumerate();
        let places: Vec<usize> = places
            .filter(|(_, window)| *window == piece)
            .map(|(place, _)| place)
            .collect();
        assert_eq!(places.len(), 1);
        bytes[places[0] + 5] ^= 0x40;
    }
    std::fs::write(store.file(), bytes).unwrap();
}

#[tokio::test]
async fn a_chunk_and_a_block_with_flipped_bytes_are_set_aside_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let all = count(&store).await;
    assert_eq!(all, 3 * 6050);
    flip(&store).await;
    let store = Store::open(store.file()).await.unwrap();
    let left = count(&store).await;
    assert!(left < all && left > all / 2, "{left}");

    let looked = check(&store, false).await;
    assert_eq!(looked.damage.len(), 2, "{:?}", looked.damage);
    assert_eq!(
        check(&store, false).await.aside,
        [],
        "looking changes nothing"
    );
    let checked = check(&store, true).await;
    let reasons = |checked: &Checked| -> Vec<(String, String)> {
        let damage = checked.damage.iter().cloned();
        damage.map(|one| (one.what, one.reason)).collect()
    };
    assert_eq!(reasons(&checked), reasons(&looked));
    let said = checked.damage[0].to_string();
    assert!(said.starts_with("chunk 3 of home/"), "{said}");
    assert!(said.contains("(1970-01-0"), "{said}");
    assert!(
        said.ends_with("is damaged: its checksum is wrong; it is set aside"),
        "{said}"
    );
    let said = checked.damage[1].to_string();
    assert_eq!(
        said,
        "block 7 is damaged: its checksum is wrong; it is set aside"
    );

    let again = check(&store, true).await;
    assert_eq!((again.damage.len(), again.aside.len()), (0, 2));
    assert_eq!(count(&store).await, left, "nothing else is gone");
    let (history, _ways) = History::new(Settings::new(store.file()), State::Open(store.clone()));
    let ever = (UtcMillis(0), UtcMillis(3 * 86_400_000));
    let stretch = history
        .stretch(TOPICS[0], ever.0, ever.1, 4000)
        .await
        .unwrap();
    assert!(matches!(stretch, Stretch::Numbers { points, .. } if points.len() > 40));
    store.close().await;
}

#[tokio::test]
async fn the_recorders_file_is_checked_in_the_background_and_told_by_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    flip(&store).await;
    let store = Store::open(store.file()).await.unwrap();
    let (history, ways) = History::new(Settings::new(store.file()), State::Open(store.clone()));
    check_and_tell(&store, &ways.figures).await;
    let figures = history.figures();
    assert!(figures.is_checked);
    assert_eq!(figures.damaged.len(), 2);
    store.close().await;
}
