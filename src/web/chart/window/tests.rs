//! A walk through the calendar, on the days when the clocks change too.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

const ZONES: [&str; 4] = [
    "Europe/Paris",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
];

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap()
}

fn at(text: &str) -> UtcMillis {
    instant::read(text, &TimeZone::UTC).unwrap()
}

/// What an address shows when it is 2026-11-28, 14:30 in Paris.
fn shown(query: &str) -> Result<Window, String> {
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let zone = paris();
    calendar(&zone).read(&Asked::of(&pairs))
}

fn calendar(zone: &TimeZone) -> Calendar<'_> {
    let now = at("2026-11-28T13:30:00Z");
    Calendar { now, zone }
}

fn ends(window: &Window) -> [String; 2] {
    [window.from, window.to].map(instant::write)
}

#[test]
fn a_day_has_as_many_hours_as_the_clocks_give_it() {
    for (date, hours) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-28", 24)] {
        let day = shown(&format!("span=day&date={date}")).unwrap();
        assert_eq!(day.length(), hours * HOUR, "{date}");
        assert_eq!(day.query(), format!("span=day&date={date}"));
    }
}

#[test]
fn a_date_chooses_the_week_month_or_year_around_it() {
    for (span, from, to, title) in [
        (
            "day",
            "2026-11-25T23:00:00Z",
            "2026-11-26T23:00:00Z",
            "Thursday 26 November 2026",
        ),
        (
            "week",
            "2026-11-22T23:00:00Z",
            "2026-11-29T23:00:00Z",
            "Week of Monday 23 November 2026",
        ),
        (
            "month",
            "2026-10-31T23:00:00Z",
            "2026-11-30T23:00:00Z",
            "November 2026",
        ),
        (
            "year",
            "2025-12-31T23:00:00Z",
            "2026-12-31T23:00:00Z",
            "2026",
        ),
    ] {
        let window = shown(&format!("date=2026-11-26&span={span}")).unwrap();
        assert_eq!(ends(&window), [from, to]);
        assert_eq!(calendar(&paris()).title(&window), title);
    }
}

#[test]
fn an_address_may_leave_out_what_is_usual() {
    let lengths = [
        "",
        "span=day",
        "from=2026-11-01",
        "to=2026-11-01T10:00Z",
        "span=30m&date=",
    ]
    .map(|query| shown(query).unwrap().length() / MINUTE);
    assert_eq!(lengths, [60, 24 * 60, 60, 60, 30]);
    let window = shown("from=2026-11-28T12:00&to=1795872600000&span=").unwrap();
    assert_eq!(
        ends(&window),
        ["2026-11-28T11:00:00Z", "2026-11-28T13:30:00Z"]
    );
    assert_eq!(
        calendar(&paris()).title(&window),
        "Sat 28 Nov 2026, 12:00 to 14:30"
    );
}

#[test]
fn what_cannot_be_shown_is_told() {
    for (query, words) in [
        (
            "span=fortnight",
            "or a time from 10s to 366d such as 6h, not \"fortnight\".",
        ),
        ("span=1s", "not \"1s\"."),
        (
            "date=yesterday",
            "A date is written like 2026-11-28, not \"yesterday\".",
        ),
        ("date=9999-12-31", "A date is written like"),
        ("date=2026-11-28&from=5", "Give a date, or from and to"),
        ("from=noon", "\"from\" is UTC milliseconds, or a time like"),
        ("from=5&to=5", "must be earlier"),
        ("from=5&to=6", "10 seconds at least"),
        ("from=0001-01-01&to=2026-01-01", "100 years at most"),
    ] {
        let told = shown(query).unwrap_err();
        assert!(told.contains(words), "{query}: {told}");
    }
}

#[test]
fn the_last_hour_begins_with_a_whole_bucket() {
    let zone = paris();
    let at = |now| {
        let now = UtcMillis(at("2026-11-28T13:30:00Z").0 + now);
        Calendar { now, zone: &zone }.latest(HOUR)
    };
    assert_eq!(at(0).from, at(9_999).from);
    assert_eq!(at(10_000).from.0 - at(0).from.0, 10_000);
    assert!(at(9_999).grid().to >= at(9_999).to);
    assert_eq!(at(0).grid().bucket, 10_000);
}

#[test]
fn points_have_round_lengths_and_days_begin_at_midnight() {
    for (query, bucket, points) in [
        ("span=day&date=2026-11-28", 5 * MINUTE, 288),
        ("span=day&date=2026-10-25", 5 * MINUTE, 300),
        ("span=week&date=2026-11-28", 30 * MINUTE, 336),
        ("span=month&date=2026-12-28", 2 * HOUR, 372),
        ("span=year&date=2026-11-28", DAY, 365),
    ] {
        let grid = shown(query).unwrap().grid();
        assert_eq!((grid.bucket, grid.points), (bucket, points), "{query}");
    }
    let year = shown("span=year").unwrap();
    assert_eq!(ends(&year)[0], "2025-11-27T23:00:00Z");
}

#[test]
fn links_lead_on_and_end_at_now() {
    let zone = paris();
    let calendar = calendar(&zone);
    let go = |query: &str| {
        let window = shown(query).unwrap();
        let ways = [
            calendar.earlier(&window),
            calendar.later(&window),
            calendar.closer(&window),
            calendar.wider(&window),
        ];
        ways.map(|way| way.map_or_else(|| "-".to_owned(), |way| way.query()))
    };
    assert_eq!(
        go("span=day"),
        [
            "from=2026-11-26T13:30:00Z&to=2026-11-27T13:30:00Z",
            "-",
            "span=12h",
            "span=3d"
        ]
    );
    assert_eq!(
        go("span=day&date=2026-11-28"),
        ["span=day&date=2026-11-27", "-", "span=6h", "span=3d"]
    );
    assert_eq!(
        go("span=month&date=2026-02-01"),
        [
            "span=month&date=2026-01-01",
            "span=month&date=2026-03-01",
            "from=2026-02-07T23:00:00Z&to=2026-02-21T23:00:00Z",
            "from=2026-01-17T23:00:00Z&to=2026-03-14T23:00:00Z",
        ]
    );
    // The next hour is not over yet.
    assert_eq!(
        go("from=2026-11-28T12:00Z&to=2026-11-28T13:00Z")[1],
        "span=hour"
    );
    assert_eq!(go("span=1m")[2..], ["-", "span=5m"]);
    assert_eq!(
        go("span=year")[3],
        "from=2024-11-28T13:30:00Z&to=2026-11-28T13:30:00Z"
    );
}

#[test]
fn the_usual_spans_stay_at_the_place() {
    let zone = paris();
    let calendar = calendar(&zone);
    let spans = |query: &str| {
        let window = shown(query).unwrap();
        let spans = calendar.spans(&window).into_iter();
        spans
            .map(|(_, window, is_shown)| {
                format!("{}{}", window.query(), if is_shown { " *" } else { "" })
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        spans("span=week"),
        [
            "span=hour",
            "span=day",
            "span=week *",
            "span=month",
            "span=year"
        ]
    );
    assert_eq!(
        spans("span=day&date=2026-03-01"),
        [
            "from=2026-03-01T11:00:00Z&to=2026-03-01T12:00:00Z",
            "span=day&date=2026-03-01 *",
            "span=week&date=2026-02-23",
            "span=month&date=2026-03-01",
            "span=year&date=2026-01-01",
        ]
    );
    let past = shown("span=day&date=2026-03-01").unwrap();
    assert_eq!(calendar.latest_of(&past).unwrap().query(), "span=day");
    assert_eq!(calendar.latest_of(&shown("span=day").unwrap()), None);
}

proptest! {
    /// Wherever a walk leads, the window is sound and its address leads to it again.
    #[test]
    fn every_link_can_be_followed(
        start in 0..4_102_444_800_000_i64,
        zone in prop::sample::select(&ZONES),
        span in prop::sample::select(&["hour", "day", "week", "month", "year", "90d", "7s", "20s"]),
        steps in proptest::collection::vec(0..9_usize, 0..30),
    ) {
        let zone = TimeZone::get(zone).unwrap();
        let calendar = Calendar { now: UtcMillis(start), zone: &zone };
        let asked = Asked { span: Some(span), ..Asked::default() };
        let Ok(mut window) = calendar.read(&asked) else {
            return Ok(());
        };
        for step in steps {
            let next = match step {
                0 => calendar.earlier(&window),
                1 => calendar.later(&window),
                2 => calendar.closer(&window),
                3 => calendar.wider(&window),
                n => calendar.spans(&window).get(n - 4).map(|one| one.1),
            };
            window = next.unwrap_or(window);
            prop_assert!(window.from < window.to);
            let grid = window.grid();
            prop_assert!((1..=372).contains(&grid.points), "{window:?} {grid:?}");
            prop_assert!(grid.to.0 + 1 >= window.to.0);
            let query = window.query();
            let again = calendar.read(&Asked::of(&window.fields()));
            prop_assert_eq!(again, Ok(window), "{}", query);
            prop_assert!(!calendar.title(&window).is_empty());
        }
    }
}
