//! Charts are drawn for what a house says on good days and on bad ones; set
//! `HEARTH_CHARTS` to a file to look at them.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::history::Change;

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
    Stretch::Numbers {
        points: points.into_iter().collect(),
        bucket: Duration::from_secs(300),
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
fn one_reading_is_a_dot() {
    let svg = drawn("One", None, &numbers([point(NOON + HOUR, 1.0, 1.0, 1.0)]));
    assert!(
        svg.contains("<path class=\"dots\" d=\"M86.6 139h0\""),
        "{svg}"
    );
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
    assert_eq!(count_of("class=\"gap\"", &svg), 0, "whose would it be?");
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
        let extent = Extent { from, to, now: UtcMillis(now), zone: &zone };
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
