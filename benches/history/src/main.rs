//! What a sample costs: bytes written to the disk, bytes that stay on it, and time, for
//! Hearth's history beside a plain table and Home Assistant's pattern.
//!
//! Time is accelerated: commits come one after the other, with the samples that each would
//! have had. Bytes written are those that the kernel counts for this process; on a file system in
//! memory there are none.

mod load;
mod rows;
mod year;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use hearth::history::meter;
use hearth::history::workbench::Workbench;

use load::Load;
use rows::Rows;

/// Measures what history costs the disk.
#[derive(Parser)]
struct Args {
    /// A folder on a real disk
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Minutes of accelerated time
    #[arg(long, default_value_t = 10)]
    minutes: u32,
    #[arg(long, default_value_t = 20)]
    series: u32,
    /// Imports so many days of one series at 1 Hz as well, and draws charts of them
    #[arg(long, default_value_t = 365)]
    days: u32,
}

/// What was measured of one of them.
struct Cost {
    name: &'static str,
    samples: usize,
    seconds: f64,
    written: u64,
    stored: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    for rate in [1, 20] {
        println!(
            "{} series at {rate} Hz, {} minutes",
            args.series, args.minutes
        );
        println!(
            "{:<44}{:>12}{:>14}{:>14}",
            "", "samples/s", "written B", "stored B"
        );
        for kind in ["hearth", "rows", "home-assistant"] {
            let load = Load::new(args.series, rate, args.minutes);
            let folder = tempfile::tempdir_in(&args.folder)?;
            tell(&measure(kind, load, &folder.path().join("history.db")).await?);
        }
    }
    let load = Load::new(args.series, 1000, 2);
    println!(
        "as fast as it goes, {} samples, 16,384 a commit",
        load.samples()
    );
    let folder = tempfile::tempdir_in(&args.folder)?;
    tell(&hearth(load, &folder.path().join("history.db"), Some(16_384)).await?);
    if args.days > 0 {
        let folder = tempfile::tempdir_in(&args.folder)?;
        year::measure(args.days, &folder.path().join("history.db")).await?;
    }
    Ok(())
}

async fn measure(kind: &str, load: Load, file: &Path) -> anyhow::Result<Cost> {
    match kind {
        "hearth" => hearth(load, file, None).await,
        "rows" => rows(load, file, false).await,
        _ => rows(load, file, true).await,
    }
}

/// With commits every ten seconds, or of so many samples.
async fn hearth(load: Load, file: &Path, at_once: Option<usize>) -> anyhow::Result<Cost> {
    let samples = load.samples();
    let every = at_once.unwrap_or(load.per_second() * 10);
    let began = written()?;
    let start = Instant::now();
    let mut bench = Workbench::open(file).await?;
    let (mut now, mut rows) = (load.begin(), Vec::with_capacity(every));
    for row in load {
        now = row.1;
        rows.push(row);
        if rows.len() == every {
            bench.commit(std::mem::take(&mut rows), now).await?;
        }
    }
    if !rows.is_empty() {
        bench.commit(rows, now).await?;
    }
    bench.seal(now).await?;
    bench.close().await;
    cost(
        "Hearth, synced every 10 s, sealed at the end",
        samples,
        start,
        began,
        file,
    )
}

async fn rows(load: Load, file: &Path, as_home_assistant: bool) -> anyhow::Result<Cost> {
    let samples = load.samples();
    let seconds = if as_home_assistant { 1 } else { 10 };
    let every = load.per_second() * seconds;
    let began = written()?;
    let start = Instant::now();
    let mut table = Rows::open(file, as_home_assistant).await?;
    let all: Vec<_> = load.collect();
    for part in all.chunks(every) {
        table.commit(part).await?;
    }
    table.close().await?;
    let name = if as_home_assistant {
        "Home Assistant's tables, commit every second"
    } else {
        "a table by series and time, every 10 s"
    };
    cost(name, samples, start, began, file)
}

fn cost(
    name: &'static str,
    samples: usize,
    start: Instant,
    began: u64,
    file: &Path,
) -> anyhow::Result<Cost> {
    Ok(Cost {
        name,
        samples,
        seconds: start.elapsed().as_secs_f64(),
        written: written()? - began,
        stored: std::fs::metadata(file)?.len(),
    })
}

fn written() -> anyhow::Result<u64> {
    meter::written().context("this system does not count what is written")
}

fn tell(cost: &Cost) {
    let each = |bytes: u64| bytes as f64 / cost.samples as f64;
    println!(
        "{:<44}{:>12.0}{:>14.1}{:>14.2}",
        cost.name,
        cost.samples as f64 / cost.seconds,
        each(cost.written),
        each(cost.stored),
    );
}
