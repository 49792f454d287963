//! What programs may ask, and what they are told when they ask something else.

use super::*;

/// 2026-11-28T13:30:00Z
const NOW: UtcMillis = UtcMillis(1_795_872_600_000);
const MINUTE: i64 = 60_000;

fn asked(query: &[(&str, &str)]) -> Result<Asked, String> {
    let pairs = query.iter();
    let pairs: Pairs = pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let zone = TimeZone::get("Europe/Paris").unwrap();
    Asked::read(&pairs, NOW, &zone).map_err(|problem| problem.detail)
}

#[test]
fn without_words_it_is_the_last_hour() {
    let asked = asked(&[]).unwrap();
    assert_eq!((asked.from.0, asked.to), (NOW.0 - 60 * MINUTE, NOW));
    assert_eq!(
        (asked.points, asked.aggregates.len(), asked.iso),
        (300, 5, false)
    );
}

#[test]
fn buckets_of_a_resolution_begin_at_round_times_of_the_house() {
    let day = asked(&[("from", "2026-11-27T10:30"), ("resolution", "1d")]).unwrap();
    assert_eq!(instant::write(day.from), "2026-11-26T23:00:00Z");
    assert_eq!(day.points, FEWEST_POINTS);
    let minutes = asked(&[
        ("from", "2026-11-28T12:00:30Z"),
        ("to", "2026-11-28T13:00:00Z"),
        ("resolution", "5m"),
    ]);
    let minutes = minutes.unwrap();
    assert_eq!(instant::write(minutes.from), "2026-11-28T12:00:00Z");
    assert_eq!(minutes.points, 12);
    assert_eq!(minutes.to.0 + 1 - minutes.from.0, 12 * 5 * MINUTE);
}

#[test]
fn aggregates_and_times_are_chosen() {
    let asked = asked(&[("aggregate", "max, last"), ("times", "iso")]).unwrap();
    let point = Point {
        at: NOW,
        min: 1.0,
        max: 3.0,
        mean: 2.0,
        last: 2.5,
        count: 7,
    };
    let expected = json!({ "at": "2026-11-28T13:30:00Z", "max": 3.0, "last": 2.5 });
    assert_eq!(asked.point(&point), expected);
}

#[test]
fn what_cannot_be_answered_is_told() {
    for (query, words) in [
        (
            vec![("form", "5")],
            "There is no \"form\" to ask for; there are from, to, points",
        ),
        (vec![("from", "5"), ("from", "6")], "Give \"from\" once."),
        (
            vec![("from", "noon")],
            "\"from\" is UTC milliseconds, or a time like",
        ),
        (vec![("from", "5"), ("to", "4")], "must be earlier"),
        (vec![("points", "9"), ("resolution", "5m")], "not both"),
        (vec![("points", "2001")], "from 1 to 2000, not 2001"),
        (vec![("resolution", "fast")], "such as 5m, not \"fast\""),
        (vec![("resolution", "0s")], "such as 5m, not \"0s\""),
        (
            vec![("from", "2026-11-27"), ("resolution", "1s")],
            "there are 138600 buckets of 1s, and an answer holds 2000. Ask for a resolution of \
             70s or for less time.",
        ),
        (
            vec![("aggregate", "median")],
            "min, mean, max, last, count, with commas",
        ),
        (vec![("aggregate", "")], "\"aggregate\" is one or more of"),
        (
            vec![("times", "unix")],
            "\"times\" is ms or iso, not \"unix\".",
        ),
    ] {
        let told = asked(&query).unwrap_err();
        assert!(told.contains(words), "{query:?}: {told}");
    }
}

#[test]
fn the_resolution_that_is_proposed_is_possible() {
    for (from, resolution) in [
        ("2026-11-27", "1s"),
        ("2001-01-01", "1h"),
        ("2026-11-28", "1ms"),
    ] {
        let told = asked(&[("from", from), ("resolution", resolution)]).unwrap_err();
        let proposed = told.split("a resolution of ").nth(1).unwrap();
        let proposed = proposed.split(' ').next().unwrap();
        let asked = asked(&[("from", from), ("resolution", proposed)]);
        assert!(asked.is_ok(), "{proposed}: {asked:?}");
    }
}
