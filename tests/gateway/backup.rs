//! A house that is backed up while it lives, and brought back elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use hearth::clock::UtcMillis;
use hearth::history::Archive;
use rumqttc::QoS;

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
