//! Times of the US Naval Observatory's tables of 2020 and from JPL's ephemeris;
//! Berlin's are of its planetarium and of geoastro.de.

use proptest::prelude::*;

use super::*;
use crate::rules::schedule::tests::{shown, utc, zone};

const ANCHORAGE: (f64, f64) = (61.216_667, -149.866_667);
const AUCKLAND: (f64, f64) = (-36.833_333, 174.8);
const BRASILIA: (f64, f64) = (-15.8, -47.85);
const SINGAPORE: (f64, f64) = (1.283_333, 103.833_333);
const LONGYEARBYEN: (f64, f64) = (78.216_667, 15.633_333);
const DENVER: (f64, f64) = (39.742_476, -105.178_6);
const VIENNA: (f64, f64) = (48.21, 16.37);
const BERLIN: (f64, f64) = (52.52, 13.41);

fn position((latitude, longitude): (f64, f64)) -> Position {
    Position::new(latitude, longitude).unwrap()
}

fn place(name: &str, at: (f64, f64)) -> Place {
    Place {
        zone: zone(name),
        position: Some(position(at)),
    }
}

fn sun(event: SunEvent) -> Sun {
    Sun {
        event,
        offset: SignedDuration::ZERO,
        days: Days::default(),
    }
}

/// On that day of UTC, within two minutes.
#[track_caller]
fn happens(event: SunEvent, at: (f64, f64), day: &str, time: &str) {
    let place = place("UTC", at);
    let midnight = utc(&format!("{day}T00:00:00Z"));
    let expected = utc(&format!("{day}T{time}:00Z"));
    let found = sun(event).next_after(midnight, &place).unwrap();
    let off = (found.0 - expected.0).abs();
    let found = shown(found, &place.zone);
    assert!(off <= 120_000, "{event:?} at {found}, not {day} {time}");
}

#[test]
fn the_sun_rises_and_sets_as_almanacs_say() {
    for (city, day, rise, set) in [
        (ANCHORAGE, "2020-01-05", "19:11", "00:57"),
        (ANCHORAGE, "2020-03-15", "16:14", "04:01"),
        (ANCHORAGE, "2020-06-15", "12:21", "07:40"),
        (ANCHORAGE, "2020-12-15", "19:10", "00:40"),
        (AUCKLAND, "2020-03-15", "18:20", "06:40"),
        (AUCKLAND, "2020-06-25", "19:34", "05:13"),
        (AUCKLAND, "2020-12-15", "16:56", "07:36"),
        (BRASILIA, "2020-03-05", "09:13", "21:33"),
        (BRASILIA, "2020-06-15", "09:36", "20:48"),
        (BRASILIA, "2020-12-15", "08:35", "21:39"),
        (SINGAPORE, "2020-03-15", "23:10", "11:17"),
        (SINGAPORE, "2020-12-15", "22:59", "11:01"),
        (LONGYEARBYEN, "2020-02-25", "08:11", "14:13"),
        (LONGYEARBYEN, "2020-04-15", "00:38", "21:33"),
        (LONGYEARBYEN, "2020-10-25", "09:50", "11:31"),
        (DENVER, "2003-10-17", "13:13", "00:20"),
        (VIENNA, "2024-03-20", "04:57", "17:08"),
        (BERLIN, "2024-12-21", "07:15", "14:55"),
    ] {
        happens(SunEvent::Sunrise, city, day, rise);
        happens(SunEvent::Sunset, city, day, set);
    }
    // The latest and the earliest of their year.
    happens(SunEvent::Sunrise, BERLIN, "2002-12-30", "07:17");
    happens(SunEvent::Sunset, BERLIN, "2002-12-14", "14:52");
}

#[test]
fn polar_springs_are_right_to_the_second() {
    let place = place("UTC", LONGYEARBYEN);
    let next = |at: &UtcMillis| sun(SunEvent::Sunrise).next_after(*at, &place);
    // The first one after the night, and a day that has two.
    for (from, expected) in [
        ("2019-11-20T00:00:00Z", &["2020-02-16T10:31:29Z"][..]),
        (
            "2020-04-16T00:00:00Z",
            &["2020-04-16T00:19:45Z", "2020-04-16T23:56:57Z"],
        ),
    ] {
        let found = std::iter::successors(next(&utc(from)), next);
        for (found, expected) in found.zip(expected) {
            // The horizon is grazed: a ten-thousandth of a degree is seconds.
            let off = (found.0 - utc(expected).0).abs();
            assert!(off <= 10_000, "{} {expected}", shown(found, &place.zone));
        }
    }
}

#[test]
fn polar_days_and_nights_are_waited_out() {
    let place = place("Arctic/Longyearbyen", LONGYEARBYEN);
    let next = |event, from: &str| {
        shown(
            sun(event).next_after(utc(from), &place).unwrap(),
            &place.zone,
        )
    };
    // Sunsets end in the second half of April and begin again in that of August.
    let sunset = next(SunEvent::Sunset, "2020-04-25T12:00:00Z");
    assert!(sunset.starts_with("2020-08-2"), "{sunset}");
    let sunrise = next(SunEvent::Sunrise, "2020-11-05T12:00:00Z");
    assert!(sunrise.starts_with("2021-02-1"), "{sunrise}");
    for (up, times) in [
        (true, ["2020-05-05T00:00:00Z", "2020-06-15T23:00:00Z"]),
        (false, ["2020-11-05T11:00:00Z", "2020-12-15T11:00:00Z"]),
    ] {
        for time in times {
            assert_eq!(is_up(utc(time), position(LONGYEARBYEN)), up, "{time}");
        }
    }
}

#[test]
fn at_the_pole_there_is_one_sunrise_a_year() {
    let place = place("UTC", (90.0, 0.0));
    let rise = sun(SunEvent::Sunrise);
    let first = rise
        .next_after(utc("2026-04-01T00:00:00Z"), &place)
        .unwrap();
    let second = rise.next_after(first, &place).unwrap();
    let texts = [first, second].map(|at| shown(at, &place.zone));
    assert!(texts[0].starts_with("2027-03-1"), "{texts:?}");
    assert!(texts[1].starts_with("2028-03-1"), "{texts:?}");
    // On that weekday only, it comes too rarely.
    let weekday = local::timestamp(first)
        .unwrap()
        .to_zoned(zone("UTC"))
        .weekday();
    let days = [weekday.previous().previous().previous()]
        .into_iter()
        .collect();
    let rare = Sun { days, ..rise };
    assert_eq!(rare.next_after(first, &place), None);
}

#[test]
fn without_a_position_there_is_no_sun() {
    let place = Place {
        zone: zone("Europe/Berlin"),
        position: None,
    };
    assert_eq!(sun(SunEvent::Sunset).next_after(UtcMillis(0), &place), None);
    for (latitude, longitude) in [
        (90.1, 0.0),
        (0.0, -180.5),
        (f64::NAN, 0.0),
        (0.0, f64::INFINITY),
    ] {
        assert!(Position::new(latitude, longitude).is_err());
    }
}

#[test]
fn the_day_is_that_of_the_sunset_whatever_the_offset() {
    let place = place("Europe/Berlin", BERLIN);
    let late = Sun {
        offset: parse_offset("+5h").unwrap(),
        days: Days::parse("fri").unwrap(),
        ..sun(SunEvent::Sunset)
    };
    // The sun sets on Friday 5 June 2026 at 21:23.
    let due = late
        .next_after(utc("2026-06-03T00:00:00Z"), &place)
        .unwrap();
    assert!(shown(due, &place.zone).starts_with("2026-06-06T02:2"));
    let early = Sun {
        offset: parse_offset("-6h").unwrap(),
        ..late
    };
    let due = early
        .next_after(utc("2026-06-03T00:00:00Z"), &place)
        .unwrap();
    assert!(shown(due, &place.zone).starts_with("2026-06-05T15:2"));
}

#[test]
fn offsets_are_read() {
    let minutes = SignedDuration::from_mins;
    assert_eq!(parse_offset("-30m"), Ok(minutes(-30)));
    assert_eq!(parse_offset("+1h15m"), Ok(minutes(75)));
    assert_eq!(parse_offset("15m"), Ok(minutes(15)));
    assert_eq!(parse_offset(" 0m "), Ok(minutes(0)));
    for text in ["", "30", "half an hour", "1 day", "-25h", "P1D", "- -3m"] {
        let problem = parse_offset(text).unwrap_err();
        assert_eq!(problem.within, 0..text.len(), "{text}");
        assert!(problem.message.contains("-30m (before)"), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_event_is_found_from_anywhere_and_turns_the_sun(
        latitude in -90.0..=90.0,
        longitude in -180.0..=180.0,
        second in 0_i64..2_000_000_000,
        minutes in -1440_i64..=1440,
        is_rise in any::<bool>(),
        part in 0.0..1.0,
    ) {
        let place = place("Europe/Berlin", (latitude, longitude));
        let position = position((latitude, longitude));
        let event = if is_rise { SunEvent::Sunrise } else { SunEvent::Sunset };
        let offset = SignedDuration::from_mins(minutes);
        let sun = Sun { offset, ..sun(event) };
        let mut at = UtcMillis(second * 1000);
        for _ in 0..4 {
            let next = sun.next_after(at, &place).unwrap();
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let between = at.0 + ((next.0 - at.0) as f64 * part) as i64;
            prop_assert!(next > at);
            prop_assert_eq!(sun.next_after(UtcMillis(between.min(next.0 - 1)), &place), Some(next));
            prop_assert_eq!(sun.next_after(UtcMillis(next.0 - 1), &place), Some(next));
            let event = next.0 - minutes * 60_000;
            prop_assert_eq!(is_up(UtcMillis(event), position), is_rise);
            prop_assert_eq!(is_up(UtcMillis(event - 1100), position), !is_rise);
            at = next;
        }
    }
}
