//! A year of one sensor at 1 Hz: to import it, and to draw it.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use hearth::clock::{ClockQuality, UtcMillis};
use hearth::history::sample::Sample;
use hearth::history::workbench::Workbench;
use hearth::history::{Importer, Stretch};
use rustix::fs::{Advice, fadvise};

use crate::load::{BEGIN, Load};
use crate::progress::Progress;

const DAY_MS: i64 = 24 * 3_600_000;
/// As many points as a wide chart has pixels.
const POINTS: usize = 1000;
/// Looks at each stretch, of each kind.
const LOOKS: usize = 7;
const PROGRESS_EVERY: usize = 100_000;

pub async fn measure(days: u32, file: &Path) -> anyhow::Result<()> {
    let topic = import(days, file).await?;
    println!(
        "charts of {POINTS} points, median of {LOOKS} looks (and the longest), ms. cold: nothing of \
         the file in\nmemory (posix_fadvise), first: the program just started, warm: looked at before"
    );
    println!(
        "{:>10}{:>9}{:>20}{:>18}{:>18}{:>18}",
        "days", "points", "cold", "read for it, kB", "first", "warm"
    );
    let end = BEGIN + i64::from(days) * DAY_MS;
    for span in [1, 30, 365_i64] {
        let looks = Looks {
            file,
            topic: &topic,
            from: UtcMillis(end - span * DAY_MS),
            to: UtcMillis(end),
        };
        looks.tell(span).await?;
    }
    println!("most memory {}", most_memory()?);
    Ok(())
}

/// The name of the series.
async fn import(days: u32, file: &Path) -> anyhow::Result<String> {
    let load = Load::new(1, 1, days * 24 * 60);
    let samples = load.samples();
    let mut progress = Progress::new("imported", samples);
    let start = Instant::now();
    let mut importer = Importer::open(file).await?;
    let mut name = None;
    for (nth, (topic, at, value)) in load.enumerate() {
        let sample = Sample {
            at,
            value,
            origin: None,
            clock: ClockQuality::Synchronised,
        };
        importer.push(&topic, sample).await?;
        name.get_or_insert(topic);
        if nth.is_multiple_of(PROGRESS_EVERY) {
            progress.reach(nth);
        }
    }
    importer.finish().await?;
    drop(progress);
    let seconds = start.elapsed().as_secs_f64();
    let size = std::fs::metadata(file)?.len() as f64;
    println!(
        "\n{days} days of one series at 1 Hz: {samples} samples imported in {seconds:.1} s, {:.1} MB, \
         {:.2} B each; most memory {}",
        size / 1e6,
        size / samples as f64,
        most_memory()?,
    );
    Ok(name.unwrap_or_default().to_string())
}

/// One stretch of time, to be looked at.
struct Looks<'a> {
    file: &'a Path,
    topic: &'a str,
    from: UtcMillis,
    to: UtcMillis,
}

impl Looks<'_> {
    async fn tell(&self, days: i64) -> anyhow::Result<()> {
        let (mut cold, mut first, mut warm) = (Vec::new(), Vec::new(), Vec::new());
        let (mut read, mut points) = (Vec::new(), 0);
        for _ in 0..LOOKS {
            // With the file opened anew SQLite has nothing in memory.
            let bench = Workbench::open(self.file).await?;
            forget(self.file)?;
            let before = read_bytes()?;
            cold.push(self.look(&bench, &mut points).await?);
            read.push((read_bytes()? - before) as f64 / 1000.0);
            bench.close().await;
            let bench = Workbench::open(self.file).await?;
            first.push(self.look(&bench, &mut points).await?);
            warm.push(self.look(&bench, &mut points).await?);
            bench.close().await;
        }
        let read = median(&mut read).0;
        println!(
            "{days:>10}{points:>9}{:>20}{:>18}{:>18}{:>18}",
            match read {
                0.0 => "never left memory".to_owned(),
                _ => shown(&mut cold),
            },
            format!("{read:.0}"),
            shown(&mut first),
            shown(&mut warm),
        );
        Ok(())
    }

    /// Milliseconds that it takes.
    async fn look(&self, bench: &Workbench, points: &mut usize) -> anyhow::Result<f64> {
        let start = Instant::now();
        let stretch = bench.stretch(self.topic, self.from, self.to, POINTS);
        if let Stretch::Numbers { points: all, .. } = stretch.await? {
            *points = all.len();
        }
        Ok(start.elapsed().as_secs_f64() * 1000.0)
    }
}

/// Lets the kernel forget what it has of the file.
fn forget(file: &Path) -> anyhow::Result<()> {
    let file = File::open(file)?;
    // Only what is on the disk can be forgotten.
    file.sync_all()?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}

/// What this process has had read from the disk.
fn read_bytes() -> anyhow::Result<u64> {
    let io = std::fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|line| line.strip_prefix("read_bytes:"));
    let count = line.context("this system does not count what is read")?;
    Ok(count.trim().parse()?)
}

fn shown(times: &mut [f64]) -> String {
    let (median, longest) = median(times);
    format!("{median:.1} ({longest:.1})")
}

/// With the greatest.
fn median(numbers: &mut [f64]) -> (f64, f64) {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.last().copied().unwrap_or_default();
    (
        numbers.get(numbers.len() / 2).copied().unwrap_or_default(),
        last,
    )
}

fn most_memory() -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.unwrap_or("unknown").trim().to_owned())
}
