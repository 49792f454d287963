//! What patterns say together, and how times to keep are read.

use proptest::prelude::*;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn pattern(filter: &str) -> Pattern {
    Pattern {
        filter: filter.to_owned(),
        ..Pattern::default()
    }
}

fn policy(patterns: Vec<Pattern>) -> Policy {
    Policy {
        patterns,
        ..Policy::default()
    }
}

#[test]
fn without_patterns_everything_is_kept_forever() {
    let treatment = Policy::default().of("home/lab/temperature");
    assert_eq!(treatment, Treatment::default());
    assert!(treatment.record && treatment.keep.is_forever());
    assert_eq!(treatment.class, Class::Normal);
}

#[test]
fn a_later_pattern_overrides_key_by_key() {
    let lazy = Pattern {
        class: Some(Class::Lazy),
        deadband: Some(0.1),
        ..pattern("home/#")
    };
    let cellar = Pattern {
        class: Some(Class::Critical),
        record: Some(false),
        ..pattern("home/cellar/+")
    };
    let of = |patterns: &[&Pattern]| {
        let patterns = patterns.iter().map(|one| (*one).clone()).collect();
        policy(patterns).of("home/cellar/water")
    };
    let expected = Treatment {
        class: Class::Critical,
        deadband: Some(0.1),
        record: false,
        ..Treatment::default()
    };
    assert_eq!(of(&[&lazy, &cellar]), expected);
    assert_eq!(of(&[&cellar, &lazy]).class, Class::Lazy);
    assert_eq!(of(&[&pattern("home/attic/+"), &cellar]).deadband, None);
}

#[test]
fn a_deadband_of_zero_takes_back_another() {
    let wide = Pattern {
        deadband: Some(0.5),
        ..pattern("home/#")
    };
    let none = Pattern {
        deadband: Some(0.0),
        ..pattern("home/lab/+")
    };
    let policy = policy(vec![wide, none]);
    assert_eq!(policy.of("home/lab/temperature").deadband, None);
    assert_eq!(policy.of("home/hall/temperature").deadband, Some(0.5));
}

#[test]
fn commands_go_with_their_thing_but_are_not_thinned() {
    let bedroom = Pattern {
        record: Some(false),
        deadband: Some(1.0),
        ..pattern("home/bedroom/+")
    };
    let heating = Pattern {
        record: Some(true),
        ..pattern("home/bedroom/heating/set")
    };
    let policy = policy(vec![bedroom, heating]);
    assert!(!policy.of("home/bedroom/lamp/set").record);
    let command = policy.of("home/bedroom/heating/set");
    assert!(command.record, "{command:?}");
    assert_eq!(command.deadband, None);
    assert!(!policy.of("home/bedroom/heating").record);
}

#[test]
fn windows_are_as_told() {
    let ten = Policy::default();
    let seconds = |class, stretch| ten.window(class, stretch).as_secs();
    assert_eq!(seconds(Class::Critical, 9.0), 1);
    assert_eq!(seconds(Class::Normal, 9.0), 10);
    assert_eq!(seconds(Class::Lazy, 1.0), 60);
    assert_eq!(seconds(Class::Lazy, 5.0), 300);
    assert_eq!(seconds(Class::Lazy, 100.0), 600);
    let hour = Policy {
        lose_at_most: Duration::from_hours(1),
        ..Policy::default()
    };
    assert_eq!(hour.window(Class::Critical, 1.0), Duration::from_secs(1));
    assert_eq!(hour.window(Class::Lazy, 1.0), hour.lose_at_most);
}

#[test]
fn times_to_keep_are_read() {
    let keep = Keep::parse("raw 30d, minutes 2y, hours forever").unwrap();
    assert_eq!(keep.raw, Some(30 * DAY));
    assert_eq!(keep.minutes, Some(732 * DAY));
    assert_eq!(keep.hours, None);
    assert_eq!(Keep::parse("hours forever,raw 36 h").unwrap().minutes, None);
    assert_eq!(Keep::parse(" forever "), Ok(Keep::FOREVER));
    assert_eq!(Keep::parse("8w").unwrap().hours, Some(56 * DAY));
    assert_eq!(Keep::parse("8w").unwrap().to_string(), "8w");
    assert_eq!(keep.to_string(), "raw 30d, minutes 2y, hours forever");
}

#[test]
fn what_is_no_time_to_keep_is_refused() {
    let why = |text: &str| Keep::parse(text).unwrap_err().to_string();
    assert_eq!(
        why("raw 30d, days 2y"),
        "\"days\" is none of raw, minutes, hours"
    );
    assert_eq!(why("raw 30d, raw 2y"), "`raw` is named twice");
    assert_eq!(why("raw 30"), "\"30\" is no time to keep something");
    assert_eq!(why("raw, minutes 1y"), "\"\" is no time to keep something");
    assert_eq!(why("30 days"), "\"30\" is none of raw, minutes, hours");
    assert_eq!(
        why("raw 0d"),
        "\"0d\" is out of range: from 1h to 100y, or forever"
    );
    assert_eq!(
        why("raw 2y, minutes 30d"),
        "`minutes` would be gone before `raw`"
    );
    assert_eq!(
        why("minutes forever, hours 10y"),
        "`hours` would be gone before `minutes`"
    );
    for text in ["", ",", "raw", "99999999999999999999d", "1d1h", "é", "-1d"] {
        assert!(Keep::parse(text).is_err(), "{text}");
    }
}

fn any_keep() -> impl Strategy<Value = Keep> {
    let time = prop_oneof![
        Just(None),
        (1u64..=100 * 366 * 24).prop_map(|hours| Some(Duration::from_hours(hours)))
    ];
    prop::collection::vec(time, 3).prop_map(|mut times| {
        times.sort_by_key(|time| time.unwrap_or(Duration::MAX));
        Keep {
            raw: times[0],
            minutes: times[1],
            hours: times[2],
        }
    })
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let filter = prop::sample::select(vec!["home/#", "home/+/a", "home/x/a", "home/x/+", "#"]);
    let class = prop::option::of(prop::sample::select(Class::ALL.to_vec()));
    let record = prop::option::of(any::<bool>());
    (filter, class, prop::option::of(any_keep()), record).prop_map(
        |(filter, class, keep, record)| Pattern {
            class,
            keep,
            record,
            ..pattern(filter)
        },
    )
}

proptest! {
    #[test]
    fn what_is_told_is_read_again(keep in any_keep()) {
        prop_assert_eq!(Keep::parse(&keep.to_string()), Ok(keep));
    }

    #[test]
    fn any_text_is_judged_without_a_panic(text in "[rawhousmintes 0-9dyhw,é]{0,24}") {
        let _ = Keep::parse(&text);
    }

    #[test]
    fn the_last_word_on_a_key_counts(patterns in prop::collection::vec(any_pattern(), 0..6)) {
        let policy = policy(patterns.clone());
        let treatment = policy.of("home/x/a");
        let mut hits = patterns.iter().rev().filter(|one| matches(&one.filter, "home/x/a"));
        let class = hits.clone().find_map(|one| one.class);
        prop_assert_eq!(treatment.class, class.unwrap_or_default());
        let keep = hits.clone().find_map(|one| one.keep);
        prop_assert_eq!(treatment.keep, keep.unwrap_or_default());
        prop_assert_eq!(treatment.record, hits.find_map(|one| one.record).unwrap_or(true));
    }

    #[test]
    fn windows_grow_from_class_to_class(
        seconds in 1u64..=3600,
        stretch in prop_oneof![1.0..=100.0, Just(f64::NAN), Just(f64::INFINITY), Just(-1.0)],
    ) {
        let policy = Policy { lose_at_most: Duration::from_secs(seconds), ..Policy::default() };
        let [critical, normal, lazy] = Class::ALL.map(|class| policy.window(class, stretch));
        prop_assert!(Duration::ZERO < critical && critical <= normal && normal <= lazy);
        prop_assert!(critical <= CRITICAL && normal == policy.lose_at_most);
        prop_assert!(lazy <= LONGEST_LAZY.max(normal));
    }
}
