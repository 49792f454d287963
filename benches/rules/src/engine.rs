//! Hearth's engine alone: events of a virtual clock in, outcomes out, on one core.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use hearth::clock::{Moment, Now, UtcMillis};
use hearth::config::load_text;
use hearth::rules::RuleSettings;
use hearth::rules::compile::compile;
use hearth::rules::engine::{Engine, Event};
use rustix::time::{ClockId, clock_gettime};

use crate::rule::{COLD, HOT, hearth, temperature, window};
use crate::{memory, table};

/// Between one event and the next on the engine's clock: a rule acts at most fifty times a
/// second.
const STEP_MS: u64 = 25;
/// How long one figure is measured.
const MEASURE: Duration = Duration::from_millis(300);

/// What the events are to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Unnamed,
    Watched,
    ConditionFalse,
    Fires,
    /// As the house's rooms do it: one event fires, the next one makes ready again.
    InTurn,
}

const LOADS: [(&str, Load); 5] = [
    ("events that no rule names", Load::Unnamed),
    (
        "events that one rule watches and that change nothing for it",
        Load::Watched,
    ),
    (
        "events that fire one rule whose condition is false",
        Load::ConditionFalse,
    ),
    ("events that fire one rule with a condition", Load::Fires),
    (
        "events of which each second fires, and the others make ready again",
        Load::InTurn,
    ),
];

impl Load {
    fn test(self) -> &'static str {
        match self {
            Load::ConditionFalse | Load::Fires => "changes = true",
            Load::Unnamed | Load::Watched | Load::InTurn => "above = 28",
        }
    }

    fn topic(self, room: usize) -> String {
        match self {
            Load::Unnamed => format!("home/room{room}/humidity"),
            _ => temperature(room),
        }
    }

    /// What the topic says in turn.
    fn payloads(self) -> [&'static str; 2] {
        match self {
            Load::Watched => [COLD, "21.5"],
            _ => [COLD, HOT],
        }
    }

    /// Actions of so many events.
    fn actions(self, events: usize) -> usize {
        match self {
            Load::Unnamed | Load::Watched | Load::ConditionFalse => 0,
            Load::Fires => events,
            Load::InTurn => events / 2,
        }
    }
}

/// The engine with so many rules, and its events.
struct Bench {
    engine: Engine,
    load: Load,
    /// Of the rooms that speak, in an order that is not the rules'.
    topics: Vec<String>,
    events: usize,
    /// What each rule takes, in bytes.
    bytes_each: f64,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
struct Figure {
    per_second: f64,
    allocations: f64,
}

/// So many rules, and how many of their rooms say something: what else there is should cost
/// nothing.
const SIZES: [(usize, usize); 4] = [(1, 1), (100, 100), (10_000, 100), (10_000, 10_000)];

/// Prints events per second, the median of so many runs, and what a rule takes; of the rows
/// those whose title holds `only`.
pub fn measure(runs: usize, only: &str) -> anyhow::Result<()> {
    let loads: Vec<_> = LOADS
        .iter()
        .filter(|(name, _)| name.contains(only))
        .collect();
    if loads.is_empty() {
        return Ok(());
    }
    let title = format!("the engine alone, events per second of one core, median of {runs}");
    let columns = SIZES.map(|(rules, rooms)| {
        let number = table::number(rules as f64);
        match rooms {
            1 => "1 rule".to_owned(),
            _ if rooms < rules => format!("{number} rules, {rooms} rooms speak"),
            _ => format!("{number} rules"),
        }
    });
    table::head(
        &title,
        &[&columns[..], &["allocations".to_owned()]].concat(),
    );
    let mut bytes = Vec::new();
    for &(name, load) in loads {
        let (mut cells, mut allocations) = (Vec::new(), 0.0);
        for (rules, rooms) in SIZES {
            let bench = Bench::new(rules, rooms, load);
            let mut bench = bench.with_context(|| format!("{rules} rules"))?;
            let figures: anyhow::Result<Vec<Figure>> = (0..runs).map(|_| bench.figure()).collect();
            let figures = figures?;
            let rates = figures.iter().map(|figure| figure.per_second);
            cells.push(table::number(table::median(rates)));
            allocations = figures[0].allocations;
            bytes.push(bench.bytes_each);
        }
        cells.push(format!("{allocations:.0}"));
        table::row(name, &cells);
    }
    let bytes = bytes.into_iter().take(SIZES.len()).map(table::number);
    let cells: Vec<String> = bytes.chain([String::new()]).collect();
    table::row("bytes of each rule", &cells);
    Ok(())
}

impl Bench {
    fn new(rules: usize, rooms: usize, load: Load) -> anyhow::Result<Bench> {
        let settings = settings(rules, load.test())?;
        let (engine, bytes, _) = memory::of(|| engine(&settings));
        let mut bench = Bench {
            engine: engine?,
            load,
            topics: (0..rooms)
                .map(|nth| load.topic(nth * 7919 % rules))
                .collect(),
            events: 0,
            bytes_each: bytes as f64 / rules as f64,
        };
        let window_says = if load == Load::ConditionFalse {
            "open"
        } else {
            "shut"
        };
        for room in 0..rules {
            bench
                .engine
                .handle(event(&window(room), window_says, now(0)), now(0));
        }
        // What a `changes` hears first is silent.
        bench.round();
        Ok(bench)
    }

    /// Every topic once; returns the actions.
    fn round(&mut self) -> usize {
        let payload = self.load.payloads()[self.events / self.topics.len() % 2];
        let mut actions = 0;
        for topic in &self.topics {
            let now = now(self.events as u64 * STEP_MS);
            actions += self
                .engine
                .handle(event(topic, payload, now), now)
                .actions
                .len();
            self.events += 1;
        }
        actions
    }

    fn figure(&mut self) -> anyhow::Result<Figure> {
        let (_, _, allocations) = memory::of(|| self.two_rounds());
        let each = allocations as f64 / (2 * self.topics.len()) as f64;
        let (before, began) = (self.events, core_time());
        let mut actions = 0;
        while core_time() - began < MEASURE {
            for _ in 0..1 + 1000 / self.topics.len() {
                actions += self.two_rounds();
            }
        }
        let (events, took) = (self.events - before, core_time() - began);
        let expected = self.load.actions(events);
        ensure!(
            actions == expected,
            "{actions} actions of {events} events, not {expected}"
        );
        Ok(Figure {
            per_second: events as f64 / took.as_secs_f64(),
            allocations: each,
        })
    }

    fn two_rounds(&mut self) -> usize {
        self.round() + self.round()
    }
}

fn settings(rules: usize, test: &str) -> anyhow::Result<Vec<RuleSettings>> {
    let text: String = (0..rules).map(|room| hearth(room, test)).collect();
    match load_text("hearth.toml", &text, Path::new("")) {
        Ok((config, _)) => Ok(config.rules),
        Err(problems) => anyhow::bail!("the rules are refused: {problems}"),
    }
}

fn engine(settings: &[RuleSettings]) -> anyhow::Result<Engine> {
    let compiled = settings.iter().enumerate().map(|(index, settings)| {
        let problems = |problems| anyhow::anyhow!("{}: {problems:?}", settings.name);
        compile(index, settings).map(Arc::new).map_err(problems)
    });
    let rules = compiled.collect::<anyhow::Result<Vec<_>>>()?;
    let mut engine = Engine::new(rules);
    engine.start([], now(0));
    Ok(engine)
}

fn event<'a>(topic: &'a str, payload: &'a str, now: Now) -> Event<'a> {
    Event {
        topic,
        payload: payload.as_bytes(),
        received: now.utc,
    }
}

fn now(millis: u64) -> Now {
    let utc = UtcMillis(1_780_000_000_000 + millis as i64);
    Now {
        moment: Moment(millis),
        utc,
    }
}

/// What this thread has had of its core: what runs beside takes caches away, but no time.
fn core_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
