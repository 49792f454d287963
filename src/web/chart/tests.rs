//! Charts are drawn for what a house says on good days and on bad ones; set
//! `HEARTH_CHARTS` to a file to look at them.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::history::{Change, Habit, Point, Rhythm};

const HOUR: i64 = 3_600_000;
/// 2026-11-21T12:00:00Z
const NOON: i64 = 1_795_262_400_000;

const WIDE: Size = Size {
    width: 800,
    height: 280,
};

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap()
}

/// A day that is over.
fn day_of(zone: &TimeZone) -> Extent<'_> {
    Extent {
        from: UtcMillis(NOON),
        to: UtcMillis(NOON + 24 * HOUR),
        now: UtcMillis(NOON + 24 * HOUR),
        zone,
        is_whole: false,
    }
}

fn point(at: i64, min: f64, mean: f64, max: f64) -> Point {
    Point {
        at: UtcMillis(at),
        min,
        max,
        mean,
        last: mean,
        count: 2,
    }
}

fn numbers(points: impl IntoIterator<Item = Point>) -> Stretch {
    let points: Vec<Point> = points.into_iter().collect();
    let readings: Vec<_> = points.iter().map(|point| (point.at, point.last)).collect();
    let rhythm = Rhythm::of(&readings);
    said(points, rhythm, None)
}

/// Numbers that are told when they change, with what held before.
fn levels(points: impl IntoIterator<Item = Point>, held: Option<f64>) -> Stretch {
    let held = held.map(|value| (UtcMillis(NOON - HOUR), value));
    said(points.into_iter().collect(), Rhythm::OnChange, held)
}

fn said(points: Vec<Point>, rhythm: Rhythm, held: Option<(UtcMillis, f64)>) -> Stretch {
    Stretch::Numbers {
        points,
        bucket: Duration::from_secs(300),
        habit: Habit {
            rhythm,
            held,
            ..Habit::default()
        },
    }
}

fn changes(changes: &[(i64, &str)]) -> Stretch {
    let change = |(at, state): &(i64, &str)| Change {
        at: UtcMillis(*at),
        state: (*state).to_owned(),
    };
    Stretch::States(changes.iter().map(change).collect())
}

/// A day in 288 points with a gap of two hours and a spike.
fn day() -> Stretch {
    let points = (0..288_i32).filter(|n| !(100..124).contains(n)).map(|n| {
        let mean = 20.0 + 3.0 * (f64::from(n) / 40.0).sin();
        let max = if n == 200 { 31.0 } else { mean + 0.3 };
        point(NOON + i64::from(n) * HOUR / 12, mean - 0.3, mean, max)
    });
    numbers(points)
}

fn series<'a>(label: &'a str, unit: Option<&'a str>, stretch: &'a Stretch) -> Drawn<'a> {
    Drawn {
        nth: 0,
        label,
        unit,
        class: None,
        is_set: false,
        range: None,
        stretch,
    }
}

fn drawn(label: &str, unit: Option<&str>, stretch: &Stretch) -> String {
    chart(&[series(label, unit, stretch)], &day_of(&paris()), WIDE)
}

fn count_of(needle: &str, svg: &str) -> usize {
    svg.matches(needle).count()
}

fn line_of(svg: &str) -> String {
    let document = roxmltree::Document::parse(svg).unwrap();
    let mut nodes = document.descendants();
    let line = nodes.find(|node| node.attribute("class") == Some("line"));
    line.unwrap().attribute("d").unwrap().to_owned()
}

#[test]
fn a_gap_is_a_gap_and_a_spike_is_seen() {
    let svg = drawn("Greenhouse temperature", Some("°C"), &day());
    assert_eq!(count_of("M", &line_of(&svg)), 2, "two runs");
    assert!(
        svg.contains(
            "<desc>Greenhouse temperature: lowest 16.7 °C at Sun 04:40, highest 31 °C at \
             Sun 05:40, latest 22.33 °C at Sun 12:55; no readings from Sat 21:15 to Sat 23:20.</desc>"
        ),
        "{svg}"
    );
    assert!(svg.contains(">30</text>"), "the axis reaches the spike");
    assert_eq!(count_of("class=\"gap\"", &svg), 1);
    assert!(svg.len() < 9000, "{} bytes", svg.len());
}

#[test]
fn numbers_reported_rarely_are_still_a_line() {
    let points = (0..24).map(|n| point(NOON + n * HOUR, 1.0, 1.0, 1.0));
    let svg = drawn("Hourly", None, &numbers(points));
    assert_eq!(count_of("M", &line_of(&svg)), 1);
    assert_eq!(
        count_of("class=\"range\"", &svg),
        0,
        "no range without extremes"
    );
}

#[test]
fn what_is_told_on_change_holds_until_the_next() {
    let one = levels([point(NOON + HOUR, 1.0, 1.0, 1.0)], None);
    let svg = drawn("One", None, &one);
    // From its time to the right edge.
    assert_eq!(line_of(&svg), "M86.6 139l703.4 0", "{svg}");
    let fan = levels(
        [
            point(NOON + 6 * HOUR, 60.0, 60.0, 60.0),
            point(NOON + 12 * HOUR, 0.0, 0.0, 0.0),
        ],
        Some(30.0),
    );
    let fan = Drawn {
        is_set: true,
        ..series("Fan", Some("%"), &fan)
    };
    let svg = chart(&[fan], &day_of(&paris()), WIDE);
    // Its axis is that of all percent, and it begins where it stood.
    assert!(
        svg.contains(">100</text>") && svg.contains(">0</text>"),
        "{svg}"
    );
    assert_eq!(
        line_of(&svg),
        "M56 185.8l183.5 0l0-70.2l183.5 0l0 140.4l367 0"
    );
    assert_eq!(count_of("class=\"gap\"", &svg), 0);
    assert!(
        svg.contains("Fan: 30 % as it begins, lowest 0 % at Sun 01:00, highest 60 % at Sat 19:00, latest 0 % since Sun 01:00."),
        "{svg}"
    );
}

#[test]
fn a_level_holds_where_nothing_was_said() {
    let kept = levels([], Some(21.0));
    let svg = drawn("Setpoint", Some("°C"), &kept);
    assert!(
        svg.contains("<desc>Setpoint: 21 °C all the time.</desc>"),
        "{svg}"
    );
    assert!(line_of(&svg).ends_with("l734 0"), "{svg}");
    assert!(svg.contains(">21.0</text>"), "{svg}");
}

#[test]
fn changes_within_a_point_are_a_range() {
    let point = point(NOON + 6 * HOUR + 240_000, 0.0, 40.0, 100.0);
    let last = Point {
        last: 20.0,
        ..point
    };
    let svg = drawn("Fan", Some("%"), &levels([last], Some(50.0)));
    assert_eq!(count_of("class=\"range\"", &svg), 1);
    // At 50 to where its bucket begins, along the mean to its end, and on at 20.
    assert_eq!(
        line_of(&svg),
        "M56 139l183.5 0l0 23.4l2 0l0 46.8l548.5 0",
        "{svg}"
    );
    // Twice the same in a bucket is a step and no slope.
    let same = Point {
        min: 20.0,
        max: 20.0,
        mean: 20.0,
        ..last
    };
    let svg = drawn("Fan", Some("%"), &levels([same], Some(50.0)));
    assert!(line_of(&svg).contains("l183.5 0l0 "), "{svg}");
    let zero = levels([], Some(0.0));
    let svg = drawn("Nothing", None, &zero);
    assert!(svg.contains(">0.0</text>") && !svg.contains(">-"), "{svg}");
}

#[test]
fn states_are_bands_that_last_to_the_end() {
    let door = changes(&[
        (NOON - HOUR, "off"),
        (NOON + HOUR, "on"),
        (NOON + 2 * HOUR, "a<b"),
    ]);
    let svg = drawn("Door", None, &door);
    assert_eq!(count_of("<rect", &svg), 3);
    assert!(svg.contains("a&lt;b</text>"));
    assert!(
        svg.contains("<desc>Door: 2 changes, latest a&lt;b since Sat 15:00.</desc>"),
        "{svg}"
    );
}

#[test]
fn what_has_not_happened_yet_is_not_drawn() {
    let door = changes(&[(NOON - HOUR, "on")]);
    let zone = paris();
    let halfway = Extent {
        now: UtcMillis(NOON + 12 * HOUR),
        ..day_of(&zone)
    };
    let svg = chart(&[series("Door", None, &door)], &halfway, WIDE);
    // From 56 to the middle of what ends at 790.
    assert!(svg.contains("x=\"56\" y=\"16\" width=\"367\""), "{svg}");
    let early = numbers((0..100).map(|n| point(NOON + n * HOUR / 12, 1.0, 1.0, 1.0)));
    let svg = chart(&[series("Early", None, &early)], &halfway, WIDE);
    assert!(
        svg.contains("no readings from Sat 21:15 to Sun 01:00."),
        "{svg}"
    );
}

#[test]
fn states_speak_the_words_of_their_thing_and_texts_differ() {
    let said = changes(&[(NOON, "on"), (NOON + HOUR, "off")]);
    let door = Drawn {
        class: Some(DeviceClass::Door),
        ..series("Door", None, &said)
    };
    let svg = chart(&[door], &day_of(&paris()), WIDE);
    assert!(svg.contains(">closed</text>") && svg.contains("latest closed since"));
    let texts = ["a", "b", "c", "d", "e"];
    let texts: Vec<_> = (0..).map(|n| NOON + n * HOUR).zip(texts).collect();
    let svg = drawn("Texts", None, &changes(&texts));
    let shades: std::collections::HashSet<_> = svg.split("fill-opacity=").skip(1).collect();
    assert_eq!(shades.len(), 5);
}

#[test]
fn several_series_differ_by_more_than_their_colour() {
    let steady = numbers((0..100).map(|n| point(NOON + n * HOUR / 5, 1.0, 1.0, 1.0)));
    let both = [0, 1].map(|nth| Drawn {
        nth,
        ..series("One", None, &steady)
    });
    let svg = chart(&both, &day_of(&paris()), WIDE);
    assert_eq!(count_of("stroke-dasharray=\"7 4\"", &svg), 1);
    assert!(svg.contains("series-0") && svg.contains("series-1"));
}

#[test]
fn each_of_several_series_has_its_silence_in_a_lane_of_its_own() {
    let whole = numbers((0..=288).map(|n| point(NOON + n * HOUR / 12, 1.0, 1.0, 1.0)));
    let broken = day();
    let all = [("Shed", &broken), ("Attic", &whole), ("Hall", &broken)];
    let all = [0, 1, 2].map(|nth: usize| Drawn {
        nth,
        ..series(all[nth].0, Some("°C"), all[nth].1)
    });
    let svg = chart(&all, &day_of(&paris()), WIDE);
    assert_eq!(count_of("class=\"gap\"", &svg), 2);
    assert_eq!(
        count_of(">no readings</text>", &svg),
        0,
        "too narrow to say more"
    );
    let alone = chart(&all[1..2], &day_of(&paris()), WIDE);
    let height = |svg: &str| {
        let document = roxmltree::Document::parse(svg).unwrap();
        let height = document.root_element().attribute("height").unwrap();
        height.parse::<f64>().unwrap()
    };
    // The second one has none.
    assert_eq!(height(&svg) - height(&alone), 42.0);
    let document = roxmltree::Document::parse(&svg).unwrap();
    let gaps = document
        .descendants()
        .filter(|node| node.attribute("class") == Some("gap"));
    let whose: Vec<_> = gaps
        .map(|gap| gap.parent().unwrap().attribute("class").unwrap())
        .collect();
    assert_eq!(whose, ["series series-0", "series series-2"]);
    // Beside states it is plain whose it is.
    let lamp = changes(&[(NOON, "on")]);
    let both = [
        all[0],
        Drawn {
            nth: 1,
            ..series("Lamp", None, &lamp)
        },
    ];
    let svg = chart(&both, &day_of(&paris()), WIDE);
    assert!(
        svg.contains("<g class=\"grid\"><rect class=\"gap\""),
        "{svg}"
    );
}

#[test]
fn nothing_is_said_in_words() {
    for nothing in [numbers([]), changes(&[])] {
        let svg = drawn("Empty", Some("V"), &nothing);
        assert!(svg.contains(">No readings in this time</text>"));
        assert!(sparkline(&nothing, UtcMillis(0), UtcMillis(1)).ends_with("</svg>"));
    }
}

fn any_stretch() -> impl Strategy<Value = Stretch> {
    let number = prop_oneof![any::<f64>(), -50.0..50.0_f64, Just(f64::MAX), Just(5e-324)];
    let time = prop_oneof![any::<i64>(), 0..100 * HOUR];
    let point = (time.clone(), number.clone(), number.clone(), number)
        .prop_map(|(at, min, mean, max)| point(at, min, mean, max));
    let change = (time, ".{0,12}").prop_map(|(at, state)| Change {
        at: UtcMillis(at),
        state,
    });
    prop_oneof![
        proptest::collection::vec(point, 0..40).prop_map(numbers),
        proptest::collection::vec(change, 0..40).prop_map(Stretch::States),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_is_well_formed(
        stretches in proptest::collection::vec((any_stretch(), ".{0,20}"), 0..4),
        ends in prop_oneof![any::<(i64, i64)>(), (0..HOUR, 0..100 * HOUR)],
        now in prop_oneof![any::<i64>(), Just(50 * HOUR)],
        (width, height) in (0_u32..2000, 0_u32..900),
    ) {
        let series: Vec<_> = stretches.iter().enumerate().map(|(nth, (stretch, label))| Drawn {
            nth,
            ..series(label, Some(label), stretch)
        }).collect();
        let zone = paris();
        let (from, to) = (UtcMillis(ends.0), UtcMillis(ends.1));
        let extent = Extent { from, to, now: UtcMillis(now), zone: &zone, is_whole: false };
        for row in table::rows(&series, &extent) {
            prop_assert!(row.cells.len() == series.len() || row.until.is_some());
        }
        let mut drawings = vec![chart(&series, &extent, Size { width, height })];
        drawings.extend(stretches.iter().map(|(stretch, _)| sparkline(stretch, from, to)));
        for svg in drawings {
            let document = roxmltree::Document::parse(&svg);
            let document = document.map_err(|error| TestCaseError::fail(format!("{error}\n{svg}")))?;
            for node in document.descendants().filter(|node| !node.is_text()) {
                for attribute in node.attributes().filter(|a| a.name() != "class") {
                    let value = attribute.value();
                    prop_assert!(!value.contains("NaN") && !value.contains("inf"), "{}", value);
                }
            }
        }
    }
}

/// Not a check by itself: a page to look at.
#[test]
fn a_page_of_charts() {
    let Some(file) = std::env::var_os("HEARTH_CHARTS") else {
        return;
    };
    let constant = |value: f64| {
        let points = (0..100).map(|n| point(NOON + n * HOUR / 5, value, value, value));
        numbers(points)
    };
    let lamp = changes(&[
        (NOON - HOUR, "off"),
        (NOON + 5 * HOUR, "on"),
        (NOON + 9 * HOUR, "off"),
        (NOON + 15 * HOUR, "on"),
        (NOON + 15 * HOUR + 9000, "off"),
        (NOON + 18 * HOUR, "on"),
    ]);
    let blind = changes(&[
        (NOON, "open"),
        (NOON + 7 * HOUR, "closing"),
        (NOON + 8 * HOUR, "closed"),
    ]);
    let mut page = String::new();
    let cases = [
        ("Temperature with a gap and a spike", Some("°C"), day()),
        ("Lamp", None, lamp),
        ("Blind", None, blind),
        ("Constant", Some("hPa"), constant(1013.25)),
        (
            "Fan",
            Some("%"),
            levels(
                [
                    point(NOON + 6 * HOUR, 60.0, 60.0, 60.0),
                    point(NOON + 12 * HOUR, 0.0, 40.0, 100.0),
                ],
                Some(30.0),
            ),
        ),
        ("Setpoint", Some("°C"), levels([], Some(21.0))),
        ("Huge", Some("Hz"), constant(3.2e12)),
        ("Tiny", Some("F"), constant(4.7e-9)),
        (
            "One",
            Some("V"),
            numbers([point(NOON + 8 * HOUR, 3.3, 3.3, 3.3)]),
        ),
        ("Empty", None, numbers([])),
    ];
    let (from, to) = (UtcMillis(NOON), UtcMillis(NOON + 24 * HOUR));
    for (label, unit, stretch) in &cases {
        let svg = drawn(label, *unit, stretch);
        let small = sparkline(stretch, from, to);
        let _ = write!(page, "<h3>{label}, {} bytes</h3>{svg}{small}", svg.len());
    }
    let zone = paris();
    let together = [0, 1, 2].map(|nth: usize| Drawn {
        nth,
        ..series(cases[nth].0, cases[nth].1, &cases[nth].2)
    });
    page += &chart(&together, &day_of(&zone), WIDE);
    let phone = Size {
        width: 360,
        height: 220,
    };
    let week = Extent {
        to: UtcMillis(NOON + 7 * 24 * HOUR),
        now: UtcMillis(NOON + 5 * 24 * HOUR),
        ..day_of(&zone)
    };
    page += &chart(&together[..1], &week, phone);
    std::fs::write(file, page).unwrap();
}
