//! Hearth's broker beside mosquitto and rumqttd, under one load generator.
//!
//! Each row runs every broker in turn, several times, and prints the median of
//! each and its ratio to mosquitto: the machine's speed may drift between
//! rows, not within one.

mod load;
mod peers;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use load::{Load, Outcome, latency, run};
use peers::{ALL, Peer, Running};
use wire::Wire;

/// Compares the brokers. Build Hearth with --release first.
#[derive(Parser)]
struct Args {
    /// The program to measure
    #[arg(long, default_value = "target/release/hearth")]
    hearth: PathBuf,
    /// Runs of each row
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// A tenth of the messages
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(clap::Subcommand)]
enum Role {
    /// Serves rumqttd on a port: the benchmark starts itself in this role
    #[command(hide = true)]
    Rumqttd { port: u16 },
}

/// Publishers, subscribers, QoS, messages of each publisher.
const ROWS: [(usize, usize, u8, usize); 6] = [
    (1, 1, 0, 1_000_000),
    (10, 1, 0, 100_000),
    (1, 50, 0, 50_000),
    (1, 1, 1, 100_000),
    (10, 1, 1, 10_000),
    (1, 50, 1, 5_000),
];

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(Role::Rumqttd { port }) = args.role {
        return peers::serve_rumqttd(port);
    }
    println!("deliveries per second, payload 64 bytes, median of {} runs", args.runs);
    for row in ROWS {
        throughput(&args, row)?;
    }
    println!("\npublish to receive, one message each 2 ms, microseconds");
    for qos in [0, 1] {
        for peer in ALL {
            let broker = peer.start(&args.hearth)?;
            let taken = latency(broker.port, qos, 1000, Duration::from_millis(2))?;
            let at = |percent: usize| taken[taken.len() * percent / 100];
            println!("QoS {qos} {:<10} p50 {:>5}  p99 {:>6}", peer.name(), at(50), at(99));
        }
    }
    println!("\nmemory in MB, and milliseconds from start to the first connection");
    for peer in ALL {
        memory(&args, peer)?;
    }
    Ok(())
}

fn throughput(
    args: &Args,
    (publishers, subscribers, qos, messages): (usize, usize, u8, usize),
) -> anyhow::Result<()> {
    let messages = if args.quick { messages / 10 } else { messages };
    let mut rates: Vec<Vec<Outcome>> = vec![Vec::new(); ALL.len()];
    for _ in 0..args.runs {
        for (peer, rates) in ALL.iter().zip(&mut rates) {
            let broker = peer.start(&args.hearth)?;
            let load = Load {
                port: broker.port,
                qos,
                publishers,
                subscribers,
                messages,
                payload: 64,
                lasting: false,
            };
            rates.push(run(&load).with_context(|| peer.name())?);
        }
    }
    print!("QoS {qos} {publishers:>2}→{subscribers:<3}");
    let medians: Vec<Outcome> = rates.into_iter().map(median).collect();
    for (peer, outcome) in ALL.iter().zip(&medians) {
        let ratio = outcome.rate() / medians[0].rate();
        let lost = outcome.expected - outcome.delivered;
        print!("  {} {:>9.0} ({ratio:>5.1}×)", peer.name(), outcome.rate());
        if lost > 0 {
            print!(" LOST {lost}");
        }
    }
    println!();
    Ok(())
}

fn median(mut outcomes: Vec<Outcome>) -> Outcome {
    outcomes.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    outcomes[outcomes.len() / 2]
}

fn memory(args: &Args, peer: Peer) -> anyhow::Result<()> {
    let broker = peer.start(&args.hearth)?;
    std::thread::sleep(Duration::from_secs(1));
    let idle = broker.rss();
    let clients = crowd(&broker, 1000)?;
    std::thread::sleep(Duration::from_secs(1));
    println!(
        "{:<10} idle {idle:>5.1}  with {} clients of 20 subscriptions {:>5.1}  start {:>5} ms",
        peer.name(),
        clients.len(),
        broker.rss(),
        broker.started_in.as_millis(),
    );
    Ok(())
}

fn crowd(broker: &Running, count: usize) -> anyhow::Result<Vec<std::net::TcpStream>> {
    (0..count)
        .map(|index| {
            let mut wire = Wire::connect(broker.port, &format!("bench-idle-{index}"), true)?;
            let filters: Vec<_> = (0..20).map(|n| format!("idle/{index}/{n}/+")).collect();
            wire.subscribe(&filters, 1)?;
            // The stream alone: the wire's large buffer is the generator's.
            Ok(wire.stream)
        })
        .collect()
}
