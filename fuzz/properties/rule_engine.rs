//! Any bytes, as what happens to a house with rules of every kind: messages, time,
//! restarts, rules that are turned off, changed and read again. The engine survives it,
//! never asks to be woken in the past, remembers what JSON can hold, has a bounded number
//! of things pending, and does the same when all happens once more.
//!
//! Each step is a byte for what happens and one for which.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hearth::clock::{Moment, Now, UtcMillis};
use hearth::config;
use hearth::rules::compile::compile;
use hearth::rules::engine::{Engine, Event, Gap, Memories, Outcome, Rule};

const RULES: &str = include_str!("rule_engine.toml");
/// The rules that stay when others are read.
const KEPT: usize = 7;
/// More steps tell nothing new.
const MOST_STEPS: usize = 120;
/// What holds at any time is looked at after so many steps.
const LOOK_EVERY: usize = 8;
/// So many messages of rules come back after one step.
const MOST_ECHOES: usize = 100;
/// More than all modes of the rules allow, and their topics.
const MOST_PENDING: usize = 400;

const TOPICS: [&str; 16] = [
    "t/a",
    "t/b",
    "t/c",
    "home/hall/lamp",
    "home/hall/lamp/set",
    "home/pond/pump",
    "home/pond/level",
    "go",
    "count",
    "deep/a/b/c",
    "hearth/board/shed/status",
    "hearth/rule/queue/set",
    "hearth/rule/keep/set",
    "hearth/rule/button/press",
    "hearth/hook/bell",
    "nobody/hears",
];
const PAYLOADS: [&[u8]; 14] = [
    b"on",
    b"off",
    b"1",
    b"19.5",
    b"30",
    b"-7e300",
    b"open",
    b"",
    b"unavailable",
    b"enabled",
    b"disabled",
    b"online",
    b"\xff\xfe",
    &[b'x'; 1100],
];
const PAUSES: [u64; 8] = [0, 1, 250, 999, 1000, 60_000, 3_600_000, 90_000_000];

pub fn hold(bytes: &[u8]) {
    assert_eq!(
        live(bytes),
        live(bytes),
        "it went otherwise the second time"
    );
}

fn rules() -> &'static [Arc<Rule>] {
    static RULES_READ: OnceLock<Vec<Arc<Rule>>> = OnceLock::new();
    RULES_READ.get_or_init(|| {
        let read = config::load_text("rules.toml", RULES, Path::new("/"));
        let (config, _) = read.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        let rules = config.rules.iter().enumerate();
        let compiled =
            rules.map(|(n, rule)| Arc::new(compile(n, rule).unwrap_or_else(|p| panic!("{p:?}"))));
        compiled.collect()
    })
}

struct House {
    engine: Engine,
    now: Now,
    /// As `state.db` would have them.
    memories: Memories,
    told: Vec<Outcome>,
}

fn live(bytes: &[u8]) -> Vec<Outcome> {
    let mut house = House {
        engine: Engine::new(rules().iter().cloned()),
        now: Now {
            moment: Moment(1000),
            utc: UtcMillis(1_774_744_200_000),
        },
        memories: Memories::new(),
        told: Vec::new(),
    };
    let outcome = house.engine.start([], house.now);
    house.follow(outcome);
    for (nth, step) in bytes.chunks_exact(2).take(MOST_STEPS).enumerate() {
        house.step(step[0], step[1]);
        if nth % LOOK_EVERY == 0 {
            house.look();
        }
    }
    house.look();
    house.told
}

impl House {
    fn step(&mut self, what: u8, which: u8) {
        let index = usize::from(which);
        match what % 32 {
            0..=19 => {
                let topic = TOPICS[usize::from(what % 32) % TOPICS.len()];
                let payload = PAYLOADS[index % PAYLOADS.len()];
                let outcome = self.say(topic, payload);
                self.follow(outcome);
            }
            20..=26 => self.pass(Duration::from_millis(PAUSES[index % PAUSES.len()])),
            27 => self.restart(which),
            28 => self.replace(which),
            29 => {
                let outcome = self.engine.know_time(which.is_multiple_of(2), self.now);
                self.follow(outcome);
            }
            // Somebody sets the clock.
            30 => {
                let by = (i64::from(which) - 128) * 600_000;
                self.now.utc = UtcMillis(self.now.utc.0 + by);
            }
            _ => {
                let topic = format!("t/{which}");
                let outcome = self.say(&topic, b"30");
                self.follow(outcome);
            }
        }
    }

    fn say(&mut self, topic: &str, payload: &[u8]) -> Outcome {
        let event = Event {
            topic,
            payload,
            received: self.now.utc,
        };
        self.engine.handle(event, self.now)
    }

    /// Time passes, in which the engine is woken when it asks for it, but not for ever.
    fn pass(&mut self, pause: Duration) {
        let end = self.now + pause;
        for _ in 0..50 {
            let due = self.engine.next_wake().filter(|due| *due <= end.moment);
            let Some(due) = due else { break };
            self.now = self.now + due.since(self.now.moment);
            self.wake();
        }
        self.now = self.now + end.moment.since(self.now.moment);
        self.wake();
    }

    fn wake(&mut self) {
        let outcome = self.engine.wake(self.now);
        let next = self.engine.next_wake();
        assert!(
            next.is_none_or(|next| next > self.now.moment),
            "{next:?} is over"
        );
        self.follow(outcome);
    }

    /// What was written down is read again, after a while or at once.
    fn restart(&mut self, which: u8) {
        let gap = match which % 3 {
            0 => Gap::Known,
            1 => Gap::Unknown,
            _ => Gap::None,
        };
        self.now.utc = self.now.utc + Duration::from_secs(u64::from(which) * 60);
        let memories = std::mem::take(&mut self.memories);
        self.memories.clone_from(&memories);
        self.engine = Engine::new(rules().iter().cloned());
        let outcome = self.engine.resume(memories, gap, self.now);
        self.follow(outcome);
        let found = [Event {
            topic: TOPICS[usize::from(which) % TOPICS.len()],
            payload: b"on",
            received: self.now.utc,
        }];
        let outcome = self.engine.start(found, self.now);
        self.follow(outcome);
    }

    /// Some of the rules go, or come back, or stand in another order.
    fn replace(&mut self, which: u8) {
        let all = rules().iter().enumerate();
        let chosen = all.filter(|(n, _)| *n < KEPT || which & (1 << (n % 8)) != 0);
        let mut chosen: Vec<Arc<Rule>> = chosen.map(|(_, rule)| Arc::clone(rule)).collect();
        if which.is_multiple_of(2) {
            chosen.reverse();
        }
        let outcome = self.engine.replace(chosen, [], self.now);
        self.follow(outcome);
    }

    /// Writes down what is to be remembered, and tells the engine its own words.
    fn follow(&mut self, outcome: Outcome) {
        let mut outcomes = vec![outcome];
        let mut echoes = 0;
        while let Some(outcome) = outcomes.pop() {
            for record in &outcome.records {
                match &record.memory {
                    Some(memory) => self
                        .memories
                        .insert(Arc::clone(&record.rule), memory.clone()),
                    None => self.memories.remove(&record.rule),
                };
            }
            for action in &outcome.actions {
                if echoes < MOST_ECHOES {
                    echoes += 1;
                    outcomes.push(self.say(&action.topic, action.payload.as_bytes()));
                }
            }
            self.told.push(outcome);
        }
    }

    /// What holds at any time.
    fn look(&self) {
        let memories = self.engine.memories(self.now);
        let json = serde_json::to_string(&memories);
        let json = json.unwrap_or_else(|error| panic!("{error}"));
        let read: Memories = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
        assert_eq!(read, memories);
        let pending =
            |memory: &hearth::rules::engine::Memory| memory.runs.len() + memory.queue.len();
        let all: usize = memories.values().map(pending).sum();
        assert!(all <= MOST_PENDING, "{all} are pending");
        for rule in self.engine.rules() {
            assert!(self.engine.about(&rule.name, self.now).is_some());
        }
    }
}
