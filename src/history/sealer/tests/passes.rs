//! A pass that is interrupted, at whichever step.

use super::*;

const SERIES: u32 = 5;
/// More than a step takes of one series, so that each is a step.
const EACH: u32 = 9000;

fn topic(nth: u32) -> String {
    format!("home/lab/temperature-{nth}")
}

/// So many samples of each series, from that one on.
async fn say_all(store: &Store, from: u32) {
    for nth in 0..SERIES {
        let one = |n: u32| {
            let at = BEGIN + i64::from(from + n) * 100;
            item(&topic(nth), at, Value::Number(f64::from(n)))
        };
        say(store, (0..EACH).map(one).collect()).await;
    }
}

/// What charts and exports find of each series.
async fn counts(store: &Store) -> Vec<(usize, usize)> {
    let mut counts = Vec::new();
    for nth in 0..SERIES {
        let exported = samples(store, &topic(nth)).await.len();
        let (from, to) = (UtcMillis(BEGIN), UtcMillis(BEGIN + 10 * HOUR));
        let stretch = reader::stretch(store, &topic(nth), from, to, 100).await;
        let drawn = match stretch.unwrap() {
            Stretch::Numbers { points, .. } => {
                points.iter().map(|point| point.count as usize).sum()
            }
            Stretch::States(_) => panic!("states"),
        };
        counts.push((exported, drawn));
    }
    counts
}

/// What they find if all is there so many times.
fn each(times: u32) -> Vec<(usize, usize)> {
    let all = (times * EACH) as usize;
    vec![(all, all); SERIES as usize]
}

async fn begin(store: &Store) -> Pass {
    Pass::begin(store, &Present::any()).await.unwrap()
}

async fn step(pass: Pass, store: &Store) -> Step {
    let policy = Policy::default();
    pass.step(store, &policy, &Present::any()).await.unwrap()
}

#[tokio::test]
async fn what_a_crash_leaves_of_a_pass_is_neither_missing_nor_doubled() {
    for steps in 0..=SERIES {
        let (_directory, store) = store().await;
        say_all(&store, 0).await;
        let mut pass = begin(&store).await;
        for _ in 0..steps {
            let Step::Goes(on) = step(pass, &store).await else {
                panic!("each series is a step, and the end is one");
            };
            pass = on;
        }
        let once = each(1);
        assert_eq!(counts(&store).await, once, "after {steps} steps");
        drop(pass);
        // It is started again, and readings come before the next pass.
        let store = Store::open(store.file()).await.unwrap();
        say_all(&store, EACH).await;
        let twice = each(2);
        assert_eq!(counts(&store).await, twice, "{steps} steps, then more");
        // If a pass is under way the first one ends that.
        sealed(&store, &Policy::default()).await;
        assert_eq!(counts(&store).await, twice, "{steps} steps, then the rest");
        let left = sealed(&store, &Policy::default()).await.left;
        assert_eq!((left.samples, counts(&store).await), (0, twice));
    }
}

#[tokio::test]
async fn a_commit_has_its_turn_between_two_steps() {
    let (_directory, store) = store().await;
    say_all(&store, 0).await;
    let Step::Goes(pass) = step(begin(&store).await, &store).await else {
        panic!("there is one series only");
    };
    say_all(&store, EACH).await;
    let mut step = step(pass, &store).await;
    while let Step::Goes(pass) = step {
        step = self::step(pass, &store).await;
    }
    let Step::Over(sealed) = step else {
        panic!("void");
    };
    let both = (sealed.shelved.added, sealed.left.samples);
    let all = SERIES * EACH;
    assert_eq!(both, (u64::from(all), all as usize));
    let twice = each(2);
    assert_eq!(counts(&store).await, twice);
}

#[tokio::test]
async fn a_series_that_is_removed_between_two_steps_stays_away() {
    let (_directory, store) = store().await;
    say_all(&store, 0).await;
    let Step::Goes(pass) = step(begin(&store).await, &store).await else {
        panic!("there is one series only");
    };
    // Its id is free now, and the next topic that is new gets it.
    let last = topic(SERIES - 1);
    assert_eq!(forget(&store, &last).await.unwrap(), u64::from(EACH));
    say(
        &store,
        vec![item("home/lab/new", BEGIN, Value::Number(7.0))],
    )
    .await;
    assert!(matches!(step(pass, &store).await, Step::Void));
    sealed(&store, &Policy::default()).await;
    sealed(&store, &Policy::default()).await;
    assert_eq!(samples(&store, &last).await.len(), 0);
    assert_eq!(samples(&store, "home/lab/new").await.len(), 1);
    assert_eq!(samples(&store, &topic(0)).await.len(), EACH as usize);
}

#[tokio::test]
async fn a_series_that_is_half_way_is_counted_once_when_it_is_removed() {
    let (_directory, store) = store().await;
    say_all(&store, 0).await;
    let Step::Goes(_) = step(begin(&store).await, &store).await else {
        panic!("there is one series only");
    };
    assert_eq!(forget(&store, &topic(0)).await.unwrap(), u64::from(EACH));
}

#[tokio::test]
async fn a_block_that_is_taken_out_is_no_sealed_one() {
    let (_directory, store) = store().await;
    say(&store, vec![item(TOPIC, BEGIN, Value::Number(1.0))]).await;
    say(
        &store,
        vec![item("home/lab/diary", BEGIN, Value::Number(1.0))],
    )
    .await;
    forget(&store, "home/lab/diary").await.unwrap();
    let mut whole = store.read().await.unwrap();
    let sealed: i64 = sqlx::query_scalar("SELECT sealed FROM log")
        .fetch_one(&mut *whole)
        .await
        .unwrap();
    assert_eq!(sealed, 0);
    let ends = log::ends(&mut whole).await.unwrap();
    drop(whole);
    say(&store, vec![item(TOPIC, BEGIN + 1, Value::Number(2.0))]).await;
    let mut whole = store.read().await.unwrap();
    let now = log::ends(&mut whole).await.unwrap();
    assert_eq!((ends.last, now.last), (1, 3), "block 2 is not made again");
}
