//! What is recorded is in a real InfluxDB as well: exactly, and after outages too.

mod server;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use hearth::clock::UtcMillis;
use hearth::history::Archive;
use hearth::home::Value;
use rumqttc::QoS;

use crate::harness::{Site, eventually, http, within};
use server::InfluxDb;

/// Pauses grow while nothing is taken.
const OUTAGE: Duration = Duration::from_secs(90);

/// What the history has below `home/`, as InfluxDB should have it: topic, nanoseconds, value
/// as JSON.
fn recorded(file: &Path) -> Vec<(String, i64, String)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let archive = Archive::open(file).await.unwrap();
        let series = archive.series().await.unwrap();
        let topics = series.into_iter().map(|one| one.topic);
        let topics = topics.filter(|topic| topic.starts_with("home/"));
        let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
        let mut samples = archive.samples(topics, ever.0, ever.1).await.unwrap();
        let (mut all, mut seen) = (Vec::new(), HashMap::new());
        while let Some(said) = samples.next().await.unwrap() {
            let value = match said.sample.value {
                Value::Number(number) => serde_json::Number::from_f64(number).unwrap().into(),
                Value::Switch(on) => serde_json::Value::Bool(on),
                Value::Text(text) => serde_json::Value::String(text),
            };
            let nth: &mut i64 = seen
                .entry((said.topic.clone(), said.sample.at))
                .or_default();
            let at = said.sample.at.0 * 1_000_000 + *nth;
            *nth += 1;
            all.push((said.topic.to_string(), at, number_like_influx(&value)));
        }
        drop(samples);
        archive.close().await;
        all.sort();
        all
    })
}

/// InfluxDB leaves out the `.0` of whole numbers.
fn number_like_influx(value: &serde_json::Value) -> String {
    let text = value.to_string();
    match value.is_number() {
        true => text.strip_suffix(".0").unwrap_or(&text).to_owned(),
        false => text,
    }
}

/// Waits until so many samples are on the disk.
fn on_disk(site: &Site, samples: usize) -> Vec<(String, i64, String)> {
    let file = site.data().join("history.db");
    eventually("all to be on the disk", || {
        let recorded = recorded(&file);
        (recorded.len() >= samples).then_some(recorded)
    })
}

/// Waits until so many samples are on the disk and in the database, and shows that both have
/// the same.
fn same(site: &Site, influx: &InfluxDb, samples: usize) {
    let expected = on_disk(site, samples);
    assert_eq!(expected.len(), samples);
    let count = || (influx.points().len() >= samples).then_some(());
    within(OUTAGE, "all to be in the database", count);
    assert_eq!(influx.points(), expected);
}

fn config(influx: &InfluxDb, more: &str) -> String {
    let url = influx.url();
    format!("[history.influx]\nurl = \"{url}\"\ntags = {{ house = \"elm street\" }}\n{more}")
}

#[test]
fn readings_are_in_influxdb_with_their_times_and_types_and_one_that_it_refuses_harms_no_other() {
    let influx = InfluxDb::start();
    influx.change("CREATE DATABASE house");
    // Somebody has used the name for something else, so numbers are refused.
    influx.write("odd value=\"a text\"");
    let site = Site::new();
    let house = site.run(&config(&influx, ""));
    let mqtt = house.watch("home/#");
    let numbers = ["21.53", "-0.1", "0", "1e-7", "123456789.25", "-40"];
    let texts = ["open, \"half\"", "grün", "a\\b", "=,; x"];
    for round in 0..3 {
        let numbers = numbers.map(str::to_owned);
        mqtt.publish_all("home/lab/temperature", QoS::AtLeastOnce, numbers);
        mqtt.publish_all(
            "home/lab/shutter",
            QoS::AtLeastOnce,
            texts.map(str::to_owned),
        );
        mqtt.publish("home/lab/lamp", if round % 2 == 0 { "on" } else { "off" });
        mqtt.publish("home/lab/lamp/set", "on");
        mqtt.publish("home/lab/odd", "5");
        mqtt.publish("hearth/hook/bell", "is not pushed unasked");
        // Into several commits.
        thread::sleep(Duration::from_millis(1500));
    }
    let pushing = eventually("what is refused to be told", || {
        let pushing = house.json("/api/history")["pushing"].clone();
        (pushing["refused"] == 3 && pushing["taken"] == 36).then_some(pushing)
    });
    let file = site.data().join("history.db");
    let mut expected = recorded(&file);
    expected.retain(|(topic, ..)| topic != "home/lab/odd");
    assert_eq!(expected.len(), 36);
    assert_eq!(influx.points(), expected);
    assert!(
        pushing["trouble"].is_null() && pushing["waiting"] == 0,
        "{pushing}"
    );
    assert_eq!(pushing["to"], format!("http://127.0.0.1:{}", influx.port));
    let refusal = pushing["refusal"].as_str().unwrap();
    assert!(refusal.contains("field type conflict"), "{refusal}");
    assert_eq!(
        house.log.with(&["not taken", "field type conflict"]).len(),
        1
    );
    for (key, value) in [("unit", "°C"), ("house", "elm street"), ("room", "lab")] {
        assert!(influx.tags(key).contains(value), "{}", influx.tags(key));
    }
    let page = house.page("/history");
    assert!(page.contains("Pushed to another database") && page.contains("36 samples since"));
    assert!(
        page.contains("field type conflict") && !page.contains("db=house"),
        "{page}"
    );
    let metrics = house.page("/metrics");
    for line in [
        "hearth_history_pushed_total 36",
        "hearth_history_push_refused_total 3",
        "hearth_history_push_waiting_samples 0",
        "hearth_history_push_failing 0",
    ] {
        assert!(metrics.contains(&format!("\n{line}\n")), "no {line}");
    }
}

#[test]
fn an_outage_and_kills_of_both_lose_nothing() {
    let mut influx = InfluxDb::start();
    influx.change("CREATE DATABASE house");
    let site = Site::new();
    let more = "topics = \"home/+/+\"\ntimeout = \"2s\"\n";
    let count = |from: u32| (from..from + 200).map(|number| number.to_string());
    let house = site.run(&config(&influx, more));
    let mqtt = house.watch("home/#");
    mqtt.publish_all("home/lab/count", QoS::AtLeastOnce, count(0));
    same(&site, &influx, 200);

    influx.kill();
    mqtt.publish_all("home/lab/count", QoS::AtLeastOnce, count(200));
    eventually("the outage to be told", || {
        let pushing = house.json("/api/history")["pushing"].clone();
        let trouble = pushing["trouble"].as_str()?;
        let is_told = trouble.contains("cannot be reached") && pushing["waiting"] == 200;
        is_told.then_some(())
    });
    assert!(
        house
            .page("/history")
            .contains("Nothing is taken there now")
    );
    assert!(
        house
            .page("/metrics")
            .contains("hearth_history_push_failing 1")
    );
    // Killed in the outage, before it could write anything down, and while it catches up.
    drop((mqtt, house));
    let house = site.run(&config(&influx, more));
    let mqtt = house.watch("home/#");
    mqtt.publish_all("home/lab/count", QoS::AtLeastOnce, count(400));
    on_disk(&site, 600);
    influx.start_again();
    within(OUTAGE, "some of it to arrive", || {
        (influx.points().len() > 200).then_some(())
    });
    drop((mqtt, house));
    let house = site.run(&config(&influx, more));
    let mqtt = house.watch("home/#");
    mqtt.publish_all("home/lab/count", QoS::AtLeastOnce, count(600));
    same(&site, &influx, 800);
    eventually("nothing to wait", || {
        let pushing = house.json("/api/history")["pushing"].clone();
        (pushing["waiting"] == 0 && pushing["trouble"].is_null()).then_some(())
    });
    assert!(house.stop().status.success());
    // After an orderly stop nothing is pushed twice.
    let house = site.run(&config(&influx, more));
    thread::sleep(Duration::from_secs(1));
    assert_eq!(house.json("/api/history")["pushing"]["taken"], 0);
}

#[test]
fn what_somebody_must_set_right_is_told_and_nothing_is_lost_until_then() {
    let influx = InfluxDb::with_user();
    let site = Site::new();
    let secret = site.folder().join("influx.password");
    fs::write(&secret, "wr0ng\n").unwrap();
    let more = format!("user = \"pi\"\npassword_file = {secret:?}\n");
    let house = site.run(&config(&influx, &more));
    let mqtt = house.watch("home/#");
    mqtt.publish("home/lab/temperature", "21.5");
    let trouble = |words: &[&str]| {
        within(OUTAGE, &words.join(", "), || {
            let pushing = house.json("/api/history")["pushing"].clone();
            let trouble = pushing["trouble"].as_str()?;
            let all = words.iter().all(|word| trouble.contains(word));
            (all && pushing["waiting"] == 1).then_some(())
        });
    };
    trouble(&[
        "401 Unauthorized",
        "authorization failed",
        "right token or password",
    ]);
    fs::write(&secret, "s3cret\n").unwrap();
    trouble(&["404 Not Found", "database not found", "is there a database"]);
    influx.change("CREATE DATABASE house");
    same(&site, &influx, 1);
    let metrics = http::get(house.http, "/metrics").unwrap().body;
    let told = [house.log.text(), house.page("/history"), metrics];
    for secret in ["s3cret", "wr0ng", "cGk6"] {
        assert!(
            told.iter().all(|text| !text.contains(secret)),
            "{secret} is told"
        );
    }
}
