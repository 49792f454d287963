//! How far a long measurement has come, on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Nothing is said of what is over sooner.
const FIRST: Duration = Duration::from_secs(2);
/// Where nobody watches a line move, one comes less often.
const LINE: Duration = Duration::from_secs(30);
const MOVE: Duration = Duration::from_millis(200);

/// Tells how much of something is behind.
pub struct Progress {
    what: &'static str,
    whole: usize,
    is_terminal: bool,
    next: Instant,
    is_drawn: bool,
}

impl Progress {
    /// Nothing of the `whole` is behind yet.
    pub fn new(what: &'static str, whole: usize) -> Progress {
        let is_terminal = io::stderr().is_terminal();
        Progress {
            what,
            whole,
            is_terminal,
            next: Instant::now() + if is_terminal { FIRST } else { LINE },
            is_drawn: false,
        }
    }

    /// So much of the whole is behind. To be called now and then.
    pub fn reach(&mut self, done: usize) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let percent = done * 100 / self.whole.max(1);
        // That nobody can read it is no reason to stop.
        let _ = match self.is_terminal {
            true => write!(io::stderr(), "\r\x1b[K{percent:3} %  {}", self.what),
            false => writeln!(io::stderr(), "{percent:3} %  {}", self.what),
        };
        self.is_drawn = self.is_terminal;
        self.next = now + if self.is_terminal { MOVE } else { LINE };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
