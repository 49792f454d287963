//! Charts on pages and series in the API, out of a history that is there.

use super::*;
use crate::clock::UtcMillis;
use crate::history::record;
use crate::home::{Reading, Value};

/// 2026-03-29T00:00:00Z: what was recorded is long past.
const MIDNIGHT: i64 = 1_774_742_400_000;
const MINUTE: i64 = 60_000;

fn reading(topic: &str, minute: i64, payload: &str) -> Reading {
    Reading {
        topic: topic.to_owned(),
        value: Value::parse(payload),
        at: UtcMillis(MIDNIGHT + minute * MINUTE),
    }
}

/// A greenhouse whose temperature has a spike and a gap, and whose door opens once.
async fn lab() -> (tempfile::TempDir, Lab) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let minutes = (0..24 * 60).filter(|n| !(600..720).contains(n));
    let mut readings: Vec<Reading> = minutes
        .map(|n| {
            let payload = if n == 300 { "40" } else { "20.5" };
            reading("home/greenhouse/temperature", n, payload)
        })
        .collect();
    for (minute, payload) in [(-60, "off"), (400, "on"), (402, "off")] {
        readings.push(reading("home/greenhouse/door", minute, payload));
    }
    readings.push(reading("home/cellar/humidity", 5, "70"));
    readings.sort_by_key(|reading| reading.at);
    record(&file, &readings).await;
    let lab = Lab::remembering(&file).await;
    lab.retain("home/greenhouse/temperature", "20.5").await;
    lab.retain("home/greenhouse/door", "off").await;
    (folder, lab)
}

const DAY: &str = "span=day&date=2026-03-29";

#[tokio::test]
async fn a_day_shows_its_spike_its_gap_and_the_ways_on() {
    let (_folder, lab) = lab().await;
    let page = lab
        .get(&format!("/thing/greenhouse/temperature?{DAY}"))
        .await;
    let text = page.text();
    for part in [
        "<h2>Sunday 29 March 2026</h2>",
        "highest 40 °C at 05:04, latest 20.5 °C at 23:59; no readings from 09:59 to 12:04.",
        "<td>05:04</td><td>24.4 (20.5 to 40.0)</td>",
        "<td>09:59 to 12:04</td><td>no readings</td>",
        "href=\"/thing/greenhouse/temperature?span=day&#38;date=2026-03-28\" rel=\"prev\"",
        "href=\"/thing/greenhouse/temperature?span=day&#38;date=2026-03-30\" rel=\"next\"",
        "value=\"2026-03-29\"",
        "href=\"/chart?t=home/greenhouse/temperature&#38;span=day&#38;date=2026-03-29\"",
        " data-past",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[tokio::test]
async fn several_things_have_one_address_a_legend_and_a_table() {
    let (_folder, lab) = lab().await;
    let topics = "t=home/greenhouse/temperature&t=home/greenhouse/door&t=home/cellar/humidity";
    let page = lab.get(&format!("/chart?{topics}&{DAY}")).await;
    let text = page.text();
    for part in [
        "<title>Temperature, Door, Humidity · ",
        "Cellar · Humidity",
        ">Greenhouse · Temperature</a>",
        "stroke-dasharray=\"1 4\"/></svg>",
        "fill-opacity=\".5\"/></svg>",
        ">closed → open → closed</td>",
        "data-chart=\"home/greenhouse/temperature home/greenhouse/door home/cellar/humidity\"",
        "href=\"/chart?t=home/greenhouse/temperature&#38;t=home/cellar/humidity&#38;span=day\
         &#38;date=2026-03-29\" aria-label=\"Take Greenhouse · Door out of the chart\"",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    // Each once, though the address names it twice.
    let page = lab
        .get("/chart?t=home/greenhouse/door&t=home/greenhouse/door&t=")
        .await;
    assert!(!page.text().contains("class=\"legend\""));
    let empty = lab.get("/chart?span=week").await.text();
    assert!(empty.contains("Choose what to draw") && empty.contains("<legend>Greenhouse</legend>"));
    let door = r#"name="t" value="home/greenhouse/door"> Door</label>"#;
    assert!(empty.contains(door), "{empty}");
    assert!(empty.contains("<input type=\"hidden\" name=\"span\" value=\"week\">"));
}

#[tokio::test]
async fn the_api_gives_any_stretch_at_any_resolution() {
    let (_folder, lab) = lab().await;
    let temperature = "/api/history/greenhouse/temperature";
    // Finer than minutes, so that it says the same before and after the log is sealed.
    let query = "from=2026-03-29T05:00Z&to=2026-03-29T05:03Z&resolution=30s";
    let answer = lab
        .get(&format!(
            "{temperature}?{query}&aggregate=max,last&times=iso"
        ))
        .await;
    let expected = serde_json::json!({
        "topic": "home/greenhouse/temperature",
        "from": "2026-03-29T05:00:00Z",
        "to": "2026-03-29T05:02:59.999Z",
        "resolution": 30_000,
        "points": [
            { "at": "2026-03-29T05:00:00Z", "max": 40.0, "last": 40.0 },
            { "at": "2026-03-29T05:01:00Z", "max": 20.5, "last": 20.5 },
            { "at": "2026-03-29T05:02:00Z", "max": 20.5, "last": 20.5 },
        ],
    });
    assert_eq!(answer.json(), expected);
    let query = format!("from={MIDNIGHT}&to=2026-03-30");
    let answer = lab
        .get(&format!("/api/history/greenhouse/door?{query}"))
        .await;
    let states = &answer.json()["states"];
    assert_eq!(states[0]["at"], MIDNIGHT - 60 * MINUTE);
    assert_eq!(
        (&states[1]["state"], states.as_array().unwrap().len()),
        (&"on".into(), 3)
    );
}

#[tokio::test]
async fn a_young_series_fills_its_chart_and_an_old_one_shows_its_silence() {
    let (_folder, lab) = lab().await;
    lab.retain("home/lab/voltage", "3.3").await;
    let young = lab.says("/thing/lab/voltage?span=day", "3.3</td>").await;
    let width = |page: &str| {
        let end = |name: &str| {
            let value = page
                .split(name)
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            value.unwrap().parse::<i64>().unwrap()
        };
        end("data-to=\"") - end("data-from=\"")
    };
    assert!(width(&young) < 10 * MINUTE, "{}", width(&young));
    assert!(young.contains("<h2>Since "), "{young}");
    let old = lab
        .says("/thing/greenhouse/temperature?span=day", "no readings</td>")
        .await;
    assert!(width(&old) >= 24 * 60 * MINUTE);
}
