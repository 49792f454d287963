//! The changes of the clocks by table, and every week by a slow walk.

use jiff::civil::{DateTime, Weekday};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::*;

pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

pub fn utc(text: &str) -> UtcMillis {
    UtcMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
}

/// Local time and offset: which of two equal hours it is.
pub fn shown(at: UtcMillis, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at.0).unwrap();
    format!("{}{}", zone.to_datetime(at), zone.to_offset(at))
}

fn place(name: &str) -> Place {
    Place {
        zone: zone(name),
        position: None,
    }
}

#[track_caller]
fn due(schedule: &Schedule, from: &str, name: &str, expected: &[&str]) {
    let place = place(name);
    let next = |at: &UtcMillis| schedule.next_after(*at, &place);
    let dues = std::iter::successors(next(&utc(from)), next).take(expected.len());
    let dues: Vec<String> = dues.map(|due| shown(due, &place.zone)).collect();
    assert_eq!(dues, expected);
}

fn at(times: &str, dst: Dst) -> Schedule {
    Schedule::At(At {
        dst,
        ..At::parse(times).unwrap()
    })
}

fn cron(text: &str, dst: Dst) -> Schedule {
    let mut cron = Cron::parse(text).unwrap();
    cron.dst = dst;
    Schedule::Cron(cron)
}

/// The same times as times of day and as a cron.
fn both(times: &str, text: &str, dst: Dst) -> [Schedule; 2] {
    [at(times, dst), cron(text, dst)]
}

#[test]
fn a_skipped_time_happens_at_the_change_or_not_at_all() {
    // Berlin's clocks go from 02:00 to 03:00 on 29 March.
    let from = "2026-03-28T12:00:00Z";
    for schedule in both("02:30", "30 2 * * *", Dst::Once) {
        let expected = ["2026-03-29T03:00:00+02", "2026-03-30T02:30:00+02"];
        due(&schedule, from, "Europe/Berlin", &expected);
    }
    for schedule in both("02:30", "30 2 * * *", Dst::Skip) {
        due(
            &schedule,
            from,
            "Europe/Berlin",
            &["2026-03-30T02:30:00+02"],
        );
    }
    for dst in [Dst::Once, Dst::Skip] {
        for schedule in both("03:00", "0 3 * * *", dst) {
            due(
                &schedule,
                from,
                "Europe/Berlin",
                &["2026-03-29T03:00:00+02"],
            );
        }
    }
    for schedule in both("02:00,02:30,02:59,03:00", "0,30,59 2,3 * * *", Dst::Once) {
        // All at once, and so once.
        due(
            &schedule,
            from,
            "Europe/Berlin",
            &["2026-03-29T03:00:00+02"],
        );
        let after = schedule.next_after(utc("2026-03-29T01:00:00Z"), &place("Europe/Berlin"));
        assert!(after > Some(utc("2026-03-29T01:29:00Z")));
    }
}

#[test]
fn a_doubled_time_happens_the_first_time() {
    let from = "2026-10-24T12:00:00Z";
    for dst in [Dst::Once, Dst::Skip] {
        for schedule in both("02:30", "30 2 * * *", dst) {
            let expected = ["2026-10-25T02:30:00+02", "2026-10-26T02:30:00+01"];
            due(&schedule, from, "Europe/Berlin", &expected);
            // Asked from between the two, and from within the second.
            for from in ["2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z"] {
                due(
                    &schedule,
                    from,
                    "Europe/Berlin",
                    &["2026-10-26T02:30:00+01"],
                );
            }
        }
    }
}

#[test]
fn other_countries_change_their_clocks_otherwise() {
    for schedule in both("02:15", "15 2 * * *", Dst::Once) {
        let expected = ["2026-03-08T03:00:00-04", "2026-03-09T02:15:00-04"];
        due(
            &schedule,
            "2026-03-08T05:00:00Z",
            "America/New_York",
            &expected,
        );
        // Half an hour only.
        let expected = ["2026-10-04T02:30:00+11", "2026-10-05T02:15:00+11"];
        due(
            &schedule,
            "2026-10-03T12:00:00Z",
            "Australia/Lord_Howe",
            &expected,
        );
    }
    for schedule in both("01:45", "45 1 * * *", Dst::Once) {
        let expected = ["2026-11-01T01:45:00-04", "2026-11-02T01:45:00-05"];
        due(
            &schedule,
            "2026-11-01T04:00:00Z",
            "America/New_York",
            &expected,
        );
        let expected = ["2026-04-05T01:45:00+11", "2026-04-06T01:45:00+10:30"];
        due(
            &schedule,
            "2026-04-04T12:00:00Z",
            "Australia/Lord_Howe",
            &expected,
        );
    }
    // Samoa went across the date line, and had no 30 December 2011.
    let missing = at("12:00", Dst::Once);
    let expected = [
        "2011-12-29T12:00:00-10",
        "2011-12-31T00:00:00+14",
        "2011-12-31T12:00:00+14",
    ];
    due(&missing, "2011-12-29T12:00:00Z", "Pacific/Apia", &expected);
}

#[test]
fn times_of_one_minute_are_told_apart() {
    let schedule = at("07:30:15, 7:30, 07:30:15", Dst::Once);
    let expected = [
        "2026-06-01T07:30:00+02",
        "2026-06-01T07:30:15+02",
        "2026-06-02T07:30:00+02",
    ];
    due(
        &schedule,
        "2026-06-01T00:00:00Z",
        "Europe/Berlin",
        &expected,
    );
    let within = UtcMillis(utc("2026-06-01T05:30:00Z").0 + 1);
    let next = schedule.next_after(within, &place("Europe/Berlin"));
    assert_eq!(next, Some(utc("2026-06-01T05:30:15Z")));
}

#[test]
fn days_are_those_of_the_local_date() {
    let weekend = Schedule::At(At {
        days: Days::parse("sat,sun").unwrap(),
        ..At::parse("00:30").unwrap()
    });
    let expected = [
        "2026-06-06T00:30:00+02",
        "2026-06-07T00:30:00+02",
        "2026-06-13T00:30:00+02",
    ];
    due(&weekend, "2026-06-01T00:00:00Z", "Europe/Berlin", &expected);
}

#[test]
fn what_is_never_due_says_so() {
    let never = Schedule::At(At {
        days: std::iter::empty::<Weekday>().collect(),
        ..At::parse("00:30").unwrap()
    });
    assert_eq!(never.next_after(UtcMillis(0), &place("UTC")), None);
    for moment in [i64::MIN, i64::MAX] {
        for schedule in both("00:30", "*/5 * * * *", Dst::Once) {
            assert_eq!(schedule.next_after(UtcMillis(moment), &place("UTC")), None);
        }
    }
}

const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
    // Their days begin at 01:00 once a year.
    "America/Havana",
    "Asia/Beirut",
    // Changes twice around Ramadan.
    "Africa/Casablanca",
    "Pacific/Chatham",
];

/// What is due, as plain lists; weekdays as numbers from Sunday, 0.
#[derive(Clone, Debug)]
struct Wish {
    minutes: Vec<i8>,
    hours: Vec<i8>,
    days: Option<Vec<i8>>,
    weekdays: Option<Vec<i8>>,
    dst: Dst,
}

impl Wish {
    fn cron(&self) -> Schedule {
        let list = |numbers: &[i8]| {
            let texts: Vec<String> = numbers.iter().map(i8::to_string).collect();
            texts.join(",")
        };
        let or_star = |numbers: &Option<Vec<i8>>| {
            numbers
                .as_ref()
                .map_or_else(|| "*".to_owned(), |numbers| list(numbers))
        };
        let (minutes, hours) = (list(&self.minutes), list(&self.hours));
        let (days, weekdays) = (or_star(&self.days), or_star(&self.weekdays));
        cron(&format!("{minutes} {hours} {days} * {weekdays}"), self.dst)
    }

    fn names(&self, local: DateTime) -> bool {
        let weekday = local.weekday().to_sunday_zero_offset();
        let day = match (&self.days, &self.weekdays) {
            (None, None) => true,
            (Some(days), None) => days.contains(&local.day()),
            (None, Some(weekdays)) => weekdays.contains(&weekday),
            (Some(days), Some(weekdays)) => {
                days.contains(&local.day()) || weekdays.contains(&weekday)
            }
        };
        day && self.minutes.contains(&local.minute()) && self.hours.contains(&local.hour())
    }

    /// Minute by minute, with an eye on the latest time the clock has shown.
    fn walk(&self, zone: &TimeZone, from: UtcMillis, to: UtcMillis) -> Vec<UtcMillis> {
        let local = |at: i64| zone.to_datetime(Timestamp::from_millisecond(at).unwrap());
        let day = 24 * 60 * 60_000;
        let mut latest = local(from.0 - day);
        let mut dues = Vec::new();
        for at in (from.0 - day..to.0).step_by(60_000) {
            let now = local(at);
            let due = match self.dst {
                _ if self.hours.len() == 24 => self.names(now),
                Dst::Skip => now > latest && self.names(now),
                Dst::Once => {
                    let minutes = latest.series(1.minute()).skip(1);
                    minutes
                        .take_while(|time| *time <= now)
                        .any(|time| self.names(time))
                }
            };
            latest = latest.max(now);
            if due && at > from.0 {
                dues.push(UtcMillis(at));
            }
        }
        dues
    }
}

fn wishes() -> impl Strategy<Value = Wish> {
    let some = |range: std::ops::Range<i8>, most: usize| {
        proptest::collection::btree_set(range, 1..=most).prop_map(|set| set.into_iter().collect())
    };
    let all = || Just((0..24).collect::<Vec<i8>>());
    // The hours of the changes are the ones to try.
    let hours = prop_oneof![2 => some(0..4, 4), 1 => some(0..24, 23), 1 => all()];
    let (days, weekdays) = (some(1..32, 10), some(0..7, 4));
    let (days, weekdays) = (proptest::option::of(days), proptest::option::of(weekdays));
    let dst = prop_oneof![Just(Dst::Once), Just(Dst::Skip)];
    (some(0..60, 6), hours, days, weekdays, dst).prop_map(
        |(minutes, hours, days, weekdays, dst)| Wish {
            minutes,
            hours,
            days,
            weekdays,
            dst,
        },
    )
}

/// A moment some days before a change of the clocks, if the zone has any.
fn before_a_change(zone: &TimeZone, minute: i64) -> UtcMillis {
    let from = Timestamp::from_second(1_767_225_600 + minute * 60).unwrap();
    let change = zone.following(from).next();
    let from = change.map_or(from, |change| change.timestamp());
    let days = 1 + minute % 4;
    UtcMillis(from.as_millisecond() - days * 86_400_000 - minute % 1440 * 60_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_slow_walk_finds_the_same_minutes(
        wish in wishes(),
        name in proptest::sample::select(&ZONES[..]),
        minute in 0_i64..1_000_000,
        part in 0.0..1.0,
    ) {
        let place = place(name);
        let from = before_a_change(&place.zone, minute);
        let to = UtcMillis(from.0 + 6 * 86_400_000);
        let cron = wish.cron();
        let mut before = from;
        for expected in wish.walk(&place.zone, from, to) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let between = before.0 + ((expected.0 - before.0) as f64 * part) as i64;
            for at in [before.0, between, expected.0 - 1] {
                let next = cron.next_after(UtcMillis(at), &place);
                prop_assert_eq!(next, Some(expected), "{} from {}", name, at);
            }
            before = expected;
        }
        prop_assert!(cron.next_after(before, &place).is_none_or(|next| next >= to));
    }

    #[test]
    fn times_of_day_are_due_as_the_same_cron_is(
        hours in proptest::collection::btree_set(0_i8..5, 1..4),
        minute in 0_i8..60,
        weekday in 0_i8..7,
        name in proptest::sample::select(&ZONES[..]),
        start in 0_i64..1_000_000,
        skip in any::<bool>(),
    ) {
        let place = place(name);
        let dst = if skip { Dst::Skip } else { Dst::Once };
        let days = [weekday, (weekday + 1) % 7];
        let wish = Wish {
            minutes: vec![minute],
            hours: hours.iter().copied().collect(),
            days: None,
            weekdays: Some(days.to_vec()),
            dst,
        };
        let weekdays = days.map(|day| Weekday::from_sunday_zero_offset(day).unwrap());
        let at = Schedule::At(At {
            times: hours.iter().map(|hour| jiff::civil::time(*hour, minute, 0, 0)).collect(),
            days: weekdays.into_iter().collect(),
            dst,
        });
        let (mut now, cron) = (before_a_change(&place.zone, start), wish.cron());
        for _ in 0..12 {
            let next = at.next_after(now, &place);
            prop_assert_eq!(next, cron.next_after(now, &place), "{} from {}", name, now.0);
            now = next.unwrap();
        }
    }
}
