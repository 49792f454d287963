//! How long a house takes from the last byte of a reading on a serial line to the first
//! byte of the command that a rule makes of it; and how many samples an emulated Uno gets
//! through without loss.
//!
//! Beside Hearth runs what a course builds in an afternoon: mosquitto, and a Python script
//! with pyserial and paho-mqtt that moves lines and switches. The boards are the same
//! program at the other end of pseudoterminals.

mod board;
mod house;
mod samples;

use std::path::PathBuf;
use std::time::Duration;

use board::{Speech, Times};
use clap::Parser;
use house::House;

/// Measures boards. Build Hearth with --release first; needs mosquitto, python3-paho-mqtt
/// and python3-serial.
#[derive(Parser)]
struct Args {
    /// The program to measure
    #[arg(long, default_value = "target/release/hearth")]
    hearth: PathBuf,
    /// Boards at once
    #[arg(long, default_value_t = 10)]
    boards: usize,
    /// Readings of each board, ten a second
    #[arg(long, default_value_t = 300)]
    readings: usize,
    /// The emulated Uno, which `tests/uno/build` makes, for the samples
    #[arg(long, default_value = "target/emulator/uno")]
    emulator: PathBuf,
    /// Its firmware
    #[arg(long, default_value = "target/firmware/uno.elf")]
    firmware: PathBuf,
    /// How long the samples are counted
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let hearth = std::fs::canonicalize(&args.hearth)?;
    println!("| from a reading to its command, ten readings a second of each board, ms | p50 | p99 | lost |");
    println!("|---|---|---|---|");
    for boards in [1, args.boards] {
        let script = board::measure(boards, args.readings, Speech::Text, House::script)?;
        print("mosquitto and a Python script, text", boards, &script, &script);
        for (title, speech) in [("Hearth, text", Speech::Text), ("Hearth, frames", Speech::Frames)] {
            let times = board::measure(boards, args.readings, speech, |ports| {
                House::hearth(&hearth, ports, speech)
            })?;
            print(title, boards, &times, &script);
        }
    }
    let seconds = Duration::from_secs(args.seconds);
    let samples = samples::count(&hearth, &args.emulator, &args.firmware, seconds)?;
    println!("\nOne Uno at 115200 Bd, six analog inputs that change all the time: {samples}");
    Ok(())
}

/// With the ratio to the script's times.
fn print(title: &str, boards: usize, times: &Times, script: &Times) {
    let cell = |percent| {
        let (time, of_script) = (times.percentile(percent), script.percentile(percent));
        format!("{time:.2} ({:.2})", time / of_script)
    };
    println!("| {title}, boards: {boards} | {} | {} | {} |", cell(50), cell(99), times.lost);
}
