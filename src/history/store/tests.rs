//! The file itself: what it costs, and what is left in it.

use sqlx::{Executor, Row};

use super::*;
use crate::history::waiting::{Batch, Item};
use crate::history::{commit, sealer};

async fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("history.db")).await;
    (directory, store.unwrap())
}

fn batch(count: i64) -> Batch {
    let item = |at| Item {
        at: crate::clock::UtcMillis(at),
        value: crate::home::Value::Text(format!("{:016x}", at.wrapping_mul(0x9e37_79b9_7f4a))),
        ..Item::any()
    };
    Batch {
        portions: vec![(0..count).map(item).collect()],
        ..Batch::default()
    }
}

async fn say(store: &Store, batch: &Batch) -> sqlx::Result<sealer::InLog> {
    commit::commit(store, batch, &sealer::Present::any()).await
}

async fn number(store: &Store, query: &'static str) -> i64 {
    store.database.writer.fetch_one(query).await.unwrap().get(0)
}

#[tokio::test]
async fn a_commit_on_a_full_disk_leaves_nothing_and_later_ones_succeed() {
    let (_directory, store) = store().await;
    let limit = async |pages: &'static str| {
        store.database.writer.execute(pages).await.unwrap();
    };
    limit("PRAGMA max_page_count = 16").await;
    let error = say(&store, &batch(9000)).await.unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    limit("PRAGMA max_page_count = 100000").await;
    assert_eq!(number(&store, "SELECT COUNT(*) FROM series").await, 0);
    say(&store, &batch(9000)).await.unwrap();
    assert_eq!(number(&store, "SELECT COUNT(*) FROM blocks").await, 1);
}

#[tokio::test]
async fn a_reader_in_mid_stretch_does_not_hold_up_a_commit() {
    let (_directory, store) = store().await;
    say(&store, &batch(1)).await.unwrap();
    let mut reader = store.read().await.unwrap();
    let before = log::ends(&mut reader).await.unwrap();
    say(&store, &batch(1)).await.unwrap();
    let after = log::ends(&mut reader).await.unwrap();
    assert_eq!(before, after, "a reader sees one state throughout");
    assert_eq!(number(&store, "SELECT MAX(id) FROM blocks").await, 2);
}

#[tokio::test]
async fn a_block_never_has_the_id_of_one_that_is_gone() {
    let (_directory, store) = store().await;
    for _ in 0..3 {
        say(&store, &batch(1)).await.unwrap();
    }
    let mut whole = store.write().await.unwrap();
    log::sealed(&mut whole, 3).await.unwrap();
    whole.commit().await.unwrap();
    say(&store, &batch(1)).await.unwrap();
    assert_eq!(number(&store, "SELECT MAX(id) FROM blocks").await, 4);
}

#[tokio::test]
async fn commits_are_synced_and_what_is_deleted_is_overwritten() {
    let (_directory, store) = store().await;
    assert_eq!(number(&store, "PRAGMA synchronous").await, 2);
    assert_eq!(number(&store, "PRAGMA secure_delete").await, 1);
}

#[tokio::test]
async fn an_id_is_asked_for_again_after_a_series_was_removed() {
    let (_directory, store) = store().await;
    say(&store, &batch(1)).await.unwrap();
    // By another process, as it were.
    let other = Store::open(store.database.file()).await.unwrap();
    sealer::forget(&other, "home/lab/temperature")
        .await
        .unwrap();
    say(&store, &batch(2)).await.unwrap();
    let mut whole = store.read().await.unwrap();
    let id = series::id(&mut whole, "home/lab/temperature")
        .await
        .unwrap();
    let mut tail = store.tail().lock().await;
    tail.refresh(&mut whole).await.unwrap();
    let ever = (crate::clock::UtcMillis(0), crate::clock::UtcMillis(99));
    assert_eq!(tail.of(id.unwrap(), ever.0, ever.1).len(), 2);
}
