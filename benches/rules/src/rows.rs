//! The houses in turn, several times: how many readings they bear, how long a reading takes
//! to its command, and what memory they need.

use anyhow::Context;

use crate::house::{House, Kind, Setup};
use crate::load::{Load, Outcome, Way, prepare, run};
use crate::rule::Layout;
use crate::table::{self, median, number};

/// Readings on their way, where the next ones wait for commands.
const ON_THE_WAY: usize = 1000;
/// Readings per second.
const PACES: [f64; 2] = [500.0, 2000.0];
const PACED_SECONDS: f64 = 2.0;

/// One house of the comparison.
#[derive(Clone, Copy, Debug)]
struct Row {
    title: &'static str,
    kind: Kind,
    rooms: usize,
    /// The first rooms, which say something; the others should cost nothing.
    speaking: usize,
    /// Readings of the unpaced runs, for some seconds. 0 where a rule's own limit of 50
    /// actions a second would be what is measured.
    readings: usize,
}

const fn row(
    title: &'static str,
    kind: Kind,
    rooms: usize,
    speaking: usize,
    readings: usize,
) -> Row {
    Row {
        title,
        kind,
        rooms,
        speaking,
        readings,
    }
}

/// The first one is what the others are compared with.
const ROWS: [Row; 6] = [
    row("Node-RED, 1 room", TAB_EACH, 1, 1, 20_000),
    row("Node-RED, 100 rooms, a tab each", TAB_EACH, 100, 100, 5_000),
    row(
        "Node-RED, 2,000 rooms on one tab",
        ONE_TAB,
        2000,
        2000,
        20_000,
    ),
    row("Hearth, 100 rules", Kind::Hearth, 100, 100, 0),
    row("Hearth, 2,000 rules", Kind::Hearth, 2000, 2000, 100_000),
    row(
        "Hearth, 10,000 rules, 2,000 rooms speak",
        Kind::Hearth,
        10_000,
        2000,
        30_000,
    ),
];

const TAB_EACH: Kind = Kind::NodeRed(Layout::TabEach);
const ONE_TAB: Kind = Kind::NodeRed(Layout::OneTab);

/// What one run of one house showed.
struct Run {
    ready: f64,
    idle: (f64, f64),
    after: (f64, f64),
    unpaced: Vec<Outcome>,
    paced: Vec<Outcome>,
}

/// How much is done.
#[derive(Clone, Debug)]
pub struct Amount {
    pub runs: usize,
    /// QoS of the readings.
    pub qos: u8,
    /// Only rows whose title holds this.
    pub only: String,
}

/// Runs the houses and prints their tables.
pub fn compare(setup: &Setup, amount: &Amount) -> anyhow::Result<()> {
    let rows = ROWS
        .into_iter()
        .filter(|row| row.title.contains(&amount.only));
    let mut all: Vec<(Row, Vec<Run>)> = rows.map(|row| (row, Vec::new())).collect();
    for _ in 0..amount.runs {
        for (row, runs) in &mut all {
            runs.push(once(setup, *row, amount.qos).context(row.title)?);
        }
    }
    if all.is_empty() {
        return Ok(());
    }
    throughput(&all, amount);
    latency(&all, amount);
    memory(&all, amount);
    Ok(())
}

fn once(setup: &Setup, row: Row, qos: u8) -> anyhow::Result<Run> {
    let mut house = row.kind.start(setup, row.rooms)?;
    let ready = prepare(&mut house, row.speaking)?.as_secs_f64();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let idle = house.memory();
    let load = |house: &House, readings, way| {
        run(
            house,
            Load {
                rooms: row.speaking,
                readings,
                qos,
                way,
            },
        )
    };
    let mut paced = Vec::new();
    for pace in PACES {
        let readings = (pace * PACED_SECONDS) as usize;
        // One room is asked no more often than its rule may act.
        let slow_enough = pace / 2.0 / row.speaking as f64 <= 40.0 || row.kind != Kind::Hearth;
        paced.extend(
            slow_enough
                .then(|| load(&house, readings, Way::Paced(pace)))
                .transpose()?,
        );
    }
    let mut unpaced = Vec::new();
    for way in [Way::Window(ON_THE_WAY), Way::AllAtOnce] {
        if row.readings > 0 {
            unpaced.push(load(&house, row.readings, way)?);
        }
    }
    let after = house.memory();
    house.check()?;
    Ok(Run {
        ready,
        idle,
        after,
        unpaced,
        paced,
    })
}

fn throughput(all: &[(Row, Vec<Run>)], amount: &Amount) {
    let title = format!("readings per second, median of {}", amount.runs);
    let columns = [
        "as commands come back",
        "CPU, µs each",
        "all at once",
        "CPU, µs each",
    ];
    table::head(&title, &columns.map(str::to_owned));
    let measured = || all.iter().filter(|(row, _)| row.readings > 0);
    let rate = |runs: &[Run], way: usize| median(runs.iter().map(|run| run.unpaced[way].rate()));
    let Some((_, first)) = measured().next() else {
        return;
    };
    for (row, runs) in measured() {
        let mut cells = Vec::new();
        for way in 0..2 {
            let lost: usize = runs.iter().map(|run| run.unpaced[way].lost()).sum();
            let (rate, ratio) = (rate(runs, way), rate(runs, way) / rate(first, way));
            cells.push(format!("{} ({ratio:.1}×){}", number(rate), told(lost)));
            cells.push(cpu(runs.iter().map(|run| &run.unpaced[way])));
        }
        table::row(row.title, &cells);
    }
    println!(
        "\nOf two readings one becomes a command, at QoS 1. The readings have QoS {}.",
        amount.qos
    );
}

fn latency(all: &[(Row, Vec<Run>)], amount: &Amount) {
    let title = format!(
        "from a reading to its command, p50 / p99, µs, median of {}",
        amount.runs
    );
    let columns = PACES.map(|pace| format!("{} readings a second", number(pace)));
    let columns = columns
        .into_iter()
        .flat_map(|pace| [pace, "CPU, µs each".to_owned()]);
    table::head(&title, &columns.collect::<Vec<_>>());
    for (row, runs) in all {
        let mut cells = Vec::new();
        for pace in 0..runs[0].paced.len() {
            let at = |percent| {
                number(median(
                    runs.iter().map(|run| run.paced[pace].percentile(percent)),
                ))
            };
            let lost: usize = runs.iter().map(|run| run.paced[pace].lost()).sum();
            cells.push(format!("{} / {}{}", at(50), at(99), told(lost)));
            cells.push(cpu(runs.iter().map(|run| &run.paced[pace])));
        }
        table::row(row.title, &cells);
    }
}

fn memory(all: &[(Row, Vec<Run>)], amount: &Amount) {
    let title = format!(
        "memory of all processes, RSS / PSS, MB, median of {}",
        amount.runs
    );
    table::head(
        &title,
        &["idle", "after the runs", "start to first command, s"].map(str::to_owned),
    );
    for (row, runs) in all {
        let pair = |of: fn(&Run) -> (f64, f64)| {
            let part =
                |pick: fn((f64, f64)) -> f64| number(median(runs.iter().map(|run| pick(of(run)))));
            format!("{} / {}", part(|(rss, _)| rss), part(|(_, pss)| pss))
        };
        let ready = median(runs.iter().map(|run| run.ready));
        let cells = [
            pair(|run| run.idle),
            pair(|run| run.after),
            format!("{ready:.2}"),
        ];
        table::row(row.title, &cells);
    }
}

fn cpu<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    number(median(outcomes.map(Outcome::cpu_each)))
}

fn told(lost: usize) -> String {
    match lost {
        0 => String::new(),
        lost => format!(" LOST {}", number(lost as f64)),
    }
}
