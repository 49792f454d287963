//! Keeps of a series what a chart needs: a value that hardly moves is not written again
//! and again.
//!
//! Kept are the first sample, each that is a deadband or more away from the one that was
//! kept last, the last one before such a change (without it a chart would draw a slope where
//! there was a step), and one at least every ten minutes. What is between two kept samples is
//! less than a deadband away from the earlier of them.

use std::time::Duration;

use super::sample::Sample;
use crate::clock::UtcMillis;
use crate::home::Value;

/// A series that is alive has a sample at least so often.
pub const AT_LEAST: Duration = Duration::from_mins(10);

/// The filter of one series.
#[derive(Clone, Debug)]
pub struct Deadband {
    width: f64,
    kept: Option<Kept>,
    /// The last sample, if it was not kept. A sudden stop loses it: it says nothing that
    /// the kept one does not, but for how long it held.
    held: Option<Sample>,
}

#[derive(Clone, Debug)]
struct Kept {
    at: UtcMillis,
    value: Value,
}

/// What is to be kept now, in order of time.
pub type ToKeep = [Option<Sample>; 2];

impl Deadband {
    /// A filter; with zero, or what is no width, all is kept.
    pub fn new(width: f64) -> Deadband {
        Deadband {
            width: if width.is_finite() {
                width.max(0.0)
            } else {
                0.0
            },
            kept: None,
            held: None,
        }
    }

    /// Takes the next sample in order of arrival. One that is late is kept: it belongs
    /// where nobody can tell what matters.
    pub fn push(&mut self, sample: Sample) -> ToKeep {
        let Some(kept) = &self.kept else {
            return [None, Some(self.keep(sample))];
        };
        let last = self.held.as_ref().map_or(kept.at, |held| held.at);
        if sample.at < last {
            return [None, Some(sample)];
        }
        if self.is_change(&kept.value, &sample.value) {
            return [self.held.take(), Some(self.keep(sample))];
        }
        if sample.at.since(kept.at) >= AT_LEAST {
            self.held = None;
            return [None, Some(self.keep(sample))];
        }
        self.held = Some(sample);
        [None, None]
    }

    /// The last sample, if it was not kept.
    pub fn held(&self) -> Option<&Sample> {
        self.held.as_ref()
    }

    /// The last sample, if it was not kept: for an orderly stop.
    pub fn finish(&mut self) -> Option<Sample> {
        let held = self.held.take()?;
        Some(self.keep(held))
    }

    fn keep(&mut self, sample: Sample) -> Sample {
        self.kept = Some(Kept {
            at: sample.at,
            value: sample.value.clone(),
        });
        sample
    }

    fn is_change(&self, before: &Value, now: &Value) -> bool {
        match (before, now) {
            (Value::Number(before), Value::Number(now)) => {
                // Infinite for numbers that are very far apart, which is a change.
                self.width == 0.0 || (now - before).abs() >= self.width
            }
            _ => self.width == 0.0 || before != now,
        }
    }
}

#[cfg(test)]
mod tests;
