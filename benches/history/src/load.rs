//! What the sensors of a house say: walks of two decimals, some milliseconds off the beat.

use std::sync::Arc;

use hearth::clock::UtcMillis;
use hearth::history::workbench::Row;
use hearth::home::Value;

/// 2026-11-28T10:00:00Z
pub const BEGIN: i64 = 1_795_860_000_000;

/// Chance that is the same in every run.
pub struct Dice(u32);

impl Default for Dice {
    fn default() -> Dice {
        Dice(7)
    }
}

impl Dice {
    /// 0 to `end`, without it.
    pub fn below(&mut self, end: u32) -> i64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i64::from((self.0 >> 8) % end)
    }
}

/// Samples in order of time, the same in every run.
pub struct Load {
    topics: Vec<Arc<str>>,
    /// In hundredths.
    values: Vec<i64>,
    rate: u32,
    rounds: u32,
    next: u32,
    dice: Dice,
}

impl Load {
    pub fn new(series: u32, rate: u32, minutes: u32) -> Load {
        let topic = |nth| Arc::from(format!("home/room-{}/temperature-{nth}", nth % 7));
        Load {
            topics: (0..series).map(topic).collect(),
            values: vec![2100; series as usize],
            rate,
            rounds: rate * minutes * 60,
            next: 0,
            dice: Dice::default(),
        }
    }

    pub fn samples(&self) -> usize {
        self.rounds as usize * self.topics.len()
    }
}

impl Iterator for Load {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let series = self.topics.len() as u32;
        let (round, nth) = (self.next / series, (self.next % series) as usize);
        if round >= self.rounds {
            return None;
        }
        self.next += 1;
        self.values[nth] += self.dice.below(5) - 2;
        let jitter = if self.rate <= 100 {
            self.dice.below(7)
        } else {
            0
        };
        let at = BEGIN + i64::from(round) * 1000 / i64::from(self.rate) + jitter;
        let value = Value::Number(self.values[nth] as f64 / 100.0);
        Some((Arc::clone(&self.topics[nth]), UtcMillis(at), value))
    }
}
