//! How far a long replay has come, on standard error.

use std::io::{self, IsTerminal, Write};

use crate::clock::{Clock, Moment, UtcMillis};

/// Nothing is said of what is over sooner.
const FIRST_MS: u64 = 1000;
/// A bar moves this often; where it is no terminal, a line comes less often.
const BAR_MS: u64 = 100;
const LINE_MS: u64 = 10_000;
const CELLS: u64 = 30;

/// Tells how much of a stretch of time is behind.
#[derive(Debug)]
pub(super) struct Progress {
    clock: Clock,
    from: UtcMillis,
    to: UtcMillis,
    is_terminal: bool,
    next: Moment,
    is_drawn: bool,
}

impl Progress {
    /// Nothing is behind yet.
    pub fn new(from: UtcMillis, to: UtcMillis) -> Progress {
        let is_terminal = io::stderr().is_terminal();
        Progress {
            clock: Clock::start(),
            from,
            to,
            is_terminal,
            next: Moment(if is_terminal { FIRST_MS } else { LINE_MS }),
            is_drawn: false,
        }
    }

    /// Everything before `at` is behind.
    pub fn reach(&mut self, at: UtcMillis) {
        let now = self.clock.now().moment;
        if now < self.next {
            return;
        }
        let percent = percent(self.from, self.to, at);
        // That nobody can read it is no reason to stop.
        let _ = match self.is_terminal {
            true => write!(io::stderr(), "\r{}", bar(percent)),
            false => writeln!(io::stderr(), "{percent} % are replayed"),
        };
        self.is_drawn = self.is_terminal;
        let pause = if self.is_terminal { BAR_MS } else { LINE_MS };
        self.next = Moment(now.0 + pause);
    }

    /// Takes the bar away, before something else is printed.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn percent(from: UtcMillis, to: UtcMillis, at: UtcMillis) -> u64 {
    let whole = to.since(from).as_millis().max(1);
    let part = at.since(from).as_millis() * 100 / whole;
    u64::try_from(part.min(100)).unwrap_or(100)
}

fn bar(percent: u64) -> String {
    let full = percent * CELLS / 100;
    let cell = |nth| if nth < full { '█' } else { '░' };
    let cells: String = (0..CELLS).map(cell).collect();
    format!("{cells} {percent:3} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills() {
        let percent = |at| percent(UtcMillis(1000), UtcMillis(2000), UtcMillis(at));
        assert_eq!([percent(0), percent(1500), percent(9999)], [0, 50, 100]);
        let filled = bar(50).chars().filter(|c| *c == '█').count();
        assert_eq!(filled, 15);
        assert!(bar(7).ends_with("░   7 %"));
    }
}
