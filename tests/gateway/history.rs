//! `hearth history` and `hearth backup` beside a gateway that records all the while: nothing
//! is lost, nothing doubled, and the gateway has nothing to complain of.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hearth::clock::UtcMillis;
use hearth::history::Archive;
use rumqttc::QoS;

use crate::harness::{House, Mqtt, Site, eventually, hearth, http};

/// Topics that speak, in turn; the last one is forgotten in between.
const TOPICS: [&str; 4] = [
    "home/hall/number0",
    "home/hall/number1",
    "home/attic/number2",
    "home/attic/diary",
];
/// Rows of the table that is imported, the first half of them of a topic that speaks too.
const IMPORTED: i64 = 150_000;
const PAST: usize = 75_000;
/// 2020-09-13T12:26:40Z
const THEN: i64 = 1_600_000_000_000;

/// `hearth` with these words on the house's config; it must succeed.
fn run(site: &Site, words: &[&str]) -> String {
    let (good, text) = tried(site, words);
    assert!(good, "{words:?}: {text}");
    text
}

fn tried(site: &Site, words: &[&str]) -> (bool, String) {
    let config = site.folder().join("hearth.toml");
    let output = hearth().args(words).arg("--config").arg(config).output();
    let output = output.unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.success(), text)
}

/// The numbers of each topic in a file, in its order; those that were imported are negative.
fn numbers(file: &Path) -> BTreeMap<String, Vec<i64>> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let archive = Archive::open(file).await.unwrap();
        let series = archive.series().await.unwrap();
        let topics = series.into_iter().map(|one| one.topic);
        let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
        let mut samples = archive.samples(topics, ever.0, ever.1).await.unwrap();
        let mut numbers: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        while let Some(said) = samples.next().await.unwrap() {
            let Some(number) = integer(&said.sample.value.to_string()) else {
                continue;
            };
            numbers
                .entry(said.topic.to_string())
                .or_default()
                .push(number);
        }
        // Whoever still reads does not keep it from being closed.
        archive.close().await;
        numbers
    })
}

/// The numbers of a table that was exported, by topic.
fn numbers_of_table(file: &Path) -> BTreeMap<String, Vec<i64>> {
    let mut numbers: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for line in fs::read_to_string(file).unwrap().lines().skip(1) {
        let mut fields = line.split(',').skip(1);
        let topic = fields.next().unwrap().to_owned();
        if let Some(number) = integer(fields.next().unwrap()) {
            numbers.entry(topic).or_default().push(number);
        }
    }
    numbers
}

fn integer(text: &str) -> Option<i64> {
    text.trim_end_matches(".0").parse().ok()
}

fn is_counted(numbers: &[i64]) -> bool {
    numbers.is_sorted_by(|a, b| a + 1 == *b)
}

/// Says the next number of each topic, for ever, some hundred a second.
struct Speaker<'a> {
    mqtt: &'a Mqtt,
    stop: AtomicBool,
    /// The next number: what is below was acknowledged by the broker.
    next: Mutex<i64>,
}

impl Speaker<'_> {
    fn speak(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let next = *self.next.lock().unwrap();
            for topic in TOPICS {
                let numbers = (next..next + 2).map(|number| number.to_string());
                self.mqtt.publish_all(topic, QoS::AtLeastOnce, numbers);
            }
            *self.next.lock().unwrap() += 2;
            thread::sleep(Duration::from_millis(15));
        }
    }

    fn next(&self) -> i64 {
        *self.next.lock().unwrap()
    }

    fn wait_for_more(&self) {
        let next = self.next();
        eventually("more numbers", || (self.next() > next + 40).then_some(()));
    }
}

/// Stops it, however the test ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn table() -> String {
    let mut table = "time,topic,value\n".to_owned();
    for nth in 0..IMPORTED {
        let topic = if nth < IMPORTED / 2 {
            TOPICS[0]
        } else {
            "home/past/x"
        };
        table += &format!(
            "{},{topic},{}\n",
            THEN + nth % (IMPORTED / 2) * 700,
            nth - IMPORTED
        );
    }
    table
}

#[test]
fn the_command_line_beside_a_gateway_that_records_loses_and_doubles_nothing() {
    let site = Site::new();
    let folder = site.folder().to_owned();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (csv, tar) = (path("past.csv"), path("house.tar"));
    fs::write(&csv, table()).unwrap();
    let history = site.data().join("history.db");
    let house = site.run("");
    let mqtt = house.watch("home/none");
    let speaker = Speaker {
        mqtt: &mqtt,
        stop: AtomicBool::new(false),
        next: Mutex::new(0),
    };
    let mut forgotten = (0, 0);
    thread::scope(|scope| {
        let _stop = Stop(&speaker.stop);
        scope.spawn(|| speaker.speak());
        eventually("a history", || {
            (history.exists() && speaker.next() > 200).then_some(())
        });
        let said = run(&site, &["history", "import", &csv]);
        assert!(
            said.contains("150000 readings of 2 series are imported"),
            "{said}"
        );
        let said = run(&site, &["history", "import", &csv]);
        assert!(said.contains("150000 were there already"), "{said}");

        let out = path("all.csv");
        for _ in 0..2 {
            // What was said two seconds ago was committed.
            let before = speaker.next();
            thread::sleep(Duration::from_secs(2));
            run(&site, &["history", "export", "-o", &out]);
            let exported = numbers_of_table(Path::new(&out));
            let imported = -IMPORTED..-IMPORTED / 2;
            assert!(exported["home/past/x"].iter().copied().eq(-IMPORTED / 2..0));
            let live = &exported[TOPICS[0]];
            let (past, live) = live.split_at(PAST);
            assert!(past.iter().copied().eq(imported));
            assert!(is_counted(live) && live[0] == 0 && *live.last().unwrap() >= before - 1);
            assert!(
                TOPICS[1..]
                    .iter()
                    .all(|topic| is_counted(&exported[*topic]))
            );
        }

        forgotten.0 = speaker.next();
        run(&site, &["history", "forget", TOPICS[3], "--yes"]);
        forgotten.1 = speaker.next();
        speaker.wait_for_more();
        let said = run(&site, &["history", "check", "--look"]);
        assert!(said.contains("All of it can be read"), "{said}");

        let before = speaker.next();
        thread::sleep(Duration::from_secs(2));
        let said = run(&site, &["backup", &tar]);
        assert!(
            said.contains("All checksums of the history are right"),
            "{said}"
        );
        speaker.wait_for_more();
        forget_in_a_backup_is_forgotten(&site, &tar, before, forgotten);
    });
    let said = speaker.next();
    let log = house.stop().log;
    assert_eq!(log.with(&["error"]), Vec::<String>::new());
    assert_eq!(log.with(&["warn"]), Vec::<String>::new());
    let mut numbers = numbers(&history);
    let live = numbers.remove(TOPICS[0]).unwrap();
    let (past, live) = live.split_at(PAST);
    assert!(past.iter().copied().eq(-IMPORTED..-IMPORTED / 2));
    assert!(live.iter().copied().eq(0..said), "{} of {said}", live.len());
    assert!(numbers["home/past/x"].iter().copied().eq(-IMPORTED / 2..0));
    for topic in &TOPICS[1..3] {
        assert!(numbers[*topic].iter().copied().eq(0..said), "{topic}");
    }
    goes_on_after(&numbers[TOPICS[3]], forgotten, said);
}

/// What was said of a topic after it was forgotten is there; of what was said before, at most
/// what waited for its commit then.
fn goes_on_after(numbers: &[i64], forgotten: (i64, i64), until: i64) {
    assert!(is_counted(numbers), "of those said later none is missing");
    // Readings wait for a second at most, some hundred of them.
    assert!(
        numbers[0] > forgotten.0 - 400 && numbers[0] > 0,
        "{numbers:?}"
    );
    assert!(numbers[0] <= forgotten.1, "{} {forgotten:?}", numbers[0]);
    assert!(*numbers.last().unwrap() >= until - 1);
}

/// Brings a backup back elsewhere, and looks what is in it.
fn forget_in_a_backup_is_forgotten(site: &Site, tar: &str, before: i64, forgotten: (i64, i64)) {
    let elsewhere = tempfile::tempdir().unwrap();
    let data = elsewhere.path().to_str().unwrap();
    run(site, &["restore", tar, "--keep-config", "--data", data]);
    let numbers = numbers(&elsewhere.path().join("history.db"));
    assert!(numbers["home/past/x"].iter().copied().eq(-IMPORTED / 2..0));
    let live = &numbers[TOPICS[0]][PAST..];
    for (live, first) in [
        (live, 0),
        (&numbers[TOPICS[1]], 0),
        (&numbers[TOPICS[2]], 0),
    ] {
        assert!(is_counted(live) && live[0] == first);
        assert!(*live.last().unwrap() >= before - 1, "{before}");
    }
    goes_on_after(&numbers[TOPICS[3]], forgotten, before);
}

const SECRET: &str = "nobody-is-at-home";

/// Whether the files hold it.
fn holds_secret(site: &Site) -> bool {
    let file = site.data().join("history.db");
    [file.clone(), file.with_extension("db-wal")]
        .into_iter()
        .any(|file| {
            let bytes = fs::read(file).unwrap_or_default();
            let mut windows = bytes.windows(SECRET.len());
            windows.any(|window| window == SECRET.as_bytes())
        })
}

fn recorded(house: &House) -> u64 {
    house.json("/api/history")["writing"]["samples"]
        .as_u64()
        .unwrap()
}

#[test]
fn what_is_forgotten_during_an_export_leaves_no_trace_once_that_has_ended() {
    let site = Site::new();
    let csv = site.folder().join("past.csv");
    fs::write(&csv, table()).unwrap();
    let house = site.run("");
    let mqtt = house.watch("home/none");
    for room in ["attic", "cellar"] {
        let topic = format!("home/{room}/diary");
        let texts = (0..20).map(|nth| format!("{SECRET}-{nth}"));
        mqtt.publish_all(&topic, QoS::AtLeastOnce, texts);
    }
    eventually("the diaries on the disk", || {
        (recorded(&house) >= 40).then_some(())
    });
    run(&site, &["history", "import", csv.to_str().unwrap()]);

    // Whoever reads it takes a line, and then nothing for a while.
    let mut export = hearth()
        .args(["history", "export", "--format", "jsonl", "--config"])
        .arg(site.folder().join("hearth.toml"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(export.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    assert!(first.contains("value"), "{first}");

    let answer = thread::scope(|scope| {
        let forgetting = scope.spawn(|| http::delete(house.http, "/api/history/attic/diary"));
        // Commits go on meanwhile.
        for _ in 0..3 {
            let before = recorded(&house);
            mqtt.publish("home/hall/number0", "1");
            eventually("a commit", || (recorded(&house) > before).then_some(()));
        }
        forgetting.join().unwrap().unwrap()
    });
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(
        answer.body.contains("traces of it are left"),
        "{}",
        answer.body
    );
    let forget = ["history", "forget", "home/cellar/diary", "--yes"];
    let (good, said) = tried(&site, &forget);
    assert!(!good && said.contains("say the same again"), "{said}");
    let series = house.page("/api/history");
    assert!(!series.contains("diary"), "both are removed: {series}");
    assert!(holds_secret(&site), "and their traces are not");

    // The export tells the house as it was when it began.
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(export.wait().unwrap().success());
    assert_eq!(rest.matches(SECRET).count(), 40);
    assert_eq!(rest.lines().count() + 1, 40 + 2 * PAST);
    eventually("the last trace to go", || {
        (!holds_secret(&site)).then_some(())
    });
    let (good, said) = tried(&site, &forget);
    assert!(!good && said.contains("nothing is recorded"), "{said}");
    assert_eq!(house.stop().log.with(&["error"]), Vec::<String>::new());
}
