//! How much one board may say.
//!
//! Reading is limited to [`READ_LIMIT`]: many times what an Uno can send, and
//! little enough that a board that prints without pause, or a pty that is
//! faster than any wire, does not take the processor from the other boards.
//! What is not read waits in the kernel, and the board with it.

use std::time::Duration;

use crate::clock::Moment;

/// Bytes each second that are read from one board; 22 times a line of 115,200 Bd.
pub(super) const READ_LIMIT: i64 = 256 * 1024;
/// Read at once after a pause, in bytes.
const BURST: i64 = 32 * 1024;
/// A board that prints more lines each second than this is flooding: no reader
/// follows it, and its own serial buffer makes its sketch wait.
const MANY_LINES: u64 = 50;
const WINDOW: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Flood {
    /// Bytes that may be read now, as of `filled`; below zero after a large read.
    credit: i64,
    filled: Moment,
    window: Moment,
    lines: u64,
}

impl Flood {
    pub fn new(now: Moment) -> Flood {
        Flood {
            credit: BURST,
            filled: now,
            window: now,
            lines: 0,
        }
    }

    /// Counts what was read; returns the lines in a second if they were too many.
    pub fn count(&mut self, bytes: usize, lines: usize, now: Moment) -> Option<u64> {
        self.fill(now);
        self.credit -= i64::try_from(bytes).unwrap_or(BURST);
        self.lines += lines as u64;
        let window = now.since(self.window);
        if window < WINDOW {
            return None;
        }
        let lines = per_second(std::mem::take(&mut self.lines), window);
        self.window = now;
        (lines > MANY_LINES).then_some(lines)
    }

    /// When reading may go on; `None` if it may now.
    pub fn pause_until(&self) -> Option<Moment> {
        let missing = u64::try_from(-self.credit).ok()?;
        let pause = (missing * 1000).div_ceil(READ_LIMIT.unsigned_abs()) + 1;
        Some(self.filled + Duration::from_millis(pause))
    }

    /// Lets time pass.
    pub fn fill(&mut self, now: Moment) {
        let millis = i64::try_from(now.0.saturating_sub(self.filled.0)).unwrap_or(i64::MAX);
        let earned = millis.saturating_mul(READ_LIMIT) / 1000;
        self.credit = BURST.min(self.credit.saturating_add(earned));
        self.filled = self.filled.max(now);
    }
}

fn per_second(count: u64, within: Duration) -> u64 {
    let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    count.saturating_mul(1000) / millis.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_stream_is_read_at_the_limit() {
        let mut flood = Flood::new(Moment(0));
        let mut read = 0;
        for now in (0..10_000).map(Moment) {
            flood.fill(now);
            while flood.pause_until().is_none() {
                flood.count(4096, 0, now);
                read += 4096;
            }
        }
        let limit = 10 * READ_LIMIT;
        assert!(
            read > limit * 9 / 10 && read < limit * 11 / 10 + BURST,
            "{read}"
        );
    }

    #[test]
    fn an_ordinary_sketch_is_no_flood() {
        let mut flood = Flood::new(Moment(0));
        assert!((1..100).all(|i| flood.count(30, 1, Moment(i * 100)).is_none()));
    }

    #[test]
    fn a_line_at_full_speed_is_a_flood() {
        let mut flood = Flood::new(Moment(0));
        let rates: Vec<_> = (1..=2000)
            .filter_map(|i| flood.count(10, 1, Moment(i)))
            .collect();
        assert_eq!(rates[0], 1000);
        assert_eq!(rates.len(), 2);
    }
}
