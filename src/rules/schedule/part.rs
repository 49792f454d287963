//! Pieces of a text that know where they stand, and what is wrong with one.

use std::fmt;
use std::ops::Range;

/// What is wrong with a text, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    /// Byte range within the text, at character boundaries.
    pub within: Range<usize>,
}

/// What is wrong with a cron expression.
pub type CronProblem = Problem;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// A piece of a longer text.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub text: &'a str,
    start: usize,
}

impl<'a> Part<'a> {
    pub fn whole(text: &'a str) -> Part<'a> {
        Part { text, start: 0 }
    }

    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            within: self.start..self.start + self.text.len(),
        }
    }

    pub fn trim(self) -> Part<'a> {
        let text = self.text.trim_start();
        Part {
            start: self.start + self.text.len() - text.len(),
            text: text.trim_end(),
        }
    }

    /// What is between the commas, dashes or other marks: at least one piece,
    /// which may be empty.
    pub fn split(self, is_mark: fn(char) -> bool) -> impl Iterator<Item = Part<'a>> {
        let mut start = self.start;
        let open = self.text.is_empty() || self.text.ends_with(is_mark);
        let last = open.then_some(Part {
            text: "",
            start: start + self.text.len(),
        });
        let pieces = self.text.split_inclusive(is_mark).map(move |piece| {
            let part = Part {
                text: piece.strip_suffix(is_mark).unwrap_or(piece),
                start,
            };
            start += piece.len();
            part
        });
        pieces.chain(last)
    }

    /// Before and after the first `mark`.
    pub fn split_once(self, mark: char) -> Option<(Part<'a>, Part<'a>)> {
        let (before, after) = self.text.split_once(mark)?;
        let start = self.start + self.text.len() - after.len();
        let before = Part {
            text: before,
            start: self.start,
        };
        Some((before, Part { text: after, start }))
    }
}
