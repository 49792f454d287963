//! The rows of the comparison: each runs every broker in turn, several times,
//! and shows the median of each.

use std::time::Duration;

use anyhow::Context;

use crate::load::{Load, Outcome, run, run_absent};
use crate::pace::{Times, to_keep, to_receive};
use crate::peers::{ALL, Peer, Running, Setup, cpu};
use crate::table::{self, compared, number};
use crate::wire::Wire;

const PAYLOAD: usize = 64;
/// Paced messages of one run.
const SAMPLES: usize = 1000;
const CROWD: usize = 1000;

/// A row of throughput.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub title: &'static str,
    publishers: usize,
    subscribers: usize,
    qos: u8,
    /// Of each publisher.
    messages: usize,
    sessions: Sessions,
}

/// What becomes of the subscribers' sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sessions {
    Clean,
    Lasting,
    /// Lasting, and their clients are away.
    Absent,
}

const fn row(
    title: &'static str,
    (publishers, subscribers): (usize, usize),
    qos: u8,
    messages: usize,
    sessions: Sessions,
) -> Row {
    Row { title, publishers, subscribers, qos, messages, sessions }
}

pub const ROWS: [Row; 9] = [
    row("QoS 0, 1→1", (1, 1), 0, 1_000_000, Sessions::Clean),
    row("QoS 0, 10→1", (10, 1), 0, 100_000, Sessions::Clean),
    row("QoS 0, 1→50", (1, 50), 0, 50_000, Sessions::Clean),
    row("QoS 1, 1→1", (1, 1), 1, 100_000, Sessions::Clean),
    row("QoS 1, 10→1", (10, 1), 1, 10_000, Sessions::Clean),
    row("QoS 1, 1→50", (1, 50), 1, 5_000, Sessions::Clean),
    row("QoS 1, 1→1, lasting", (1, 1), 1, 100_000, Sessions::Lasting),
    row("QoS 1, 10→1, lasting", (10, 1), 1, 10_000, Sessions::Lasting),
    row("QoS 1, 10→1, absent", (10, 1), 1, 10_000, Sessions::Absent),
];

/// How often, and how much.
#[derive(Clone, Debug)]
pub struct Amount {
    pub runs: usize,
    /// A tenth of the messages.
    pub quick: bool,
}

/// One run: what came of it, and the broker's CPU time.
#[derive(Clone, Copy, Debug)]
struct Run {
    outcome: Outcome,
    cpu: Duration,
    /// The same of the publishers and subscribers.
    load_cpu: Duration,
}

impl Run {
    /// CPU time of the broker for each message, in microseconds.
    fn cpu_each(&self) -> f64 {
        self.each(self.cpu)
    }

    fn load_cpu_each(&self) -> f64 {
        self.each(self.load_cpu)
    }

    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.outcome.done.max(1) as f64
    }
}

/// Runs the row, prints it, and returns Hearth's rate.
pub fn throughput(setup: &Setup, amount: &Amount, row: Row) -> Option<f64> {
    let mut runs: Vec<[Vec<Run>; 2]> = vec![Default::default(); ALL.len()];
    for _ in 0..amount.runs {
        for (peer, [first, second]) in ALL.iter().zip(&mut runs) {
            match once(*peer, setup, amount, row) {
                Ok((run, then)) => {
                    first.push(run);
                    second.extend(then);
                }
                Err(error) => eprintln!("{} fails at {}: {error:#}", peer.name(), row.title),
            }
        }
    }
    let [first, second]: [Vec<Option<Run>>; 2] =
        [0, 1].map(|part| runs.iter().map(|runs| median(runs[part].clone())).collect());
    show(row.title, &first);
    if row.sessions == Sessions::Absent {
        show(&format!("{}, then taken", row.title), &second);
    }
    first.last().copied().flatten().map(|run| run.outcome.rate())
}

fn once(peer: Peer, setup: &Setup, amount: &Amount, row: Row) -> anyhow::Result<(Run, Option<Run>)> {
    let is_absent = row.sessions == Sessions::Absent;
    let setup = Setup { endless_queues: is_absent, ..setup.clone() };
    let broker = peer.start(&setup)?;
    let load = Load {
        port: broker.port,
        qos: row.qos,
        publishers: row.publishers,
        subscribers: row.subscribers,
        messages: if amount.quick { row.messages / 10 } else { row.messages },
        payload: PAYLOAD,
        lasting: row.sessions != Sessions::Clean,
    };
    let (before, load_before) = (broker.cpu(), cpu("self"));
    let (outcome, then) = match is_absent {
        true => run_absent(&load).map(|(kept, taken)| (kept, Some(taken)))?,
        false => (run(&load)?, None),
    };
    // The time of both parts is shown with the first: it is spent on a message.
    let run = Run { outcome, cpu: broker.cpu() - before, load_cpu: cpu("self") - load_before };
    let no_time = |outcome| Run { outcome, cpu: Duration::ZERO, load_cpu: Duration::ZERO };
    Ok((run, then.map(no_time)))
}

fn median(mut runs: Vec<Run>) -> Option<Run> {
    runs.sort_by(|a, b| a.outcome.rate().total_cmp(&b.outcome.rate()));
    runs.get(runs.len() / 2).copied()
}

fn show(title: &str, runs: &[Option<Run>]) {
    let rates: Vec<_> = runs.iter().map(|run| run.map(|run| run.outcome.rate())).collect();
    let mut cells = compared(&rates);
    for (cell, run) in cells.iter_mut().zip(runs) {
        let lost = run.map_or(0, |run| run.outcome.lost());
        if lost > 0 {
            cell.push_str(&format!(" LOST {}", number(lost as f64)));
        }
    }
    let has_cpu = runs.iter().flatten().any(|run| !run.cpu.is_zero());
    for each in [Run::cpu_each, Run::load_cpu_each] {
        let cell = |run: &Option<Run>| run.map_or("-".to_owned(), |run| number(each(&run)));
        let all: Vec<String> = runs.iter().map(cell).collect();
        cells.push(if has_cpu { all.join(" / ") } else { String::new() });
    }
    table::row(title, &cells);
}

/// What is measured message by message.
#[derive(Clone, Copy, Debug)]
pub enum Paced {
    Receive { qos: u8, lasting: bool },
    Keep,
}

pub const PACED: [(&str, Paced); 4] = [
    ("QoS 0, publish to receive", Paced::Receive { qos: 0, lasting: false }),
    ("QoS 1, publish to receive", Paced::Receive { qos: 1, lasting: false }),
    ("QoS 1, lasting, publish to receive", Paced::Receive { qos: 1, lasting: true }),
    ("QoS 1, absent, publish to PUBACK", Paced::Keep),
];

/// Prints p50 and p99 of each broker, and its CPU time for each message.
pub fn latency(setup: &Setup, title: &str, paced: Paced) {
    let (mut cells, mut cpu) = (Vec::new(), Vec::new());
    for peer in ALL {
        match pace(peer, setup, paced) {
            Ok((times, each)) => {
                let at = |percent| number(times.percentile(percent));
                cells.push(format!("{} / {}", at(50), at(99)));
                cpu.push(number(each));
            }
            Err(error) => {
                eprintln!("{} fails at {title}: {error:#}", peer.name());
                cells.push("failed".to_owned());
                cpu.push("-".to_owned());
            }
        }
    }
    cells.push(cpu.join(" / "));
    table::row(title, &cells);
}

fn pace(peer: Peer, setup: &Setup, paced: Paced) -> anyhow::Result<(Times, f64)> {
    let broker = peer.start(setup)?;
    let before = broker.cpu();
    let times = match paced {
        Paced::Receive { qos, lasting } => to_receive(broker.port, qos, lasting, SAMPLES)?,
        Paced::Keep => to_keep(broker.port, SAMPLES)?,
    };
    let cpu = broker.cpu() - before;
    Ok((times, cpu.as_secs_f64() * 1e6 / SAMPLES as f64))
}

/// Prints what each broker needs while nothing happens.
pub fn memory(setup: &Setup) -> anyhow::Result<()> {
    let (mut idle, mut crowded, mut start) = (Vec::new(), Vec::new(), Vec::new());
    for peer in ALL {
        let broker = peer.start(setup)?;
        std::thread::sleep(Duration::from_secs(1));
        idle.push(number(broker.rss()));
        let _clients = crowd(&broker, CROWD).with_context(|| peer.name())?;
        std::thread::sleep(Duration::from_secs(1));
        crowded.push(number(broker.rss()));
        start.push(broker.started_in.as_millis().to_string());
    }
    table::row("idle, MB", &idle);
    table::row("1,000 clients of 20 subscriptions, MB", &crowded);
    table::row("start to the first connection, ms", &start);
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
