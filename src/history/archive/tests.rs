//! What was said comes back in its order, from the log and from the shelves.

use super::*;
use crate::home::Value;

fn reading(topic: &str, at: i64, payload: &str) -> Reading {
    Reading {
        topic: topic.to_owned(),
        value: Value::parse(payload),
        at: UtcMillis(at),
    }
}

async fn recorded(readings: &[Reading]) -> (tempfile::TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    record(&file, readings).await;
    let archive = Archive::open(&file).await.unwrap();
    (folder, archive)
}

async fn all(archive: &Archive, topics: &[&str], from: i64, to: i64) -> Vec<Reading> {
    let topics = topics.iter().map(|topic| (*topic).to_owned());
    let readings = archive.readings(topics, UtcMillis(from), UtcMillis(to));
    let (mut readings, mut all) = (readings.await.unwrap(), Vec::new());
    while let Some(reading) = readings.next().await.unwrap() {
        all.push(reading);
    }
    all
}

#[tokio::test]
async fn series_are_merged_in_order_of_time_over_many_pages() {
    let mut said = Vec::new();
    for n in 0..3000 {
        let topic = ["home/a/x", "home/a/y", "home/b/z"][n % 3];
        said.push(reading(topic, n as i64 / 2, &n.to_string()));
    }
    let (_folder, archive) = recorded(&said).await;
    let told = all(&archive, &["home/b/z", "home/a/x", "home/a/y"], 100, 1200).await;
    said.retain(|reading| (100..=1200).contains(&reading.at.0));
    said.sort_by_key(|reading| (reading.at, reading.topic.clone()));
    assert_eq!(told.len(), 2202);
    assert!(told == said);
}

#[tokio::test]
async fn one_long_series_is_read_in_pages_and_loses_nothing_within_a_millisecond() {
    let said: Vec<Reading> = (0..5000)
        .map(|n| reading("home/a/x", n / 700, &n.to_string()))
        .collect();
    let (_folder, archive) = recorded(&said).await;
    assert!(all(&archive, &["home/a/x", "home/a/x"], 0, 100).await == said);
    assert_eq!(all(&archive, &["home/a/none"], 0, 100).await, []);
}

#[tokio::test]
async fn states_come_before_commands_and_the_last_one_before_is_found() {
    let said = [
        reading("home/a/lamp/set", 5, "on"),
        reading("home/a/lamp", 5, "off"),
        reading("home/a/lamp", 5, "on"),
    ];
    let (_folder, archive) = recorded(&said).await;
    let told = all(&archive, &["home/a/lamp/set", "home/a/lamp"], 5, 5).await;
    assert_eq!(told, [said[1].clone(), said[2].clone(), said[0].clone()]);
    let before = |at| archive.before("home/a/lamp", UtcMillis(at));
    assert_eq!(before(5).await.unwrap(), None);
    assert_eq!(before(6).await.unwrap(), Some(said[2].clone()));
    let topics: Vec<String> = archive
        .series()
        .await
        .unwrap()
        .into_iter()
        .map(|s| s.topic)
        .collect();
    assert_eq!(topics, ["home/a/lamp", "home/a/lamp/set"]);
}

#[tokio::test]
async fn what_is_no_history_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let missing = Archive::open(&file).await.unwrap_err().to_string();
    assert!(missing.starts_with("there is no history at"), "{missing}");
    assert!(!file.exists());
    std::fs::write(&file, "notes\n".repeat(500)).unwrap();
    let foreign = Archive::open(&file).await.unwrap_err().to_string();
    assert!(foreign.contains("is not Hearth's history"), "{foreign}");
}
