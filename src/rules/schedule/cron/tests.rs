//! What crons mean, and what is said of those that mean nothing.

use proptest::prelude::*;

use super::*;
use crate::rules::schedule::tests::{shown, utc, zone};

fn dues(cron: &str, from: &str, name: &str, count: usize) -> Vec<String> {
    let (cron, zone) = (Cron::parse(cron).unwrap(), zone(name));
    let next = |at: &UtcMillis| cron.next_after(*at, &zone);
    let dues = std::iter::successors(next(&utc(from)), next).take(count);
    dues.map(|due| shown(due, &zone)).collect()
}

fn in_utc(cron: &str, count: usize) -> Vec<String> {
    dues(cron, "2026-01-01T00:00:00Z", "UTC", count)
}

#[test]
fn each_field_has_its_say() {
    assert_eq!(
        in_utc("* * * * *", 2),
        ["2026-01-01T00:01:00+00", "2026-01-01T00:02:00+00"]
    );
    assert_eq!(
        in_utc("30 7 * * *", 2),
        ["2026-01-01T07:30:00+00", "2026-01-02T07:30:00+00"]
    );
    assert_eq!(
        in_utc("0 0 1 feb *", 2),
        ["2026-02-01T00:00:00+00", "2027-02-01T00:00:00+00"]
    );
    assert_eq!(
        in_utc("0 9 * * MON-WED/2", 3),
        [
            "2026-01-05T09:00:00+00",
            "2026-01-07T09:00:00+00",
            "2026-01-12T09:00:00+00",
        ]
    );
    assert_eq!(
        in_utc("5-59/25 22,23 * 12 *", 3),
        [
            "2026-12-01T22:05:00+00",
            "2026-12-01T22:30:00+00",
            "2026-12-01T22:55:00+00",
        ]
    );
}

#[test]
fn sunday_is_0_and_7_and_may_end_a_range() {
    let sunday = Cron::parse("0 0 * * 0").unwrap();
    for text in ["0 0 * * 7", "0 0 * * sun", "0\t0  * * Sun "] {
        let cron = Cron::parse(text).unwrap();
        let names = |cron: &Cron| (0..7).map(|day| cron.weekdays.has(day)).collect::<Vec<_>>();
        assert_eq!(names(&cron), names(&sunday), "{text}");
    }
    let weekend = ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-09"];
    for text in [
        "0 1 * * fri-sun",
        "0 1 * * 5-7",
        "0 1 * * 5-0",
        "0 1 * * FRI,6,sun",
    ] {
        assert_eq!(
            in_utc(text, 4),
            weekend.map(|day| format!("{day}T01:00:00+00")),
            "{text}"
        );
    }
    let early = ["2026-01-04", "2026-01-05", "2026-01-06", "2026-01-11"];
    assert_eq!(
        in_utc("0 1 * * 7-2", 4),
        early.map(|day| format!("{day}T01:00:00+00"))
    );
}

#[test]
fn a_day_of_the_month_and_a_weekday_mean_either() {
    let either = ["2026-02-06", "2026-02-13", "2026-02-15", "2026-02-20"];
    let either = either.map(|day| format!("{day}T12:00:00+00"));
    assert_eq!(in_utc("0 12 15 2 FRI", 4), either);
    // As Vixie has it, a star is a star, even with a step.
    let both = ["2026-01-02", "2026-01-09", "2026-01-16"].map(|day| format!("{day}T12:00:00+00"));
    assert_eq!(in_utc("0 12 * * FRI", 3), both);
    let odd = ["2026-01-09", "2026-01-23", "2026-02-13"].map(|day| format!("{day}T12:00:00+00"));
    assert_eq!(in_utc("0 12 */2 * FRI", 3), odd);
}

#[test]
fn leap_days_come_and_the_thirtieth_of_february_never() {
    let leap = dues("0 6 29 2 *", "2026-05-01T00:00:00Z", "Europe/Berlin", 2);
    assert_eq!(leap, ["2028-02-29T06:00:00+01", "2032-02-29T06:00:00+01"]);
    // 2100 is no leap year.
    let century = dues("0 6 29 2 *", "2096-03-01T00:00:00Z", "UTC", 1);
    assert_eq!(century, ["2104-02-29T06:00:00+00"]);
    for never in ["0 6 30 2 *", "* * 31 4,6,9,11 *"] {
        assert_eq!(
            dues(never, "2026-01-01T00:00:00Z", "Europe/Berlin", 1),
            [""; 0],
            "{never}"
        );
    }
}

#[test]
fn every_quarter_goes_on_through_both_changes() {
    let quarter = 15 * 60_000;
    for (name, from) in [
        ("Europe/Berlin", "2026-03-29T00:00:00Z"),
        ("Europe/Berlin", "2026-10-24T23:00:00Z"),
        ("America/New_York", "2026-03-08T05:00:00Z"),
        ("America/New_York", "2026-11-01T04:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T13:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T14:00:00Z"),
    ] {
        let cron = Cron::parse("*/15 0-23 * * *").unwrap();
        let mut at = utc(from);
        for _ in 0..20 {
            let next = cron.next_after(at, &zone(name)).unwrap();
            assert_eq!(next.0 - at.0, quarter, "{name} {from}");
            at = next;
        }
    }
    // At Lord Howe half an hour comes twice, from 01:30.
    let hourly = dues(
        "40 * * * *",
        "2026-04-04T14:00:00Z",
        "Australia/Lord_Howe",
        3,
    );
    assert_eq!(
        hourly,
        [
            "2026-04-05T01:40:00+11",
            "2026-04-05T01:40:00+10:30",
            "2026-04-05T02:40:00+10:30",
        ]
    );
}

#[test]
fn quarters_of_some_hours_are_no_burst_after_a_gap() {
    let some = dues("*/15 1-3 * * *", "2026-03-29T00:30:00Z", "Europe/Berlin", 3);
    assert_eq!(
        some,
        [
            "2026-03-29T01:45:00+01",
            "2026-03-29T03:00:00+02",
            "2026-03-29T03:15:00+02",
        ]
    );
}

#[track_caller]
fn wrong(text: &str, spot: &str, message: &str) {
    let problem = Cron::parse(text).unwrap_err();
    assert_eq!(
        (&text[problem.within], problem.message.as_str()),
        (spot, message)
    );
}

#[test]
fn problems_say_what_to_write() {
    wrong(
        "61 * * * *",
        "61",
        "`61` is no minute: it goes from 0 to 59",
    );
    wrong(
        "0 7 * * funday",
        "funday",
        "`funday` is no weekday: it goes from 0 to 7, or SUN to SAT",
    );
    wrong(
        "0 22-6 * * *",
        "22-6",
        "`22-6` runs backwards: write `22-23,0-6`",
    );
    wrong(
        "5/10 * * * *",
        "5/10",
        "`5/10` steps through nothing: write `5-59/10`",
    );
    wrong(
        "*/90 * * * *",
        "90",
        "`90` is no step for the minute: it goes from 1 to 59",
    );
    wrong(
        "0 0 ? * *",
        "?",
        "`?` is not known here: write `*` for every day of the month",
    );
    wrong(
        "0 7, * * *",
        "",
        "a number is missing: the hour goes from 0 to 23",
    );
    wrong(
        "@Daily",
        "@Daily",
        "`@daily` is not known here: write `0 0 * * *`",
    );
    wrong(
        "0 0 7 * * *",
        "0 0 7 * * *",
        "a cron has five fields, minute, hour, day of the month, month and weekday, and no \
         seconds: this one has six",
    );
}

#[test]
fn what_a_problem_says_to_write_can_be_read() {
    let wrong = [
        ("22-6", 1),
        ("59-5", 0),
        ("FRI-MON", 4),
        ("dec-feb", 3),
        ("3/2", 2),
        ("7/2", 4),
        ("SUN/2", 4),
        ("SAT-FRI", 4),
        ("31-1", 2),
    ];
    for (text, field) in wrong {
        let mut fields = ["*"; 5];
        fields[field] = text;
        let problem = Cron::parse(&fields.join(" ")).unwrap_err();
        let advice = problem.message.rsplit('`').nth(1).unwrap();
        let mut fields = fields.map(str::to_owned);
        fields[field] = advice.to_owned();
        assert!(
            Cron::parse(&fields.join(" ")).is_ok(),
            "{text}: {}",
            problem.message
        );
    }
    for (short, _) in parse::SHORT {
        let problem = Cron::parse(short).unwrap_err();
        let advice = problem.message.rsplit('`').nth(1).unwrap();
        assert!(Cron::parse(advice).is_ok(), "{short}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in prop_oneof![
            ".{0,40}",
            r"([0-9*/,\-]{0,6}[ \t]?){4,6}",
            r"([0-9]{1,3}|\*|[a-zA-Z]{3}|MON-|é)([/,\-][0-9a-z]{0,2}){0,2}( (\*|[0-7]|MON|3é)){4}",
        ],
        at in any::<i64>(),
    ) {
        match Cron::parse(&text) {
            Ok(cron) => {
                let _ = cron.next_after(UtcMillis(at), &TimeZone::UTC);
            }
            Err(problem) => {
                prop_assert!(text.get(problem.within.clone()).is_some(), "{problem:?}");
                prop_assert!(!problem.message.is_empty());
            }
        }
    }
}
