//! Minutes and hours that are damaged: told again where something tells them.

use sqlx::Executor;

use super::*;
use crate::history::policy::{Pattern, Policy};
use crate::history::sealer::Outcome;

const HOUR: i64 = 3_600_000;

async fn do_sql(store: &Store, sql: &'static str) {
    let mut whole = store.write().await.unwrap();
    whole.execute(sql).await.unwrap();
    whole.commit().await.unwrap();
}

/// The bytes of all rows of roll-ups.
async fn rows(store: &Store) -> Vec<Vec<u8>> {
    let mut whole = store.read().await.unwrap();
    let mut all = Vec::new();
    for kind in Rollups::ALL {
        let begin = (i64::MIN, UtcMillis(i64::MIN));
        let rows = care::rollups(&mut whole, kind, begin, 10_000).await;
        all.extend(rows.unwrap().into_iter().map(|row| row.bytes));
    }
    all
}

async fn said(checked: &Checked) -> Vec<String> {
    checked.damage.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn all_of_them_are_told_again_where_samples_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let before = rows(&store).await;
    let damage = "UPDATE minutes SET bytes = substr(bytes, 2);
        UPDATE hours SET bytes = x'' WHERE series = 2";
    do_sql(&store, damage).await;
    let looked = check(&store, false).await;
    assert_eq!(looked.damage.len(), 6 + 1, "{looked:?}");
    assert!(
        looked
            .damage
            .iter()
            .all(|one| !one.is_mended() && one.is_rollup)
    );
    let checked = check(&store, true).await;
    assert!(checked.damage.iter().all(Damage::is_mended), "{checked:?}");
    assert_eq!(rows(&store).await, before);
    assert_eq!(
        said(&checked).await[0],
        "a row of minutes of home/a/x (1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z) is damaged: \
         its checksum is wrong; it is told again from what is finer"
    );
    assert_eq!(check(&store, true).await.damage, []);
    store.close().await;
}

#[tokio::test]
async fn what_nothing_tells_any_more_is_named_as_lost_and_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    // Of y no samples are kept of the first day, of z no minutes either, and none of both days.
    let damage = "DELETE FROM chunks WHERE series = 2 AND first < 86400000;
        DELETE FROM chunks WHERE series = 3;
        DELETE FROM minutes WHERE series = 3;
        UPDATE minutes SET bytes = x'00' WHERE series = 2;
        UPDATE hours SET bytes = x'00' WHERE series > 1";
    do_sql(&store, damage).await;
    let checked = check(&store, true).await;
    let outcomes: Vec<Then> = checked.damage.iter().map(|one| one.then).collect();
    let day = UtcMillis(24 * HOUR);
    let expected = [
        Outcome::Lost,
        Outcome::Whole,
        Outcome::Since(day),
        Outcome::Lost,
    ];
    assert_eq!(outcomes, expected.map(Then::Again));
    let said = said(&checked).await;
    assert!(
        said[0].ends_with("; it is lost and set aside: no samples are kept that would tell it")
    );
    assert!(
        said[2]
            .ends_with("; it is told again from 1970-01-02T00:00:00Z on, what was before is lost")
    );
    let again = check(&store, true).await;
    assert_eq!(again.damage, []);
    let aside: Vec<String> = again.aside.iter().map(ToString::to_string).collect();
    let expected = [
        "a row of hours of home/b/z (1970-01-01T00:00:00Z to 1970-01-09T00:00:00Z) ends too early",
        "a row of minutes of home/a/y (1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z) ends too \
         early",
    ];
    assert_eq!(aside, expected);
    assert!(again.aside.iter().all(|one| one.is_rollup));
    store.close().await;
}

#[tokio::test]
async fn what_a_deadband_has_thinned_is_told_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("history.db"))
        .await
        .unwrap();
    let item = |nth: i64| Item {
        topic: TOPICS[0].into(),
        at: UtcMillis(nth * 1000),
        value: Value::Number(20.0 + (nth % 2) as f64 / 10.0),
        ..Item::any()
    };
    let batch = Batch {
        portions: vec![(0..600).map(item).collect()],
        ..Batch::default()
    };
    commit(&store, &batch, &Present::any()).await.unwrap();
    let policy = Policy {
        patterns: vec![Pattern {
            filter: "#".into(),
            deadband: Some(0.5),
            ..Pattern::default()
        }],
        ..Policy::default()
    };
    sealer::seal(&store, &policy, &Present::any())
        .await
        .unwrap();
    do_sql(&store, "UPDATE minutes SET bytes = x'00'").await;
    let checked = check(&store, true).await;
    let outcome = Outcome::Part { told: 2, of: 600 };
    assert_eq!(checked.damage[0].then, Then::Again(outcome));
    let said = checked.damage[0].to_string();
    let end =
        "; 2 of its 600 readings are told again, the others were thinned or are kept no longer";
    assert!(said.ends_with(end), "{said}");
    store.close().await;
}

#[tokio::test]
async fn a_row_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let later = crate::history::column::seal(vec![9, 0, 0]);
    let mut whole = store.write().await.unwrap();
    shelves::put_rollups(&mut whole, Rollups::Minutes, 1, UtcMillis(0), &later)
        .await
        .unwrap();
    whole.commit().await.unwrap();
    let checked = check(&store, true).await;
    assert_eq!(checked.damage[0].then, Then::Stays);
    assert!(rows(&store).await.contains(&later));
    store.close().await;
}
