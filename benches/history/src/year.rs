//! A year of one sensor at 1 Hz: to import it, and to draw it.

use std::path::Path;
use std::time::Instant;

use hearth::clock::{ClockQuality, UtcMillis};
use hearth::history::sample::Sample;
use hearth::history::workbench::Workbench;
use hearth::history::{Importer, Stretch};

use crate::load::Load;

const DAY_MS: i64 = 24 * 3_600_000;
/// As many points as a wide chart has pixels.
const POINTS: usize = 1000;

pub async fn measure(days: u32, file: &Path) -> anyhow::Result<()> {
    let load = Load::new(1, 1, days * 24 * 60);
    let (samples, begin) = (load.samples(), load.begin());
    let start = Instant::now();
    let mut importer = Importer::open(file).await?;
    let mut name = None;
    for (topic, at, value) in load {
        let sample = Sample {
            at,
            value,
            origin: None,
            clock: ClockQuality::Synchronised,
        };
        importer.push(&topic, sample).await?;
        name.get_or_insert(topic);
    }
    importer.finish().await?;
    let seconds = start.elapsed().as_secs_f64();
    let size = std::fs::metadata(file)?.len() as f64;
    println!(
        "{days} days of one series at 1 Hz: {samples} samples imported in {seconds:.1} s, {:.1} MB, \
         {:.2} B each; most memory {}",
        size / 1e6,
        size / samples as f64,
        most_memory()?,
    );
    let end = UtcMillis(begin.0 + i64::from(days) * DAY_MS);
    for span in [1, 30, 365_i64] {
        let from = UtcMillis(end.0 - span * DAY_MS);
        let mut times = Vec::new();
        let mut points = 0;
        for _ in 0..2 {
            // The file anew: SQLite has nothing in memory then, though the kernel has.
            let bench = Workbench::open(file).await?;
            for _ in 0..5 {
                let start = Instant::now();
                let stretch = bench.stretch(name.as_deref().unwrap_or_default(), from, end, POINTS);
                if let Stretch::Numbers { points: all, .. } = stretch.await? {
                    points = all.len();
                }
                times.push(start.elapsed().as_secs_f64() * 1000.0);
            }
            bench.close().await;
        }
        let first = times[5];
        times.sort_by(f64::total_cmp);
        println!(
            "{span:>5} days: {points} points in {:.1} ms, the first time {first:.1} ms",
            times[times.len() / 2],
        );
    }
    println!("most memory {}", most_memory()?);
    Ok(())
}

fn most_memory() -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.unwrap_or("unknown").trim().to_owned())
}
