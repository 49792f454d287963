//! A house that is backed up while it lives, and brought back elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use hearth::clock::UtcMillis;
use hearth::history::sample::Sample;
use hearth::history::{Archive, Importer};
use hearth::home::Value;
use rumqttc::QoS;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::harness::{Site, eventually, hearth};

const RULES: &str = r#"
[[rule]]
name = "Lamp"
when = { topic = "home/hall/presence", is = "on" }
then = [{ set = "home/hall/lamp", to = "on" }]
"#;

/// Stops the load, however the test ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn said(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr];
    streams
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat()
}

fn run(arguments: &[&str]) -> (bool, String) {
    let output = hearth().args(arguments).output().unwrap();
    (output.status.success(), said(&output))
}

/// Every sample in a file, as text.
fn samples(file: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let archive = Archive::open(file).await.unwrap();
        let series = archive.series().await.unwrap();
        let topics = series.into_iter().map(|one| one.topic);
        let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
        let mut samples = archive.samples(topics, ever.0, ever.1).await.unwrap();
        let mut all = Vec::new();
        while let Some(said) = samples.next().await.unwrap() {
            all.push(format!("{said:?}"));
        }
        drop(samples);
        archive.close().await;
        all
    })
}

#[test]
fn a_backup_of_a_busy_house_has_what_was_acknowledged_before_and_comes_back_elsewhere() {
    let site = Site::new();
    let folder = site.folder().to_owned();
    let house = site.run(RULES);
    let mqtt = house.watch("home/#");
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let (tar, before) = (folder.join("house.tar"), AtomicU64::new(0));
    let config = folder.join("hearth.toml");
    let (tar, config) = (tar.to_str().unwrap(), config.to_str().unwrap());
    thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let first = count.load(Ordering::Relaxed);
                let topic = format!("home/hall/number{}", first / 50 % 7);
                let numbers = (first..first + 50).map(|number| number.to_string());
                mqtt.publish_all(&topic, QoS::AtLeastOnce, numbers);
                count.fetch_add(50, Ordering::Relaxed);
            }
        });
        eventually("some readings on the disk", || {
            let is_there = site.data().join("history.db").exists();
            (is_there && count.load(Ordering::Relaxed) > 1500).then_some(())
        });
        // What was said two seconds ago was committed: nothing waits longer than one.
        before.store(count.load(Ordering::Relaxed), Ordering::Relaxed);
        thread::sleep(Duration::from_secs(2));
        let (good, text) = run(&["backup", tar, "--config", config]);
        assert!(good, "{text}");
        assert!(text.contains("read back whole"), "{text}");
        assert!(
            text.contains("All checksums of the history are right"),
            "{text}"
        );
        // Nothing is replaced unasked, and a house at work is not restored over.
        assert!(!run(&["backup", tar, "--config", config]).0);
        let (good, text) = run(&["restore", tar, "--config", config]);
        assert!(!good && text.contains("a gateway uses"), "{text}");
    });
    assert!(house.stop().status.success());
    assert_eq!(
        fs::metadata(tar).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(!Path::new(&format!("{tar}.making")).exists());

    let elsewhere = tempfile::tempdir().unwrap();
    let data = elsewhere.path().join("data");
    let new_config = elsewhere.path().join("etc/hearth.toml");
    let (data_text, new_config_text) = (data.to_str().unwrap(), new_config.to_str().unwrap());
    let restore = [
        "restore",
        tar,
        "--data",
        data_text,
        "--config",
        new_config_text,
    ];
    let (good, text) = run(&restore);
    assert!(good, "{text}");
    assert_eq!(fs::read(&new_config).unwrap(), fs::read(config).unwrap());

    let (original, restored) = (
        samples(&site.data().join("history.db")),
        samples(&data.join("history.db")),
    );
    let all: BTreeSet<&String> = original.iter().collect();
    assert!(
        restored.len() as u64 >= before.into_inner(),
        "{}",
        restored.len()
    );
    assert!(restored.len() < original.len(), "it was made in the middle");
    assert!(restored.iter().all(|sample| all.contains(sample)));
    let distinct: BTreeSet<&String> = restored.iter().collect();
    assert_eq!(distinct.len(), restored.len(), "nothing is doubled");
    // What is in it of a series is all that there was until then.
    for nth in 0..7 {
        let of = |samples: &[String]| -> Vec<String> {
            let topic = format!("home/hall/number{nth}\"");
            samples
                .iter()
                .filter(|one| one.contains(&topic))
                .cloned()
                .collect()
        };
        let (original, restored) = (of(&original), of(&restored));
        assert_eq!(original[..restored.len()], restored[..]);
    }

    // Once more, over what is there now: that is kept.
    let (good, text) = run(&restore);
    assert!(good, "{text}");
    let aside = fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let aside: Vec<_> = aside.filter(|path| path.is_dir()).collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert!(text.contains(aside[0].to_str().unwrap()), "{text}");
    assert_eq!(samples(&aside[0].join("history.db")), restored);
    assert_eq!(samples(&data.join("history.db")), restored);
}

#[test]
fn a_torn_backup_changes_nothing() {
    let site = Site::new();
    let folder = site.folder().to_owned();
    assert!(site.run(RULES).stop().status.success());
    let (tar, config) = (folder.join("house.tar"), folder.join("hearth.toml"));
    let (tar_text, config) = (tar.to_str().unwrap(), config.to_str().unwrap());
    let (good, text) = run(&["backup", tar_text, "--config", config]);
    assert!(good, "{text}");
    let mut bytes = fs::read(&tar).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&tar, bytes).unwrap();
    let state = fs::read(site.data().join("state.db")).unwrap();
    for check in [&["--check"][..], &[]] {
        let arguments = [&["restore", tar_text, "--config", config], check].concat();
        let (good, text) = run(&arguments);
        assert!(!good && text.contains("damaged"), "{text}");
    }
    assert_eq!(fs::read(site.data().join("state.db")).unwrap(), state);
    assert!(!site.data().join(".restoring").exists());
}

/// Adds texts to the history that nothing packs: some ten megabytes.
fn fill(site: &Site) {
    let mut random = 1_u64;
    let mut text = || -> String {
        let word = |_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            format!("{random:016x}")
        };
        (0..16).map(word).collect()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let file = site.data().join("history.db");
        let mut importer = Importer::open(&file).await.unwrap();
        for at in 0..40_000 {
            let sample = Sample {
                at: UtcMillis(1_600_000_000_000 + at * 1000),
                value: Value::Text(text()),
                origin: None,
                clock: hearth::clock::ClockQuality::Synchronised,
            };
            importer.push("home/hall/noise", sample).await.unwrap();
        }
        importer.finish().await.unwrap();
    });
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect()
}

#[test]
fn an_interrupted_backup_leaves_nothing_behind() {
    let site = Site::new();
    let folder = site.folder().to_owned();
    assert!(site.run(RULES).stop().status.success());
    fill(&site);
    let before = names(&folder);
    let (tar, config) = (folder.join("house.tar"), folder.join("hearth.toml"));
    let making = folder.join("house.tar.making");
    let mut cut_off = 0;
    for (signal, millis) in [
        (Signal::INT, 0),
        (Signal::TERM, 0),
        (Signal::HUP, 150),
        (Signal::INT, 500),
        (Signal::TERM, 1500),
    ] {
        let mut command = hearth();
        command.arg("backup").arg(&tar).arg("--config").arg(&config);
        let backup = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        eventually("the backup to begin", || {
            (making.exists() || tar.exists()).then_some(())
        });
        thread::sleep(Duration::from_millis(millis));
        kill_process(Pid::from_child(&backup), signal).unwrap();
        let output = backup.wait_with_output().unwrap();
        if output.status.success() {
            fs::remove_file(&tar).unwrap();
        } else {
            let text = said(&output);
            assert!(
                text.contains("interrupted; nothing is left of it"),
                "{text}"
            );
            cut_off += 1;
        }
        assert_eq!(names(&folder), before);
    }
    assert!(cut_off >= 2, "{cut_off}");
}

#[test]
fn a_backup_of_a_history_that_is_damaged_says_so() {
    let site = Site::new();
    let folder = site.folder().to_owned();
    assert!(site.run(RULES).stop().status.success());
    fill(&site);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let file = SqliteConnectOptions::new().filename(site.data().join("history.db"));
        let mut connection = file.connect().await.unwrap();
        let damage = "UPDATE chunks SET bytes = x'0102' WHERE id = 2";
        connection.execute(damage).await.unwrap();
        connection.close().await.unwrap();
    });
    let (tar, config) = (folder.join("house.tar"), folder.join("hearth.toml"));
    let words = [
        "backup",
        tar.to_str().unwrap(),
        "--config",
        config.to_str().unwrap(),
    ];
    let (good, text) = run(&words);
    assert!(good && text.contains("warning: 1 of "), "{text}");
}
