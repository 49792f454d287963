//! Hearth's broker beside mosquitto and rumqttd, under one load generator.
//!
//! Each row runs every broker in turn, several times, and prints the median of
//! each and its ratio to mosquitto: the machine's speed may drift between
//! rows, not within one.

mod load;
mod pace;
mod peers;
mod rows;
mod table;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use peers::Setup;
use rows::{Amount, PACED, ROWS, latency, memory, throughput};

/// Compares the brokers. Build Hearth with --release first.
#[derive(Parser)]
struct Args {
    /// The program to measure
    #[arg(long, default_value = "target/release/hearth")]
    hearth: PathBuf,
    /// Where the brokers keep their data: on the disk whose speed counts
    #[arg(long, default_value = "target")]
    folder: PathBuf,
    /// Runs of each row of throughput
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// A tenth of the messages
    #[arg(long)]
    quick: bool,
    /// Only rows whose title holds this, such as "lasting" or "memory"
    #[arg(long)]
    only: Option<String>,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(clap::Subcommand)]
enum Role {
    /// Serves rumqttd on a port: the benchmark starts itself in this role
    #[command(hide = true)]
    Rumqttd { port: u16 },
}

impl Args {
    fn wants(&self, title: &str) -> bool {
        self.only.as_ref().is_none_or(|only| title.contains(only.as_str()))
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(Role::Rumqttd { port }) = args.role {
        return peers::serve_rumqttd(port);
    }
    let folder = fs::canonicalize(&args.folder)?;
    if is_memory(&folder)? {
        anyhow::bail!(
            "{} is in memory, and a disk is to be measured: name another folder with --folder",
            folder.display()
        );
    }
    let hearth = args.hearth.clone();
    let setup = Setup { hearth, folder, endless_queues: false };
    all_throughput(&args, &setup);
    if PACED.iter().any(|(title, _)| args.wants(title)) {
        table::head("one message each 2 ms, p50 / p99, µs", &["CPU, µs each"]);
    }
    for (title, paced) in PACED.into_iter().filter(|(title, _)| args.wants(title)) {
        latency(&setup, title, paced);
    }
    if args.wants("memory") {
        table::head("memory", &[]);
        memory(&setup)?;
    }
    Ok(())
}

fn all_throughput(args: &Args, setup: &Setup) {
    let wanted: Vec<_> = ROWS.into_iter().filter(|row| args.wants(row.title)).collect();
    if wanted.is_empty() {
        return;
    }
    let title = format!("messages per second, 64 bytes, median of {}", args.runs);
    table::head(&title, &["CPU, µs each", "of the load, µs each"]);
    let amount = Amount { runs: args.runs, quick: args.quick };
    let mut rates = Vec::new();
    for row in wanted {
        let rate = throughput(setup, &amount, row);
        rates.extend(rate.map(|rate| (row.title, rate)));
    }
    println!();
    for (title, rate) in &rates {
        let clean = title.strip_suffix(", lasting");
        let clean = clean.and_then(|clean| rates.iter().find(|(title, _)| *title == clean));
        if let Some((clean, of_clean)) = clean {
            println!("Hearth, {title}: {:.2} of {clean}", rate / of_clean);
        }
    }
    println!(
        "lasting: the subscriber's session outlives its connection; absent: its client is away. \
         mosquitto writes such messages every half hour and at its stop, rumqttd never: \
         Hearth alone has them on the disk when it acknowledges."
    );
}

/// Whether the folder is on a file system that is no disk.
fn is_memory(folder: &Path) -> anyhow::Result<bool> {
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((Path::new(fields.next()?), fields.next()?))
    });
    let around = mounts.filter(|(place, _)| folder.starts_with(place));
    let nearest = around.max_by_key(|(place, _)| place.components().count());
    Ok(nearest.is_some_and(|(_, kind)| matches!(kind, "tmpfs" | "ramfs")))
}
