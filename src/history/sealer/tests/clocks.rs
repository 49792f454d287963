//! When the log is sealed, and what happens to times that were read from a wrong clock.

use super::*;

const LATER: i64 = 50 * 365 * 24 * HOUR;

fn present(moment: u64, utc: i64, clock: ClockQuality) -> Present {
    Present {
        boot: [7; 16],
        now: Now {
            moment: Moment(moment),
            utc: UtcMillis(utc),
        },
        clock,
    }
}

async fn say_at(store: &Store, present: &Present, number: f64) {
    let read = Read::new(Moment(0), present.now, present.clock);
    let items = vec![Item {
        read,
        ..item(TOPIC, present.now.utc.0, Value::Number(number))
    }];
    let batch = Batch {
        portions: vec![items],
        ..Batch::default()
    };
    commit(store, &batch, present).await.unwrap();
}

#[tokio::test]
async fn times_of_an_unset_clock_are_put_right_when_it_is_set() {
    let (_directory, store) = store().await;
    let unset = |moment| present(moment, 1000 + moment.cast_signed(), ClockQuality::Unknown);
    say_at(&store, &unset(10_000), 1.0).await;
    say_at(&store, &unset(20_000), 2.0).await;
    let waits = seal(&store, &Policy::default(), &unset(21_000))
        .await
        .unwrap();
    assert_eq!((waits.shelved.added, waits.left.doubtful), (0, 2));
    assert!(!waits.left.is_due(&unset(22_000)));
    let set = present(30_000, LATER + 30_000, ClockQuality::Synchronised);
    say_at(&store, &set, 3.0).await;
    assert!(waits.left.is_due(&set));
    let sealed = seal(&store, &Policy::default(), &set).await.unwrap();
    assert_eq!((sealed.shelved.added, sealed.left), (3, InLog::default()));
    let all = samples(&store, TOPIC).await;
    let times: Vec<i64> = all.iter().map(|one| one.at.0 - LATER).collect();
    assert_eq!(times, [10_000, 20_000, 30_000]);
    assert!(
        all.iter()
            .all(|one| one.clock == ClockQuality::Synchronised)
    );
}

#[tokio::test]
async fn what_an_earlier_start_could_not_tell_stays_marked() {
    let (_directory, store) = store().await;
    let unset = present(10_000, 5000, ClockQuality::Unknown);
    say_at(&store, &unset, 1.0).await;
    let next_boot = Present {
        boot: [8; 16],
        ..present(10, LATER, ClockQuality::Unknown)
    };
    let sealed = seal(&store, &Policy::default(), &next_boot).await.unwrap();
    assert_eq!(sealed.shelved.added, 1);
    let all = samples(&store, TOPIC).await;
    assert_eq!(
        (all[0].at, all[0].clock),
        (UtcMillis(5000), ClockQuality::Unknown)
    );
}

#[test]
fn it_is_sealed_after_a_full_hour_if_that_is_worth_it() {
    let at = |utc| present(0, utc, ClockQuality::Synchronised);
    let log = |samples| InLog {
        samples,
        since: Some(UtcMillis(BEGIN + HOUR / 2)),
        doubtful: 0,
    };
    assert!(!InLog::default().is_due(&at(BEGIN)));
    assert!(!log(72_000).is_due(&at(BEGIN + HOUR - 1)));
    assert!(log(72_000).is_due(&at(BEGIN + HOUR)));
    assert!(!log(100).is_due(&at(BEGIN + 2 * HOUR)));
    assert!(log(100).is_due(&at(BEGIN + 7 * HOUR)));
    assert!(log(MOST_IN_LOG + 1).is_due(&at(BEGIN + HOUR / 2 + 1)));
}

#[test]
fn a_clock_that_is_never_set_does_not_fill_the_log() {
    let unset = present(0, 0, ClockQuality::Unknown);
    let log = |doubtful| InLog {
        samples: doubtful,
        since: Some(UtcMillis(0)),
        doubtful,
    };
    assert!(!log(MOST_IN_LOG + 1).is_due(&unset));
    assert!(log(MOST_DOUBTFUL + 1).is_due(&unset));
}
