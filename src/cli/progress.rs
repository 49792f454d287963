//! How far something long has come, on standard error.

use std::io::{self, IsTerminal, Write};

use tokio::sync::watch;

use crate::clock::{Clock, Moment};

/// Nothing is said of what is over sooner.
const FIRST_MS: u64 = 1000;
/// A bar moves this often; where it is no terminal, a line comes less often.
const BAR_MS: u64 = 100;
const LINE_MS: u64 = 10_000;
const CELLS: u64 = 30;
/// The clock is looked at once in so many steps.
const STEPS: u32 = 64;

/// Tells how much of something is behind.
#[derive(Debug)]
pub(super) struct Progress {
    clock: Clock,
    /// As in "42 % are replayed".
    done: &'static str,
    is_terminal: bool,
    steps: u32,
    next: Moment,
    is_drawn: bool,
    /// Whether somebody wants it to end.
    end: Option<watch::Receiver<bool>>,
}

impl Progress {
    /// Nothing is behind yet.
    pub fn new(done: &'static str) -> Progress {
        let is_terminal = io::stderr().is_terminal();
        Progress {
            clock: Clock::start(),
            done,
            is_terminal,
            steps: 0,
            next: Moment(if is_terminal { FIRST_MS } else { LINE_MS }),
            is_drawn: false,
            end: None,
        }
    }

    /// Of work that ends once somebody says so.
    pub fn until(self, end: watch::Receiver<bool>) -> Progress {
        Progress {
            end: Some(end),
            ..self
        }
    }

    /// # Errors
    /// If the work is to end.
    pub fn go_on(&self) -> io::Result<()> {
        match &self.end {
            Some(end) if *end.borrow() => Err(io::Error::other("interrupted")),
            _ => Ok(()),
        }
    }

    /// So much of the whole is behind. To be called often.
    pub fn reach(&mut self, part: u64, whole: u64) {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS) {
            self.tell(part, whole);
        }
    }

    /// The same, to be called now and then.
    pub fn tell(&mut self, part: u64, whole: u64) {
        let now = self.clock.now().moment;
        if now < self.next {
            return;
        }
        let percent = percent(part, whole);
        // That nobody can read it is no reason to stop.
        let _ = match self.is_terminal {
            true => write!(io::stderr(), "\r{}", bar(percent)),
            false => writeln!(io::stderr(), "{percent} % are {}", self.done),
        };
        self.is_drawn = self.is_terminal;
        let pause = if self.is_terminal { BAR_MS } else { LINE_MS };
        self.next = Moment(now.0 + pause);
    }

    /// Nobody knows how much is behind; to be called now and then.
    pub fn wait(&mut self) {
        let now = self.clock.now().moment;
        if now < self.next || self.is_drawn {
            return;
        }
        let _ = match self.is_terminal {
            true => write!(io::stderr(), "\rit is {} …", self.done),
            false => writeln!(io::stderr(), "it is still {}", self.done),
        };
        self.is_drawn = self.is_terminal;
        self.next = Moment(now.0 + LINE_MS);
    }

    /// Takes the bar away, before something else is printed.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    u64::try_from(percent.min(100)).unwrap_or(100)
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
        assert_eq!(
            [percent(0, 1000), percent(500, 1000), percent(9, 0)],
            [0, 50, 100]
        );
        assert_eq!(percent(u64::MAX / 2, u64::MAX), 49);
        let filled = bar(50).chars().filter(|c| *c == '█').count();
        assert_eq!(filled, 15);
        assert!(bar(7).ends_with("░   7 %"));
    }
}
