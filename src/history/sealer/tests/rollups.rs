//! Minutes and hours that are damaged, or get late samples.

use super::*;
use crate::history::rollup::{self, Rolled};
use crate::history::store::shelves::{self, Rollups};

/// All that is on the shelf of a kind; damaged rows have nothing.
pub(super) async fn rolled(store: &Store, kind: Rollups) -> Vec<Rolled> {
    let mut whole = store.read().await.unwrap();
    let Some(id) = series::id(&mut whole, TOPIC).await.unwrap() else {
        return Vec::new();
    };
    let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    let rows = shelves::rollups(&mut whole, kind, id, ever.0, ever.1).await;
    let rows = rows.unwrap().into_iter();
    let rolled = rows.filter_map(|bytes| Some(rollup::decode(&bytes).ok()?.1));
    rolled.flatten().collect()
}

async fn do_sql(store: &Store, sql: &'static str) {
    let mut whole = store.write().await.unwrap();
    whole.execute(sql).await.unwrap();
    whole.commit().await.unwrap();
}

/// Numbers at these seconds after the begin.
async fn say_at(store: &Store, seconds: impl IntoIterator<Item = i64>) {
    let items = seconds.into_iter().map(|second| {
        let number = (second * 7919 % 1000) as f64 / 10.0;
        item(TOPIC, BEGIN + second * 1000, Value::Number(number))
    });
    say(store, items.collect()).await;
    sealed(store, &Policy::default()).await;
}

async fn both(store: &Store) -> [Vec<Rolled>; 2] {
    [
        rolled(store, Rollups::Minutes).await,
        rolled(store, Rollups::Hours).await,
    ]
}

const DAMAGE: &str = "UPDATE minutes SET bytes = x'0102'; UPDATE hours SET bytes = x'0102'";

#[tokio::test]
async fn a_damaged_row_that_gets_new_or_late_samples_has_the_old_ones_too() {
    let (_directory, store) = store().await;
    let (_other_directory, whole) = super::store().await;
    let steps: [Vec<i64>; 4] = [
        (0..1800).collect(),
        (1800..2400).collect(),
        // Late ones, between the others.
        (2410..7000).step_by(10).collect(),
        vec![2405, 2415],
    ];
    for step in steps {
        do_sql(&store, DAMAGE).await;
        assert_eq!(both(&store).await, [vec![], vec![]]);
        say_at(&store, step.clone()).await;
        say_at(&whole, step).await;
    }
    // What came to no row stays damaged for the check.
    let [minutes, hours] = both(&store).await;
    let [all_minutes, all_hours] = both(&whole).await;
    assert!(minutes.iter().all(|one| all_minutes.contains(one)));
    assert_eq!(minutes.len(), 60, "the first hour had late samples");
    assert_eq!(hours, all_hours);
    assert_eq!(
        hours.iter().map(|one| one.bucket.count).sum::<u64>(),
        2400 + 459 + 2
    );
}

#[tokio::test]
async fn a_late_sample_is_the_last_of_its_minute_only_if_it_is() {
    let (_directory, store) = store().await;
    let number =
        |second: i64, number: f64| vec![item(TOPIC, BEGIN + second * 1000, Value::Number(number))];
    let last = async || {
        let [minutes, hours] = both(&store).await;
        (minutes[0].bucket.last, hours[0].bucket.last)
    };
    for (second, said, lasts) in [
        (30, 1.0, (1.0, 1.0)),
        (100_000, 2.0, (1.0, 1.0)),
        (10, 3.0, (1.0, 1.0)),
        (45, 4.0, (4.0, 4.0)),
        (20, 5.0, (4.0, 4.0)),
        (100, 6.0, (4.0, 6.0)),
    ] {
        say(&store, number(second, said)).await;
        sealed(&store, &Policy::default()).await;
        assert_eq!(last().await, lasts, "after {second} s");
    }
    // Where samples are kept no longer, nobody knows: what was there stays.
    do_sql(&store, "DELETE FROM chunks WHERE first < 1788530000000").await;
    say(&store, number(50, 7.0)).await;
    sealed(&store, &Policy::default()).await;
    assert_eq!(last().await, (4.0, 6.0));
}
