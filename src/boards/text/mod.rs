//! The text link: what an ordinary sketch prints becomes readings.
//!
//! Pure: bytes and the time in, events out. `lines` cuts the stream,
//! `sentence` and `json` read a line, `scalar` reads a value and its
//! unit. A line is a reading only if all of it is; the rest is chatter.

mod json;
mod lines;
mod scalar;
mod sentence;
#[cfg(test)]
mod tests;

pub use lines::MAX_LINE;

use std::time::Duration;

use crate::clock::Moment;
use crate::home::Value;

use lines::{Line, Lines};

/// Bytes that come this soon after the port was opened, or after its speed was
/// changed, may be the tail of a line: what stands before their newline is not
/// parsed, for `perature: 21.5` would be a thing of its own. A board that has
/// just been reset is silent for longer.
const MAYBE_CUT: Duration = Duration::from_millis(300);

/// One value that a board printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// As the board prints it; at most 40 bytes.
    pub name: String,
    /// Absent where the sketch printed `nan`, `inf`, `ovf` or `null`.
    pub value: Option<Value>,
    /// As Home Assistant writes it, where the line names one.
    pub unit: Option<String>,
}

/// What the bytes meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The readings of one line.
    Readings(Vec<Said>),
    /// A line that is no reading.
    Chatter(String),
    /// This many bytes that are no text were thrown away.
    Garbage(usize),
    /// This many bytes of a line longer than [`MAX_LINE`] were thrown away.
    TooLong(usize),
}

/// The state of the text link of one board; never more than one line of it.
#[derive(Debug, Default)]
pub struct Link {
    lines: Lines,
    opened: Option<Moment>,
}

impl Link {
    /// The port was opened, or its speed changed: what was kept is void.
    pub fn opened(&mut self, now: Moment) {
        self.lines = Lines::default();
        self.opened = Some(now);
    }

    /// Takes what the board sent. The events are bounded by the bytes given.
    pub fn receive(&mut self, bytes: &[u8], now: Moment) -> Vec<Event> {
        if !bytes.is_empty()
            && let Some(opened) = self.opened.take()
            && now.since(opened) < MAYBE_CUT
        {
            self.lines.skip_fragment();
        }
        self.lines.feed(bytes).into_iter().map(event).collect()
    }
}

fn event(line: Line) -> Event {
    match line {
        Line::Garbage(bytes) => Event::Garbage(bytes),
        Line::TooLong(bytes) => Event::TooLong(bytes),
        Line::Text(text) => match sentence::read(&text) {
            Some(said) => Event::Readings(said),
            None => Event::Chatter(text),
        },
    }
}
