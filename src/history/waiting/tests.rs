//! Who waits how long, who goes along, and who is dropped.

use proptest::prelude::*;

use super::*;

const WINDOWS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(60),
];

fn item(nth: usize, class: Class, arrived: u64) -> Item {
    Item {
        topic: "home/lab/temperature".into(),
        at: UtcMillis(i64::try_from(nth).unwrap()),
        value: Value::Number(20.5),
        origin: None,
        class,
        read: Read {
            arrived: Moment(arrived),
            offset: 0,
            clock: ClockQuality::Synchronised,
        },
    }
}

fn numbers(batch: &Batch) -> Vec<i64> {
    let items = batch.portions.iter().flatten();
    items.map(|item| item.at.0).collect()
}

#[test]
fn a_commit_begins_before_the_window_of_any_class_ends() {
    let mut waiting = Waiting::new(WINDOWS);
    assert_eq!(waiting.due(), None);
    waiting.push(item(0, Class::Lazy, 0));
    assert_eq!(waiting.due(), Some(Moment(59_500)));
    waiting.push(item(1, Class::Normal, 20_000));
    waiting.push(item(2, Class::Normal, 21_000));
    assert_eq!(waiting.due(), Some(Moment(29_500)));
    waiting.push(item(3, Class::Critical, 22_000));
    assert_eq!(waiting.due(), Some(Moment(22_750)));
    waiting.set_windows([Duration::from_millis(100), WINDOWS[1], WINDOWS[2]]);
    assert_eq!(waiting.due(), Some(Moment(22_075)));
    assert_eq!(numbers(&waiting.take()), [0, 1, 2, 3], "all go along");
    assert!(waiting.is_empty() && waiting.due().is_none());
}

#[test]
fn a_full_batch_is_due_at_once_and_so_is_the_rest_in_its_time() {
    let mut waiting = Waiting::new(WINDOWS);
    for nth in 0..=FULL {
        waiting.push(item(nth, Class::Normal, 100));
    }
    assert_eq!(waiting.due(), Some(Moment(0)));
    assert_eq!(waiting.take().len(), FULL);
    assert_eq!(waiting.due(), Some(Moment(9_600)));
    assert_eq!(waiting.take().len(), 1);
}

#[test]
fn a_failed_batch_keeps_its_place_and_waits_for_its_pause() {
    let mut waiting = Waiting::new(WINDOWS);
    for nth in 0..3 {
        waiting.push(item(nth, [Class::Normal, Class::Critical][nth % 2], 0));
    }
    let batch = waiting.take();
    waiting.push(item(3, Class::Critical, 2200));
    waiting.put_back(batch, Moment(12_300));
    waiting.push(item(4, Class::Lazy, 2300));
    assert_eq!(waiting.due(), Some(Moment(12_300)));
    let batch = waiting.take();
    assert_eq!(numbers(&batch), [0, 1, 2, 3, 4]);
    waiting.put_back(batch, Moment(20_000));
    assert_eq!(numbers(&waiting.take()), [0, 1, 2, 3, 4]);
}

#[test]
fn an_outage_keeps_the_newest_of_the_most_critical_and_counts_the_lost() {
    let mut waiting = Waiting::new(WINDOWS);
    for nth in 0..10 {
        waiting.push(item(nth, Class::Lazy, 0));
    }
    let batch = waiting.take();
    waiting.push(item(10, Class::Critical, 0));
    for nth in 11..MOST_WAITING + 15 {
        waiting.push(item(nth, Class::Normal, 0));
    }
    assert_eq!((waiting.len(), waiting.lost()), (MOST_WAITING, 5));
    waiting.put_back(batch, Moment(300));
    assert_eq!((waiting.len(), waiting.lost()), (MOST_WAITING, 15));
    let first = numbers(&waiting.take());
    assert_eq!(
        first[..2],
        [10, 16],
        "the lazy ones go first, then the oldest"
    );
}

#[test]
fn a_block_is_cut_where_the_clock_is_another() {
    let mut waiting = Waiting::new(WINDOWS);
    let rows = [
        (0, ClockQuality::Unknown),
        (900, ClockQuality::Unknown),
        // Set, and nobody has noticed yet.
        (5_000_000, ClockQuality::Unknown),
        (5_000_001, ClockQuality::Synchronised),
        (5_000_002, ClockQuality::Synchronised),
    ];
    for (nth, (offset, clock)) in rows.into_iter().enumerate() {
        let one = item(nth, Class::Normal, 0);
        let read = Read {
            offset,
            clock,
            ..one.read
        };
        waiting.push(Item { read, ..one });
    }
    let lengths: Vec<usize> = waiting.take().portions.iter().map(Vec::len).collect();
    assert_eq!(lengths, [2, 1, 2]);
}

#[test]
fn a_newer_description_is_not_undone_by_a_failed_one() {
    let in_unit = |unit: &str| Description {
        unit: Some(unit.into()),
        device_class: None,
    };
    let mut waiting = Waiting::new(WINDOWS);
    waiting.describe("t".into(), in_unit("C"), Moment(0));
    assert_eq!(waiting.due(), Some(Moment(10_000)));
    let batch = waiting.take();
    waiting.describe("t".into(), in_unit("°C"), Moment(1));
    waiting.put_back(batch, Moment(2));
    assert_eq!(waiting.take().descriptions["t"], in_unit("°C"));
}

#[test]
fn what_is_to_be_forgotten_waits_no_longer() {
    let mut waiting = Waiting::new(WINDOWS);
    waiting.push(item(0, Class::Normal, 0));
    let topic = "home/lab/door".into();
    waiting.push(Item {
        topic,
        ..item(1, Class::Critical, 0)
    });
    waiting.forget("home/lab/temperature");
    assert_eq!(numbers(&waiting.take()), [1]);
}

proptest! {
    /// Whatever fails in between, what comes out is what went in, in its order.
    #[test]
    fn the_order_of_arrival_is_kept(steps in proptest::collection::vec((0..3_usize, any::<bool>()), 1..200)) {
        let mut waiting = Waiting::new(WINDOWS);
        let (mut nth, mut out) = (0, Vec::new());
        for (class, fails) in steps {
            for _ in 0..=class {
                waiting.push(item(nth, Class::ALL[(nth + class) % 3], 0));
                nth += 1;
            }
            let batch = waiting.take();
            waiting.push(item(nth, Class::ALL[class], 0));
            nth += 1;
            if fails {
                waiting.put_back(batch, Moment(0));
            } else {
                out.extend(numbers(&batch));
            }
        }
        out.extend(numbers(&waiting.take()));
        let expected: Vec<i64> = (0..i64::try_from(nth).unwrap()).collect();
        prop_assert_eq!(out, expected);
    }
}
