//! Keeps what is written to the disk within a budget, and tells what it comes to.
//!
//! SD cards die of writing. What the process sends to the disk is counted by the kernel; from
//! that count comes how much a sample costs and what a day will cost, and how much longer
//! than usual lazy series have to wait for their commit so that a day costs what it may.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;

const DAY: Duration = Duration::from_hours(24);
/// A day is looked back on in marks of an hour.
const BETWEEN_MARKS: Duration = Duration::from_hours(1);
const MOST_MARKS: usize = 25;
/// Less time than this tells nothing about a day.
const SHORTEST_LOOK: Duration = Duration::from_mins(1);

/// After each turn of the wheel the effect is measured over this time, which holds at least
/// two commits of lazy series; so it cannot overshoot for long.
const BETWEEN_TURNS: Duration = Duration::from_mins(20);
const STRETCH: [f64; 2] = [1.0, 100.0];
/// Half a turn beyond what is measured would swing, as commits under way are late.
const GAIN: f64 = 0.7;
const TURN: [f64; 2] = [0.25, 4.0];
/// Of a day that was too dear so far, the rest has at least this part of the budget.
const LEAST_AIM: f64 = 0.5;

/// What a card takes in its life where nobody says: 10 TB, an ordinary one of 16 to 32 GB.
pub const CARD_ENDURANCE: u64 = 10_000_000_000_000;
/// A card is told to write 4 kB and rewrites a part of a larger block. How much larger, no
/// maker tells; this is a careful guess, and has to be told with the result.
pub const SMALL_WRITES_COST: u64 = 10;
/// Longer than this no card is known to live, whatever is written.
pub const LONGEST_LIFE: f64 = 100.0;

/// The count of what is written, and the stretch that follows from it.
#[derive(Clone, Debug)]
pub struct Budget {
    per_day: Option<u64>,
    stretch: f64,
    /// The oldest first, up to a day old; the first one is where counting began.
    marks: VecDeque<Mark>,
    latest: Option<Mark>,
    /// When the stretch was last looked at.
    turned: Option<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Moment,
    written: u64,
    samples: u64,
}

/// What writing costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WriteFigures {
    /// Bytes that this process has sent to the disk since it started, for whatever
    /// purpose; `None` where the system does not count them.
    pub written: Option<u64>,
    /// Samples committed since it started.
    pub samples: u64,
    /// What the next two are taken over: up to a day and an hour.
    pub over: Duration,
    /// Bytes written for each sample.
    pub per_sample: Option<f64>,
    /// Bytes that a day of such hours costs.
    pub per_day: Option<f64>,
    /// Bytes that a day may cost.
    pub budget: Option<u64>,
}

impl Budget {
    /// A budget of bytes a day; without one nothing is ever stretched.
    pub fn new(per_day: Option<u64>) -> Budget {
        Budget {
            per_day,
            stretch: STRETCH[0],
            marks: VecDeque::new(),
            latest: None,
            turned: None,
        }
    }

    /// Takes the kernel's count of bytes written by this process and the number of samples
    /// committed, both since its start. Cheap; to be told every few seconds to minutes.
    pub fn note(&mut self, written_bytes_total: u64, samples_total: u64, now: Moment) {
        let mark = Mark {
            at: now,
            written: written_bytes_total,
            samples: samples_total,
        };
        self.latest = Some(mark);
        let due = |last: &Mark| now.since(last.at) >= BETWEEN_MARKS;
        if self.marks.back().is_none_or(due) {
            self.marks.push_back(mark);
        }
        while self.marks.len() > MOST_MARKS {
            self.marks.pop_front();
        }
        self.turn(mark);
    }

    /// How many times longer than usual lazy series wait for their commit: 1 to 100.
    pub fn stretch(&self) -> f64 {
        self.stretch
    }

    /// What it costs as of the last [`Budget::note`].
    pub fn figures(&self) -> WriteFigures {
        let mut figures = WriteFigures {
            budget: self.per_day,
            ..WriteFigures::default()
        };
        let (Some(first), Some(latest)) = (self.marks.front(), self.latest) else {
            return figures;
        };
        let written = latest.written.saturating_sub(first.written) as f64;
        let samples = latest.samples.saturating_sub(first.samples);
        figures.written = Some(latest.written);
        figures.samples = latest.samples;
        figures.over = latest.at.since(first.at);
        figures.per_sample = (samples > 0).then(|| written / samples as f64);
        figures.per_day = latest.rate_since(first);
        figures
    }

    fn turn(&mut self, now: Mark) {
        let Some(turned) = self.turned else {
            self.turned = Some(now);
            return;
        };
        let (Some(per_day), true) = (self.per_day, now.at.since(turned.at) >= BETWEEN_TURNS) else {
            return;
        };
        if let Some(costs) = now.rate_since(&turned) {
            let ratio = costs / self.aim(per_day as f64, now).max(1.0);
            let turn = ratio.powf(GAIN).clamp(TURN[0], TURN[1]);
            self.stretch = (self.stretch * turn).clamp(STRETCH[0], STRETCH[1]);
        }
        self.turned = Some(now);
    }

    /// What the next hours may cost, as bytes a day: less than the budget if the last day
    /// was dearer. What was saved is not spent: every byte less is good for the card.
    fn aim(&self, per_day: f64, now: Mark) -> f64 {
        let day = self.marks.front().and_then(|first| now.rate_since(first));
        let too_dear = day.map_or(0.0, |day| day / per_day.max(1.0) - 1.0);
        per_day * (1.0 - too_dear).clamp(LEAST_AIM, 1.0)
    }
}

impl Mark {
    /// Bytes a day, going by what was written since `earlier`.
    fn rate_since(&self, earlier: &Mark) -> Option<f64> {
        let time = self.at.since(earlier.at);
        let written = self.written.saturating_sub(earlier.written) as f64;
        (time >= SHORTEST_LOOK).then(|| written * DAY.as_secs_f64() / time.as_secs_f64())
    }
}

/// How many years a card lives that takes `endurance` bytes in its life (of large writes, as
/// makers tell) and is written `per_day` bytes a day in small pieces; at most
/// [`LONGEST_LIFE`].
pub fn card_life_years(endurance: u64, per_day: f64) -> f64 {
    let costs = per_day.max(0.0) * SMALL_WRITES_COST as f64 * 365.25;
    let years = endurance as f64 / costs;
    // Nothing written of nothing taken is no number.
    if years < LONGEST_LIFE {
        years
    } else {
        LONGEST_LIFE
    }
}
