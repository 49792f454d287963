//! A house whose history is in a PostgreSQL that is real: the same charts as from a file,
//! and an outage that costs nothing.

mod server;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{House, Mqtt, Site, eventually, hearth, http, within};
use server::{PASSWORD, Server};

/// How long the outage is; the minute takes a minute.
const OUTAGE: &str = "HEARTH_OUTAGE_SECONDS";
const SERIES: [&str; 3] = ["temperature", "humidity", "pressure"];
/// After an outage of a minute the next try may be half a minute away.
const BACK_WITHIN: Duration = Duration::from_secs(90);

/// A site whose history is on a server, with the password in a file.
fn site_beside(server: &Server) -> Site {
    let mut site = Site::new();
    let file = site.folder().join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let url = server.url_without_password();
    site.history = format!("url = {url:?}\npassword_file = {file:?}");
    site
}

/// Says numbers one after the other, each a new one.
struct Speaker<'a> {
    mqtt: &'a Mqtt,
    said: u32,
}

impl Speaker<'_> {
    /// One of each series; the broker has them all afterwards.
    fn say(&mut self) {
        for name in SERIES {
            let topic = format!("home/lab/{name}");
            let payload = format!("{}.5", self.said);
            self.mqtt.retain(&topic, &payload);
        }
        self.said += 1;
    }

    fn say_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.say();
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// How often each number is there, by topic.
fn counts(server: &Server) -> BTreeMap<String, (i64, i64)> {
    let rows =
        server.ask("SELECT topic, COUNT(*), COUNT(DISTINCT number) FROM readings GROUP BY topic");
    let row = |row: &String| {
        let mut cells = row.split('|');
        let topic = cells.next().unwrap().to_owned();
        let mut number = || cells.next().unwrap().parse().unwrap();
        (topic, (number(), number()))
    };
    rows.iter().map(row).collect()
}

fn has_all(server: &Server, said: u32) -> Option<()> {
    let counts = counts(server);
    let all = SERIES.iter().all(|name| {
        let found = counts.get(&format!("home/lab/{name}"));
        found.is_some_and(|(_, distinct)| *distinct == i64::from(said))
    });
    all.then_some(())
}

fn is_each_once(server: &Server) {
    for (topic, (all, distinct)) in counts(server) {
        assert_eq!(all, distinct, "{topic}: something is doubled");
    }
}

fn metric(house: &House, name: &str) -> f64 {
    let metrics = house.page("/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.trim().parse().ok());
    number.unwrap_or_else(|| panic!("{name} is not in\n{metrics}"))
}

#[test]
fn an_outage_is_waited_for_and_nothing_is_lost_or_doubled() {
    let seconds = std::env::var(OUTAGE)
        .ok()
        .and_then(|text| text.parse().ok());
    let outage = Duration::from_secs(seconds.unwrap_or(6));
    let server = Server::start();
    let site = site_beside(&server);
    let house = site.run("");
    let mqtt = house.watch("home/+/+");
    let mut speaker = Speaker {
        mqtt: &mqtt,
        said: 0,
    };
    speaker.say_for(Duration::from_secs(2));
    let before = speaker.said;
    eventually("the first readings there", || has_all(&server, before));

    server.cut();
    let cut = Instant::now();
    speaker.say_for(outage);
    let queued = house.json("/api/history")["server"].clone();
    eprintln!("after {} s without a server: {queued}", outage.as_secs());
    assert!(queued["waiting"].as_u64().unwrap() > 0, "{queued}");
    assert!(
        queued["away"].is_string() && queued["lost"] == 0,
        "{queued}"
    );
    assert!(metric(&house, "hearth_history_queue_samples ") > 0.0);
    assert!(metric(&house, "hearth_history_server_away ") > 0.5);
    let page = house.page("/history");
    assert!(page.contains("cannot be reached since"), "{page}");
    let chart = http::get(house.http, "/api/history/lab/temperature").unwrap();
    assert_eq!(chart.status, 503);
    assert!(
        chart.body.contains("past cannot be reached"),
        "{}",
        chart.body
    );
    assert!(
        house
            .page("/thing/lab/temperature")
            .contains("past cannot be reached")
    );

    server.go();
    let back = Instant::now();
    speaker.say_for(Duration::from_secs(2));
    within(BACK_WITHIN, "all readings there", || {
        has_all(&server, speaker.said)
    });
    eprintln!(
        "{} readings of {} series, {} of them in {:.0?} without a server: all there {:.1?} after it was back",
        speaker.said * 3,
        SERIES.len(),
        (speaker.said - before) * 3,
        back - cut,
        back.elapsed()
    );
    is_each_once(&server);
    let told = eventually("the log to tell", || {
        house
            .log
            .text()
            .contains("what had waited is there")
            .then(|| house.log.text())
    });
    assert!(
        told.contains("cannot be sent to PostgreSQL at hearth@127.0.0.1"),
        "{told}"
    );
    eventually("an answer to charts", || {
        let chart = http::get(house.http, "/api/history/lab/temperature").unwrap();
        (chart.status == 200).then_some(())
    });
    assert!((metric(&house, "hearth_history_server_away ") - 0.0).abs() < 0.5);
    for shown in [
        house.log.text(),
        house.page("/history"),
        house.page("/api/history"),
    ] {
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
    assert!(house.stop().status.success());
}

#[test]
fn a_gateway_that_is_killed_while_it_sends_loses_and_doubles_nothing_that_was_safe() {
    let server = Server::start();
    let site = site_beside(&server);
    let mut said = 0;
    let mut safe = Vec::new();
    for round in 0..6_u64 {
        let house = site.run("");
        let mqtt = house.watch("home/+/+");
        let mut speaker = Speaker { mqtt: &mqtt, said };
        let began = said;
        speaker.say_for(Duration::from_millis(700 + 430 * round));
        if round % 2 == 0 {
            // What is committed must be there in the end.
            let committed = || {
                let history = house.json("/api/history");
                let samples = history["writing"]["samples"].as_u64().unwrap();
                (samples >= u64::from(speaker.said - began) * 3).then_some(())
            };
            eventually("the readings to be on the disk", committed);
            safe.push((began, speaker.said - 1));
            let more = Duration::from_millis(137 * round);
            speaker.say_for(more);
        }
        said = speaker.said;
        // kill -9
        drop(house);
    }
    let house = site.run("");
    let drained = || {
        let history = house.json("/api/history");
        let server = &history["server"];
        (server["waiting"] == 0 && server["away"].is_null()).then_some(())
    };
    within(BACK_WITHIN, "the queue to be empty", drained);
    is_each_once(&server);
    for (first, last) in safe {
        let missing = server.number(&format!(
            "SELECT COUNT(*) FROM generate_series({first}, {last}) AS said (number), series
            WHERE NOT EXISTS (SELECT FROM samples
                WHERE samples.series = series.id AND samples.number = said.number + 0.5)"
        ));
        assert_eq!(missing, 0, "of {first} to {last}, which were on the disk");
    }
    let there = server.number("SELECT COUNT(*) FROM samples");
    eprintln!("{there} of {} readings there after 6 kills", said * 3);
}

/// Runs `hearth history …` on the house's config.
fn history(site: &Site, arguments: &[&str]) -> String {
    let mut command = hearth();
    command.arg("history").args(arguments);
    command
        .arg("--config")
        .arg(site.folder().join("hearth.toml"));
    let output = command.output().unwrap();
    let streams = [&output.stdout, &output.stderr];
    let said = streams
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat();
    assert!(output.status.success(), "{arguments:?}: {said}");
    assert!(!said.contains(PASSWORD), "{said}");
    said
}

/// Two days of a thermometer and a lamp, for `hearth history import`.
fn two_days() -> String {
    let mut text = String::from("time,topic,value\n");
    let begin: i64 = 1_790_000_000_000;
    for step in 0..17_280_i64 {
        let at = begin + step * 10_000 + step * 7919 % 5000;
        let number = 20.0 + ((step * 37) % 100) as f64 / 10.0;
        text += &format!("{at},home/lab/temperature,{number}\n");
        if step % 40 == 0 {
            let lamp = if step / 40 % 3 == 0 { "on" } else { "off" };
            text += &format!("{at},home/lab/lamp,{lamp}\n");
        }
    }
    text
}

#[test]
fn the_same_readings_give_the_same_answers_as_from_a_file() {
    let server = Server::start();
    let [here, there] = [Site::new(), site_beside(&server)];
    let csv = here.folder().join("two-days.csv");
    std::fs::write(&csv, two_days()).unwrap();
    let csv = csv.to_str().unwrap();
    let mut files = Vec::new();
    for site in [&here, &there] {
        site.write_config("");
        assert!(history(site, &["import", csv]).contains("17712 readings of 2 series"));
        // The same again changes nothing.
        assert!(history(site, &["import", csv]).contains("0 readings"));
        let out = site.folder().join("out.csv");
        history(site, &["export", "-o", out.to_str().unwrap()]);
        files.push(std::fs::read_to_string(out).unwrap());
        let series = history(site, &["series"]);
        assert!(
            series.contains("home/lab/lamp") && series.contains("17280"),
            "{series}"
        );
    }
    assert_eq!(files[0], files[1]);
    let checked = history(&there, &["check"]);
    assert!(
        checked.contains("answers: 17712 readings of 2 series"),
        "{checked}"
    );
    assert!(!history(&there, &["check", "--local"]).contains("answers"));

    let houses = [here.run(""), there.run("")];
    let begin: i64 = 1_790_000_000_000;
    for (from, length, points) in [
        (0, 172_800, 300),
        (0, 172_800, 30),
        (3601, 7200, 300),
        (86_399, 86_401, 777),
        (40, 20, 20),
    ] {
        let from = begin + from * 1000;
        let to = from + length * 1000;
        for name in ["temperature", "lamp"] {
            let path = format!("/api/history/lab/{name}?from={from}&to={to}&points={points}");
            let answers = [0, 1].map(|nth| houses[nth].json(&path));
            assert_eq!(answers[0], answers[1], "{path}");
            let field = if name == "lamp" { "states" } else { "points" };
            assert!(
                !answers[0][field].as_array().unwrap().is_empty(),
                "{}",
                answers[0]
            );
        }
    }
    // A series is deleted with what is on the server, and only that one.
    let path = "/api/history/lab/lamp";
    let removed = http::delete(houses[1].http, path).unwrap();
    assert_eq!(
        (removed.status, removed.body.contains("432")),
        (200, true),
        "{}",
        removed.body
    );
    assert_eq!(server.number("SELECT COUNT(*) FROM samples"), 17_280);
    let left = houses[1].json("/api/history");
    let topics = left["series"].as_array().unwrap().iter();
    let topics: Vec<&Value> = topics.map(|one| &one["topic"]).collect();
    assert_eq!(topics, ["home/lab/temperature"]);
    drop(houses);
    assert!(
        history(&there, &["forget", "home/lab/temperature", "--yes"]).contains("17280 readings")
    );
    assert_eq!(server.number("SELECT COUNT(*) FROM series"), 0);
}
