//! Histories that go into files and come out of them, through the command line.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::*;
use crate::clock::{ClockQuality, UtcMillis};
use crate::history::home_assistant::tests as recorders;
use crate::history::sample::{Origin, Sample};
use crate::history::{Archive, Importer, Said};
use crate::home::Value;

/// 2026-11-28T10:00:00Z
const AT: i64 = 1_795_860_000_000;
const FORMATS: [&str; 4] = ["csv", "jsonl", "line", "parquet"];

#[derive(Debug, Parser)]
struct CommandLine {
    #[command(flatten)]
    history: HistoryArgs,
}

/// A folder with a history in it, and room for files.
struct Site(tempfile::TempDir);

impl Site {
    fn new() -> Site {
        Site(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// `hearth history …` on this folder.
    async fn run(&self, words: &[&str]) -> Result<(), String> {
        let data = self.0.path().to_str().unwrap();
        let line = [&["history"], words, &["--data", data]].concat();
        let line = CommandLine::try_parse_from(line).map_err(|error| error.to_string())?;
        let outcome = Box::pin(run(line.history)).await;
        outcome.map_err(|error| format!("{error:#}").replace(data, "SITE"))
    }

    async fn all(&self) -> Vec<Said> {
        let archive = Archive::open(&self.path("history.db")).await.unwrap();
        let topics = archive.series().await.unwrap();
        let topics: Vec<String> = topics.into_iter().map(|one| one.topic).collect();
        let (from, to) = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
        let mut samples = archive.samples(topics, from, to).await.unwrap();
        let mut all = Vec::new();
        while let Some(said) = samples.next().await.unwrap() {
            all.push(said);
        }
        // It holds on to the file.
        drop(samples);
        archive.close().await;
        all
    }

    async fn units(&self) -> Vec<(String, Option<String>)> {
        let archive = Archive::open(&self.path("history.db")).await.unwrap();
        let series = archive.series().await.unwrap();
        archive.close().await;
        series
            .into_iter()
            .map(|one| (one.topic, one.unit))
            .collect()
    }
}

fn sample(at: i64, value: Value) -> Sample {
    Sample {
        at: UtcMillis(AT + at),
        value,
        origin: None,
        clock: ClockQuality::Synchronised,
    }
}

/// Two days of a house: numbers, switches, texts and commands, all clocks, with and
/// without a board's count.
async fn lived() -> Site {
    let site = Site::new();
    let mut importer = Importer::open(&site.path("history.db")).await.unwrap();
    let furlongs = Some("furlong".to_owned());
    importer
        .describe("home/hall/way", furlongs, None)
        .await
        .unwrap();
    for n in 0..4000_i64 {
        let at = n * 43_200;
        let number = Value::Number((n * 37 % 1000) as f64 / 100.0);
        let mut way = sample(at, number);
        way.origin = Some(Origin {
            boot: 7,
            sequence: u32::try_from(n).unwrap(),
        });
        way.clock = [
            ClockQuality::Unknown,
            ClockQuality::Rtc,
            ClockQuality::Synchronised,
        ][usize::try_from(n / 1500).unwrap()];
        importer.push("home/hall/way", way).await.unwrap();
        let on = Value::Switch(n % 7 < 3);
        importer
            .push("home/hall/lamp", sample(at + 1, on.clone()))
            .await
            .unwrap();
        if n % 10 == 0 {
            importer
                .push("home/hall/lamp/set", sample(at, on))
                .await
                .unwrap();
            let note = Value::Text(format!("n° {n}, \"so\"\nand so"));
            importer
                .push("home/étage/note", sample(at, note))
                .await
                .unwrap();
            let odd = Value::Number(f64::from_bits(0x3ff0_0000_0000_0000 + n.unsigned_abs()));
            importer
                .push("home/étage/odd", sample(at, odd))
                .await
                .unwrap();
        }
    }
    importer.finish().await.unwrap();
    site
}

#[tokio::test]
async fn what_is_exported_and_imported_is_the_same_series() {
    let site = lived().await;
    let (all, units) = (site.all().await, site.units().await);
    assert_eq!(all.len(), 9200);
    for format in FORMATS {
        let file = site.path(&format!("all.{format}"));
        let file = file.to_str().unwrap();
        site.run(&["export", "-o", file]).await.unwrap();
        assert!(!site.path(&format!("all.{format}.part")).exists());
        let other = Site::new();
        other.run(&["import", file]).await.unwrap();
        assert!(other.all().await == all, "{format}");
        assert_eq!(other.units().await, units, "{format}");
        // Once more, and nothing is doubled.
        other.run(&["import", file]).await.unwrap();
        assert!(other.all().await == all, "{format} again");
    }
}

#[tokio::test]
async fn an_export_has_what_was_chosen() {
    let site = lived().await;
    let file = site.path("some.csv");
    let file = file.to_str().unwrap();
    let choice = [
        "export",
        "-o",
        file,
        "--topic",
        "home/+/odd",
        "--topic",
        "home/hall/lamp/set",
        "--from",
        "2026-11-28T10:00Z",
        "--to",
        "2026-11-28T10:10Z",
    ];
    site.run(&choice).await.unwrap();
    let text = site.text("some.csv");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 2 + 2, "{text}");
    assert!(lines[1].starts_with("2026-11-28T10:00:00.000Z,home/étage/odd,1,number"));
    assert!(lines[4].starts_with("2026-11-28T10:07:12.000Z,home/hall/lamp/set,off,switch"));
    for (words, told) in [
        (
            vec!["export", "--topic", "home/attic/#"],
            "nothing is recorded of home/attic/#",
        ),
        (
            vec!["export", "--topic", "home/#/a"],
            "`home/#/a` is no topic or filter",
        ),
        (
            vec!["export", "--to", "2020-01-01"],
            "nothing was recorded then; there are readings from",
        ),
        (
            vec!["export", "--from", "noon"],
            "--from: `noon` is no time",
        ),
        (
            vec!["export", "-o", "/nowhere/a.csv"],
            "cannot write /nowhere/a.csv",
        ),
    ] {
        let error = site.run(&words).await.unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_file_with_a_wrong_line_changes_nothing_and_its_place_is_told() {
    let site = Site::new();
    let text = "time,topic,value\n0,home/a/x,1\nnoon,home/a/x,2\n2,oven,3\n3,home/a/x,4\n";
    let file = site.write("a.csv", text);
    let error = site.run(&["import", &file]).await.unwrap_err();
    assert!(
        error.starts_with("SITE/a.csv: line 3, column 1 (time): `noon` is no time"),
        "{error}"
    );
    assert!(!site.path("history.db").exists());
    let error = site
        .run(&["import", &file, "--dry-run", "--map", "x"])
        .await
        .unwrap_err();
    assert!(error.starts_with("--map: `x` is no mapping"), "{error}");
    site.run(&["import", &file, "--keep-going"]).await.unwrap();
    assert_eq!(site.all().await.len(), 2);
    let fixed = site.write("b.csv", &text.replace("noon", "1"));
    let error = site.run(&["import", &fixed]).await.unwrap_err();
    assert!(
        error.contains("line 4, column 2 (topic): `oven` is no topic of the house"),
        "{error}"
    );
    site.run(&["import", &fixed, "--map", "oven=home/kitchen/oven"])
        .await
        .unwrap();
    assert_eq!(site.all().await.len(), 4);
}

#[tokio::test]
async fn what_is_no_file_of_its_kind_is_told() {
    let site = Site::new();
    let notes = site.write("notes.txt", "buy milk\n");
    for (words, told) in [
        (
            vec!["import", &notes],
            "does not tell its format: say --format",
        ),
        (
            vec!["import", &notes, "--format", "csv"],
            "no column is called `time`",
        ),
        (
            vec!["import", &notes, "--format", "parquet"],
            "this is no Parquet file",
        ),
        (
            vec!["import", &notes, "--format", "home-assistant"],
            "cannot read SITE/notes.txt",
        ),
        (vec!["import", "nowhere.csv"], "cannot read nowhere.csv"),
        (vec!["series"], "there is no history at SITE/history.db"),
    ] {
        let error = site.run(&words).await.unwrap_err();
        assert!(error.contains(told), "{error}");
    }
    assert!(!site.path("history.db").exists());
}

#[tokio::test]
async fn home_assistants_past_is_taken_over() {
    for sql in [recorders::OLD, recorders::NEW] {
        let site = Site::new();
        let file = site.path("home-assistant_v2.db");
        recorders::make(&file, sql).await;
        let file = file.to_str().unwrap();
        site.run(&["import", file, "--dry-run"]).await.unwrap();
        assert!(!site.path("history.db").exists());
        site.run(&["import", file]).await.unwrap();
        assert_eq!(
            site.units().await,
            [
                ("home/hall/temperature".to_owned(), Some("°C".to_owned())),
                ("home/kitchen/light".to_owned(), None),
            ]
        );
        let values: Vec<Value> = site
            .all()
            .await
            .into_iter()
            .map(|s| s.sample.value)
            .collect();
        let number = Value::Number;
        assert_eq!(values, [number(21.5), Value::Switch(true), number(-3.0)]);
        let other = Site::new();
        let maps = other.write(
            "maps.txt",
            "sensor.hall_temperature=home/attic/warmth # 2 readings\nlight.kitchen=\n",
        );
        other.run(&["import", file, "--maps", &maps]).await.unwrap();
        let topics: Vec<String> = other
            .units()
            .await
            .into_iter()
            .map(|(topic, _)| topic)
            .collect();
        assert_eq!(topics, ["home/attic/warmth"]);
    }
}

#[tokio::test]
async fn what_is_forgotten_is_gone() {
    let site = lived().await;
    let error = site
        .run(&["forget", "home/attic/#", "--yes"])
        .await
        .unwrap_err();
    assert!(
        error.starts_with("nothing is recorded of home/attic/#"),
        "{error}"
    );
    site.run(&["forget", "home/hall/lamp", "--yes"])
        .await
        .unwrap();
    let topics: Vec<String> = site
        .units()
        .await
        .into_iter()
        .map(|(topic, _)| topic)
        .collect();
    assert_eq!(
        topics,
        ["home/hall/way", "home/étage/note", "home/étage/odd"]
    );
    site.run(&["series"]).await.unwrap();
}

#[test]
fn a_file_is_replaced_once_it_is_complete() {
    use std::io::Write;
    let site = Site::new();
    site.write("a.csv", "old");
    let path: &Path = &site.path("a.csv");
    let mut output = export::Output::open(path).unwrap();
    output.write_all(b"new").unwrap();
    output.give_up();
    assert_eq!(site.text("a.csv"), "old");
    let mut output = export::Output::open(path).unwrap();
    output.write_all(b"new").unwrap();
    output.finish().unwrap();
    assert_eq!(site.text("a.csv"), "new");
    assert!(!site.path("a.csv.part").exists());
}

#[test]
fn figures_are_told_shortly() {
    let sizes = [712, 1400, 999_949, 999_950, 35_000_000].map(series::size);
    assert_eq!(sizes, ["712 B", "1.4 kB", "999.9 kB", "1.0 MB", "35.0 MB"]);
    assert_eq!(counted(1, "series"), "1 series");
    assert_eq!(counted(2, "reading"), "2 readings");
}
