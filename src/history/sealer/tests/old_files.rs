//! Files of versions that had one row for each reading.

use super::*;
use crate::history::ArchiveError;

#[tokio::test]
async fn old_readings_are_carried_over_whatever_interrupts_it() {
    let (directory, store) = store().await;
    let file = directory.path().join("history.db");
    let old =
        "INSERT INTO series (id, topic) VALUES (1, 'home/lab/temperature'), (5, 'home/lab/door');
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 69999)
        INSERT INTO readings SELECT 1, 1000000 + i / 2 * 1000, i % 2, i / 8.0, NULL FROM n;
        INSERT INTO readings VALUES (5, 7, 0, NULL, 'open'), (5, 9, 0, NULL, 'on')";
    let mut whole = store.write().await.unwrap();
    whole.execute(old).await.unwrap();
    whole.commit().await.unwrap();
    let refused = Archive::open(&file).await.unwrap_err();
    assert!(matches!(refused, ArchiveError::Old(_)), "{refused}");
    // What is said meanwhile is later.
    say(
        &store,
        vec![item(TOPIC, 2_000_000_000, Value::Number(-1.0))],
    )
    .await;
    sealed(&store, &Policy::default()).await;
    assert_eq!(carry(&store).await.unwrap(), Carried::Some(32_768));
    store.close().await;
    let store = Store::open(&file).await.unwrap();
    let mut steps = 0;
    while carry(&store).await.unwrap() != Carried::All {
        steps += 1;
    }
    assert_eq!(steps, 2);
    assert_eq!(carry(&store).await.unwrap(), Carried::All);
    let all = samples(&store, TOPIC).await;
    let expected = (0..70_000).map(|i| (1_000_000 + i / 2 * 1000, Value::Number(i as f64 / 8.0)));
    let expected = expected.chain([(2_000_000_000, Value::Number(-1.0))]);
    assert!(
        all.into_iter()
            .map(|one| (one.at.0, one.value))
            .eq(expected)
    );
    let door = samples(&store, "home/lab/door").await.into_iter();
    let door: Vec<Value> = door.map(|one| one.value).collect();
    assert_eq!(door, [Value::Text("open".into()), Value::Switch(true)]);
    store.close().await;
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(size < 500_000, "{size}");
}
