//! How many samples of an emulated Uno reach the broker in a second, and whether any is lost.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::board::Speech;
use crate::house::House;

pub struct Samples {
    rate: f64,
    /// Bytes of the board that found no place, and frames that arrived damaged.
    lost: u64,
    damaged: u64,
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Samples { rate, lost, damaged } = self;
        write!(f, "{rate:.0} samples a second, {lost} bytes lost, {damaged} frames damaged")
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn count(
    hearth: &Path,
    emulator: &Path,
    firmware: &Path,
    seconds: Duration,
) -> anyhow::Result<Samples> {
    let folder = tempfile::tempdir()?;
    let port = folder.path().join("uno");
    let uno = Command::new(emulator)
        .arg("--program")
        .arg(firmware)
        .arg("--eeprom")
        .arg(folder.path().join("eeprom"))
        .arg("--link")
        .arg(&port)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the emulated Uno; tests/uno/build makes it")?;
    let mut uno = Killed(uno);
    let mut answers = BufReader::new(uno.0.stdout.take().context("it has no output")?).lines();
    while !port.exists() {
        sleep(Duration::from_millis(20));
    }
    let house = House::hearth(hearth, &[port], Speech::Frames)?;
    let things = (0..6).map(|pin| {
        format!(r#"{{"name": "a{pin}", "kind": "analog", "pin": "A{pin}", "deadband": 0}}"#)
    });
    let map = format!(r#"{{"things": [{}]}}"#, things.collect::<Vec<_>>().join(","));
    house.publish(hearth, "hearth/board/b0/config", &map)?;
    sleep(Duration::from_secs(3));
    let number = house.port.to_string();
    let subscribe = |topic: &str| {
        Command::new(hearth)
            .args(["sub", "-h", "127.0.0.1", "-p", &number, "-t", topic])
            .stdout(Stdio::piped())
            .spawn()
            .map(Killed)
    };
    let counter = Arc::new(AtomicU64::new(0));
    let mut states = subscribe("hearth/wire/+/state/+")?;
    let out = states.0.stdout.take().context("it has no output")?;
    let counted = Arc::clone(&counter);
    thread::spawn(move || {
        for _ in BufReader::new(out).lines() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    sleep(Duration::from_secs(1));
    let (before, began) = (counter.load(Ordering::Relaxed), Instant::now());
    sleep(seconds);
    let rate = (counter.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
    writeln!(uno.0.stdin.as_ref().context("it has no input")?, "bytes?")?;
    let line = answers
        .find_map(|line| line.ok().filter(|line| line.starts_with("bytes ")))
        .context("the emulator does not answer")?;
    let lost = line.split(' ').filter_map(|word| word.parse::<u64>().ok()).nth(3).unwrap_or(0);
    let mut vitals = subscribe("hearth/board/b0/vitals")?;
    let out = vitals.0.stdout.take().context("it has no output")?;
    let text = BufReader::new(out).lines().next().context("no vitals")??;
    let damaged = text.split("\"damaged\":").nth(1).and_then(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    Ok(Samples {
        rate,
        lost,
        damaged: damaged.unwrap_or(0),
    })
}
