//! Charts are drawn for what a house says on good days and on bad ones; set
//! `HEARTH_CHARTS` to a file to look at them.

use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000;
/// 2026-11-21T12:00:00Z
const NOON: i64 = 1_795_262_400_000;

fn options() -> Options {
    Options {
        width: 800,
        height: 280,
        zone: TimeZone::get("Europe/Paris").unwrap(),
    }
}

fn point(at: i64, min: f64, mean: f64, max: f64) -> Point {
    Point {
        at: UtcMillis(at),
        min,
        max,
        mean,
        count: 2,
    }
}

fn numbers(points: Vec<Point>) -> Stretch {
    let bucket = std::time::Duration::from_secs(300);
    Stretch::Numbers { points, bucket }
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
    numbers(points.collect())
}

fn drawn(label: &str, unit: Option<&str>, stretch: &Stretch) -> String {
    let series = [Drawn {
        label,
        unit,
        stretch,
    }];
    chart(
        &series,
        UtcMillis(NOON),
        UtcMillis(NOON + 24 * HOUR),
        &options(),
    )
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
            "<desc>Greenhouse temperature: lowest 16.7 °C at 04:40, highest 31 °C at 05:40, \
         latest 22.33 °C at 12:55.</desc>"
        ),
        "{svg}"
    );
    assert!(svg.contains(">30</text>"), "the axis reaches the spike");
    assert!(svg.len() < 9000, "{} bytes", svg.len());
}

#[test]
fn numbers_reported_rarely_are_still_a_line() {
    let points = (0..24).map(|n| point(NOON + n * HOUR, 1.0, 1.0, 1.0));
    let svg = drawn("Hourly", None, &numbers(points.collect()));
    assert_eq!(count_of("M", &line_of(&svg)), 1);
    assert_eq!(
        count_of("class=\"range\"", &svg),
        0,
        "no range without extremes"
    );
}

#[test]
fn one_reading_is_a_dot() {
    let svg = drawn(
        "One",
        None,
        &numbers(vec![point(NOON + HOUR, 1.0, 1.0, 1.0)]),
    );
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
        svg.contains("<desc>Door: 2 changes, latest a&lt;b since 15:00.</desc>"),
        "{svg}"
    );
}

#[test]
fn nothing_is_said_in_words() {
    for nothing in [numbers(Vec::new()), changes(&[])] {
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
        (width, height) in (0_u32..2000, 0_u32..900),
    ) {
        let series: Vec<_> = stretches.iter().map(|(stretch, label)| Drawn {
            label,
            unit: Some(label),
            stretch,
        }).collect();
        let options = Options { width, height, ..options() };
        let (from, to) = (UtcMillis(ends.0), UtcMillis(ends.1));
        let mut drawings = vec![chart(&series, from, to, &options)];
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
        numbers(points.collect())
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
            numbers(vec![point(NOON + 8 * HOUR, 3.3, 3.3, 3.3)]),
        ),
        ("Empty", None, numbers(Vec::new())),
    ];
    let (from, to) = (UtcMillis(NOON), UtcMillis(NOON + 24 * HOUR));
    for (label, unit, stretch) in &cases {
        let svg = drawn(label, *unit, stretch);
        let small = sparkline(stretch, from, to);
        let _ = write!(page, "<h3>{label}, {} bytes</h3>{svg}{small}", svg.len());
    }
    let together: Vec<_> = [0, 1, 2]
        .map(|n: usize| Drawn {
            label: cases[n].0,
            unit: cases[n].1,
            stretch: &cases[n].2,
        })
        .to_vec();
    page += &chart(&together, from, to, &options());
    let phone = Options {
        width: 360,
        height: 220,
        ..options()
    };
    page += &chart(
        &together[..1],
        from,
        UtcMillis(NOON + 7 * 24 * HOUR),
        &phone,
    );
    std::fs::write(file, page).unwrap();
}
