//! Charts of real files: from the log, the shelves, or both.

use proptest::prelude::*;

use super::*;
use crate::history::commit::commit;
use crate::history::policy::{Pattern, Policy};
use crate::history::sealer::{Present, seal};
use crate::history::waiting::{Batch, Description, Item};
use crate::history::{Change, History, Point, Rhythm, Settings, State};
use crate::home::DeviceClass;

const TOPIC: &str = "home/lab/temperature";
const HOUR: i64 = 3_600_000;

async fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("history.db")).await;
    (directory, store.unwrap())
}

async fn say(store: &Store, topic: &str, said: &[(i64, &str)]) {
    let item = |(at, payload): &(i64, &str)| Item {
        topic: topic.into(),
        at: UtcMillis(*at),
        value: Value::parse(payload),
        ..Item::any()
    };
    let batch = Batch {
        portions: vec![said.iter().map(item).collect()],
        ..Batch::default()
    };
    commit(store, &batch, &Present::any()).await.unwrap();
}

async fn to_the_shelves(store: &Store) {
    seal(store, &Policy::default(), &Present::any())
        .await
        .unwrap();
}

async fn drawn(store: &Store, topic: &str, from: i64, to: i64, points: usize) -> Stretch {
    stretch(store, topic, UtcMillis(from), UtcMillis(to), points)
        .await
        .unwrap()
}

fn points_of(stretch: Stretch) -> Vec<Point> {
    match stretch {
        Stretch::Numbers { points, .. } => points,
        Stretch::States(states) => panic!("{states:?}"),
    }
}

fn states(changes: &[(i64, &str)]) -> Stretch {
    let change = |(at, state): &(i64, &str)| Change {
        at: UtcMillis(*at),
        state: (*state).to_owned(),
    };
    Stretch::States(changes.iter().map(change).collect())
}

#[tokio::test]
async fn readings_are_there_after_the_file_was_closed() {
    let (directory, store) = store().await;
    say(&store, TOPIC, &[(1000, "20.5"), (2000, "-1e-3")]).await;
    store.close().await;
    let file = directory.path().join("history.db");
    let (history, _ways) = History::new(
        Settings::new(&file),
        State::Open(Store::open(&file).await.unwrap()),
    );
    let latest = history.latest(TOPIC).await.unwrap().unwrap();
    assert_eq!(
        (latest.at, latest.value),
        (UtcMillis(2000), Value::Number(-0.001))
    );
    let expected = SeriesInfo {
        topic: TOPIC.into(),
        unit: Some("°C".into()),
        device_class: Some(DeviceClass::Temperature),
        first: UtcMillis(1000),
        last: UtcMillis(2000),
    };
    assert_eq!(history.series().await.unwrap(), [expected]);
    assert!(history.figures().file_bytes > 0);
}

#[tokio::test]
async fn a_board_knows_better_what_its_things_measure() {
    let (_directory, store) = store().await;
    say(&store, TOPIC, &[(1000, "70")]).await;
    let fahrenheit = Description {
        unit: Some("°F".into()),
        device_class: Some(DeviceClass::Temperature),
    };
    let described = [TOPIC, "home/lab/silent"].map(|topic| (topic.to_owned(), fahrenheit.clone()));
    let batch = Batch {
        descriptions: described.into(),
        ..Batch::default()
    };
    commit(&store, &batch, &Present::any()).await.unwrap();
    let series = series(&store).await.unwrap();
    assert_eq!(
        series.len(),
        1,
        "a described topic without readings is no series"
    );
    assert_eq!(series[0].unit.as_deref(), Some("°F"));
}

#[tokio::test]
async fn readings_of_one_millisecond_are_all_kept_wherever_they_are() {
    let (_directory, store) = store().await;
    say(&store, TOPIC, &[(5, "1"), (5, "2"), (5, "9")]).await;
    to_the_shelves(&store).await;
    say(&store, TOPIC, &[(5, "1"), (5, "2"), (5, "9")]).await;
    let expected = Point {
        at: UtcMillis(5),
        min: 1.0,
        max: 9.0,
        mean: 4.0,
        last: 9.0,
        count: 6,
    };
    assert_eq!(points_of(drawn(&store, TOPIC, 0, 10, 3).await), [expected]);
    let latest = last_until(&store, TOPIC, UtcMillis(9))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(latest.value, Value::Number(9.0));
    assert_eq!(last_until(&store, TOPIC, UtcMillis(4)).await.unwrap(), None);
}

#[tokio::test]
async fn states_come_as_changes_with_the_one_that_held_before() {
    let (_directory, store) = store().await;
    let topic = "home/lab/door";
    let said = [
        (10, "off"),
        (20, "on"),
        (30, "on"),
        (40, "off"),
        (50, "ajar"),
        (60, "on"),
    ];
    // All in the log, all on the shelves, and late ones in the log.
    for late in [&said[6..], &said[..], &said[1..4]] {
        let early: Vec<_> = said
            .iter()
            .filter(|one| !late.contains(one))
            .copied()
            .collect();
        if !early.is_empty() {
            say(&store, topic, &early).await;
            to_the_shelves(&store).await;
        }
        if !late.is_empty() {
            say(&store, topic, late).await;
        }
        let expected = states(&[(20, "on"), (40, "off"), (50, "ajar")]);
        assert_eq!(drawn(&store, topic, 25, 55, 100).await, expected);
        assert_eq!(
            drawn(&store, topic, 100, 200, 100).await,
            states(&[(60, "on")])
        );
        super::super::sealer::forget(&store, topic).await.unwrap();
    }
}

#[tokio::test]
async fn a_blink_shows_in_a_month() {
    let (_directory, store) = store().await;
    let topic = "home/lab/door";
    let blink = 300 * HOUR + 1234;
    let mut said: Vec<_> = (0..720).map(|hour| (hour * HOUR, "off")).collect();
    said.extend([(blink, "on"), (blink + 2000, "off")]);
    say(&store, topic, &said).await;
    to_the_shelves(&store).await;
    let Stretch::States(changes) = drawn(&store, topic, 0, 720 * HOUR, 400).await else {
        panic!("numbers");
    };
    let told: Vec<&str> = changes.iter().map(|change| change.state.as_str()).collect();
    assert_eq!(told, ["off", "on", "off"]);
    assert!((changes[1].at.0 - blink).abs() < 2 * HOUR, "{changes:?}");
}

#[tokio::test]
async fn a_stray_word_does_not_hide_the_numbers() {
    let (_directory, store) = store().await;
    say(
        &store,
        TOPIC,
        &[(10, "nan"), (20, "1.5"), (30, "2.5"), (40, "off")],
    )
    .await;
    assert_eq!(points_of(drawn(&store, TOPIC, 0, 40, 100).await).len(), 2);
    to_the_shelves(&store).await;
    assert_eq!(points_of(drawn(&store, TOPIC, 0, 40, 100).await).len(), 2);
    let all = points_of(drawn(&store, TOPIC, 0, 720 * HOUR, 3).await);
    assert_eq!((all[0].min, all[0].max, all[0].count), (1.5, 2.5, 2));
}

fn habit_of(stretch: &Stretch) -> Habit {
    match stretch {
        Stretch::Numbers { habit, .. } => *habit,
        Stretch::States(states) => panic!("{states:?}"),
    }
}

/// A day of seconds around `number`.
fn seconds(range: std::ops::Range<i64>, number: &'static str) -> Vec<(i64, &'static str)> {
    range.map(|n| (n * 1000, number)).collect()
}

#[tokio::test]
async fn what_a_deadband_left_out_is_known_to_the_minutes() {
    let (_directory, store) = store().await;
    let policy = Policy {
        patterns: vec![Pattern {
            filter: TOPIC.to_owned(),
            deadband: Some(0.5),
            ..Pattern::default()
        }],
        ..Policy::default()
    };
    let mut said = seconds(0..1200, "20.5");
    said.extend(seconds(1800..3600, "20.6"));
    say(&store, TOPIC, &said).await;
    seal(&store, &policy, &Present::any()).await.unwrap();
    let hour = drawn(&store, TOPIC, 0, HOUR - 1, 360).await;
    let habit = habit_of(&hour);
    let usual = Duration::from_secs(60);
    let repeats = true;
    assert_eq!(habit.rhythm, Rhythm::Regular { usual, repeats });
    assert_eq!((habit.coarsest, habit.held), (usual, None));
    let points = points_of(hour);
    let gap = |pair: &[Point]| pair[1].at.0 - pair[0].at.0;
    let silences: Vec<_> = points
        .windows(2)
        .filter(|pair| gap(pair) > 120_000)
        .collect();
    assert_eq!(silences.len(), 1, "{silences:?}");
    // The board itself was silent then.
    assert!(silences[0][0].at.0 < 1_200_000 && silences[0][1].at.0 >= 1_800_000);
    // Nothing was thinned of what the log still holds.
    say(&store, TOPIC, &seconds(3600..7200, "20.5")).await;
    let both = drawn(&store, TOPIC, 0, 2 * HOUR - 1, 720).await;
    assert_eq!(habit_of(&both).coarsest, usual);
    let usual = Duration::from_secs(1);
    assert_eq!(habit_of(&both).rhythm, Rhythm::Regular { usual, repeats });
}

#[tokio::test]
async fn how_a_series_speaks_is_known_from_before() {
    let (_directory, store) = store().await;
    let fan = [3, 5, 40, 41, 90, 400, 404].map(|minute| (minute * 60_000, "30"));
    say(&store, "home/lab/fan", &fan).await;
    let daily: Vec<_> = (0..7).map(|day| (day * 24 * HOUR, "5")).collect();
    say(&store, "home/lab/meter", &daily).await;
    for _ in 0..2 {
        let told = habit_of(&drawn(&store, "home/lab/fan", 7 * HOUR, 8 * HOUR, 100).await);
        assert_eq!(told.rhythm, Rhythm::OnChange);
        assert_eq!(told.held, Some((UtcMillis(404 * 60_000), 30.0)));
        let week = 7 * 24 * HOUR;
        let told = habit_of(&drawn(&store, "home/lab/meter", week, week + HOUR, 100).await);
        let usual = Duration::from_hours(24);
        let repeats = true;
        assert_eq!(told.rhythm, Rhythm::Regular { usual, repeats });
        to_the_shelves(&store).await;
    }
}

#[tokio::test]
async fn unknown_topics_and_turned_around_stretches_are_empty() {
    let (_directory, store) = store().await;
    say(&store, TOPIC, &[(10, "1")]).await;
    for _ in 0..2 {
        assert_eq!(points_of(drawn(&store, "home/a/b", 0, 99, 9).await), []);
        assert_eq!(points_of(drawn(&store, TOPIC, 99, 0, 9).await), []);
        assert_eq!(points_of(drawn(&store, TOPIC, 11, 20, 9).await), []);
        to_the_shelves(&store).await;
    }
}

#[tokio::test]
async fn all_of_time_is_what_there_is() {
    let (_directory, store) = store().await;
    let said: Vec<_> = (0..600).map(|n| (n * 1000, "1.5")).collect();
    say(&store, TOPIC, &said).await;
    let points = points_of(drawn(&store, TOPIC, 0, i64::MAX, 600).await);
    assert_eq!(points.len(), 600);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// Wherever samples are, and whatever the chart is made of, each counts once.
    #[test]
    fn charts_tell_what_was_said(
        mut said in proptest::collection::vec((0..40 * HOUR, -1e6_f64..1e6), 1..200),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        from in 0..30 * HOUR,
        length in 0..30 * HOUR,
        points in 3_usize..300,
    ) {
        said.sort_by_key(|(at, _)| *at);
        let to = from + length;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let found = runtime.block_on(async {
            let (_directory, store) = store().await;
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(said.len())).collect();
            cuts.sort_unstable();
            let mut begin = 0;
            for cut in cuts.into_iter().chain([said.len()]) {
                let part: Vec<(i64, String)> =
                    said[begin..cut].iter().map(|(at, n)| (*at, n.to_string())).collect();
                let part: Vec<(i64, &str)> = part.iter().map(|(at, n)| (*at, n.as_str())).collect();
                if !part.is_empty() {
                    to_the_shelves(&store).await;
                    say(&store, TOPIC, &part).await;
                }
                begin = cut;
            }
            drawn(&store, TOPIC, from, to, points).await
        });
        let found = points_of(found);
        prop_assert!(found.len() <= points);
        prop_assert!(found.iter().all(|p| p.min <= p.mean && p.mean <= p.max));
        prop_assert!(found.iter().all(|p| p.at.0 >= from && p.at.0 <= to));
        prop_assert!(found.is_sorted_by_key(|p| p.at));
        let inside = || said.iter().filter(|(at, _)| (from..=to).contains(at)).map(|(_, n)| *n);
        let count: usize = found.iter().map(|p| p.count as usize).sum();
        prop_assert_eq!(count, inside().count());
        let extremes = (
            found.iter().map(|p| p.min).fold(f64::MAX, f64::min),
            found.iter().map(|p| p.max).fold(f64::MIN, f64::max),
        );
        prop_assert_eq!(extremes, (inside().fold(f64::MAX, f64::min), inside().fold(f64::MIN, f64::max)));
    }
}
