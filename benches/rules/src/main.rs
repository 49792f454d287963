//! One rule in Hearth and in Node-RED, from a client's reading to another client's command;
//! and Hearth's engine alone.
//!
//! Every run goes through all houses, several times, and what is printed is the median of
//! each: the machine's speed may drift between runs, and hits all of them.

mod engine;
mod house;
mod load;
mod memory;
mod rows;
mod rule;
mod table;
#[path = "../../broker/src/wire.rs"]
mod wire;

use std::fs;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use house::Setup;
use rows::Amount;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// Measures rules. `scripts/bench-rules` builds and installs what it needs.
#[derive(Parser)]
struct Args {
    /// The program to measure
    #[arg(long, default_value = "target/release/hearth")]
    hearth: PathBuf,
    /// Where `npm install` put Node-RED
    #[arg(long, default_value = "target/node-red")]
    node_red: PathBuf,
    /// Where the houses keep their data: on the disk whose speed counts
    #[arg(long, default_value = "target")]
    folder: PathBuf,
    /// Repetitions, of which the median counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// QoS of the readings; at 0 Node-RED answers soonest
    #[arg(long, default_value_t = 0)]
    qos: u8,
    /// One part only
    #[arg(long)]
    part: Option<Part>,
    /// Only rows whose title holds this, such as "Hearth" or "fire one rule"
    #[arg(long, default_value = "")]
    only: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Houses,
    Engine,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    beside()?;
    if args.part != Some(Part::Engine) {
        let setup = Setup {
            hearth: fs::canonicalize(&args.hearth)?,
            node_red: fs::canonicalize(&args.node_red)?,
            folder: fs::canonicalize(&args.folder)?,
        };
        let amount = Amount {
            runs: args.runs,
            qos: args.qos,
            only: args.only.clone(),
        };
        rows::compare(&setup, &amount)?;
    }
    if args.part != Some(Part::Houses) {
        engine::measure(args.runs, &args.only)?;
    }
    beside()
}

/// Says how busy the machine is, this benchmark included.
fn beside() -> anyhow::Result<()> {
    let load = fs::read_to_string("/proc/loadavg")?;
    let mine = load.split(' ').take(2).collect::<Vec<_>>().join(" and ");
    let cores = std::thread::available_parallelism()?;
    println!(
        "Processes that run or want to, in the last 1 and 5 minutes: {mine}, on {cores} cores."
    );
    Ok(())
}
