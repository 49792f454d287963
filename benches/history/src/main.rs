//! What a sample costs: bytes written to the disk, bytes that stay on it, and time, for
//! Hearth's history beside a plain table and Home Assistant's pattern.
//!
//! Time is accelerated: commits come one after the other, with the samples that each would
//! have had. Bytes written are those that the kernel counts for this process; on a file system in
//! memory there are none.

mod load;
mod progress;
mod recordings;
mod replay;
mod rows;
mod table;
mod ways;
mod year;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use hearth::history::workbench::Row;

use load::Load;
use recordings::Recordings;
use ways::{Cost, Way};

const HELP: &str = "\
How to read it:
  written B   bytes that went to the disk for each sample, as /proc/self/io counts them:
              whole pages of 4096, the sync of each commit, sealing and folding the log
  stored B    bytes by which the file has grown for each sample, at the end; files were made
              before, for a house does that once
  1 : n       Hearth to the one of this line; above 1.00 the other needs more

  block limit is a file that gets nothing but Hearth's blocks, one fdatasync each: no log
  that syncs as often can write less than these pages. It cannot draw a chart.

Try it small first:
  scripts/bench-history --minutes 1 --data-days 1 --days 2
Only what real sensors said, from a folder with the recordings:
  scripts/bench-history --only recordings --data target/recordings
Without a network:
  scripts/bench-history --only walks,fast,year

Let nothing else run beside it, and name a folder on the disk that is meant: in memory
(tmpfs) nothing is counted as written, and nothing is ever cold.";

/// Measures what history costs the disk.
#[derive(Parser)]
#[command(after_help = HELP)]
struct Args {
    /// A folder on a real disk
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Minutes of accelerated time
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    minutes: u32,
    /// Series of the walks
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    series: u32,
    /// Imports so many days of one series at 1 Hz as well, and draws charts of them
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// The folder with the recordings of real sensors, which scripts/bench-history fetches
    #[arg(long)]
    data: Option<PathBuf>,
    /// Days of the weather that are replayed at their own times, of 30
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=30))]
    data_days: u32,
    /// Only these parts, with commas between them
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Made-up sensors: walks of two decimals at 1 and 20 Hz each
    Walks,
    /// Real sensors, at their own times and at 1, 20 and 400 samples a second in all
    Recordings,
    /// Hearth alone, as fast as it goes
    Fast,
    /// A year of one series at 1 Hz, imported and drawn
    Year,
}

impl Args {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if args.wants(Part::Walks) {
        walks(&args).await?;
    }
    if args.wants(Part::Recordings) {
        match &args.data {
            Some(folder) => replays(&args, &Recordings::read(folder)?).await?,
            None if args.only.is_empty() => println!("\nno recordings: --data names none"),
            None => anyhow::bail!("recordings are wanted, but --data names no folder with them"),
        }
    }
    if args.wants(Part::Fast) {
        fast(&args).await?;
    }
    if args.wants(Part::Year) && args.days > 0 {
        let folder = scratch(&args.folder)?;
        year::measure(args.days, &folder.path().join("history.db")).await?;
    }
    Ok(())
}

async fn walks(args: &Args) -> anyhow::Result<()> {
    for rate in [1, 20] {
        table::title(&format!(
            "walks: {} made-up series at {rate} Hz each, {} minutes",
            args.series, args.minutes
        ));
        let load = || Load::new(args.series, rate, args.minutes);
        compare(args, load().samples(), load).await?;
    }
    Ok(())
}

async fn replays(args: &Args, recordings: &Recordings) -> anyhow::Result<()> {
    const DAY_MS: i64 = 24 * 3_600_000;
    println!(
        "\nrecordings: weather by the minute of BSRN Payerne (June 2016, 7 series), NREL MIDC (a \
         day, 4)\nand NOAA SURFRAD Alamosa (a day, 8) from pvlib 0.10.5, a pulse sensor from \
         heartpy 1.2.7 (11 minutes)"
    );
    let days = args.data_days;
    let rows = replay::as_it_was(
        recordings.minutes.iter(),
        DAY_MS.saturating_mul(days.into()),
    );
    table::title(&format!(
        "weather at its own times: {} series for a day, 7 for {days}, all in the same second of \
         a minute",
        recordings.minutes.len()
    ));
    compare(args, rows.len(), || rows.iter().cloned()).await?;
    let rows = replay::as_it_was([&recordings.pulse].into_iter(), i64::MAX);
    table::title("the pulse sensor at its own times: 1 series at 100 Hz, 11 minutes");
    compare(args, rows.len(), || rows.iter().cloned()).await?;
    for per_second in [1, 20, 400] {
        let rows = replay::in_turn(recordings.all(), per_second, args.minutes);
        table::title(&format!(
            "all {} recordings in turn, {per_second} a second in all, {} minutes: real values at \
             another pace,\n0 to 6 ms off the beat as over a network; a recording that ends \
             begins again",
            recordings.all().count(),
            args.minutes
        ));
        compare(args, rows.len(), || rows.iter().cloned()).await?;
    }
    Ok(())
}

/// One line for each way to keep these samples.
async fn compare<I: Iterator<Item = Row>>(
    args: &Args,
    samples: usize,
    rows: impl Fn() -> I,
) -> anyhow::Result<()> {
    let others = [
        Way::Hearth { seconds: 60 },
        Way::Table { seconds: 10 },
        Way::HomeAssistant { seconds: 1 },
        Way::HomeAssistant { seconds: 5 },
        Way::Blocks { seconds: 10 },
    ];
    let hearth = one(args, Way::Hearth { seconds: 10 }, rows(), samples).await?;
    table::line(&hearth, Some(&hearth));
    for way in others {
        let cost = one(args, way, rows(), samples).await?;
        table::line(&cost, Some(&hearth));
    }
    Ok(())
}

async fn fast(args: &Args) -> anyhow::Result<()> {
    let load = Load::new(args.series, 1000, 2);
    let samples = load.samples();
    table::title(&format!("as fast as it goes: {samples} samples of walks"));
    let way = Way::HearthAtOnce { samples: 16_384 };
    table::line(&one(args, way, load, samples).await?, None);
    Ok(())
}

async fn one(
    args: &Args,
    way: Way,
    rows: impl Iterator<Item = Row>,
    samples: usize,
) -> anyhow::Result<Cost> {
    let folder = scratch(&args.folder)?;
    let measured = way.measure(rows, samples, folder.path()).await;
    measured.with_context(|| format!("{} failed", way.name()))
}

fn scratch(folder: &Path) -> anyhow::Result<tempfile::TempDir> {
    tempfile::tempdir_in(folder).with_context(|| format!("cannot write to {}", folder.display()))
}
