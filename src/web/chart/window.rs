//! Which stretch of time a chart shows, and which stretches lie around it: a page links
//! to them, so it takes no script to walk through the years.
//!
//! Days, weeks, months and years are those of the house's calendar; a day has 23, 24 or
//! 25 hours.

mod calendar;
mod span;
mod words;

use jiff::civil::Date;

use super::instant;
use crate::clock::UtcMillis;
pub use calendar::Calendar;
pub use span::Span;
use words::length_word;

/// A chart shows no less and no more than this, in milliseconds.
const SHORTEST: i64 = 10_000;
const LONGEST: i64 = 100 * Span::Year.millis();
/// No more points than this travel to a chart: fewer than a large screen has pixels.
const MOST_POINTS: i64 = 372;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Lengths of a point's bucket, so that their ends are round times.
const BUCKETS: [i64; 25] = [
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10_000,
    15_000,
    30_000,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
    30 * DAY,
    365 * DAY,
];

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: UtcMillis,
    /// The first moment that is not shown.
    pub to: UtcMillis,
    way: Way,
}

/// How it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The last so many milliseconds: it moves on with the clock.
    Latest(i64),
    /// The day, week, month or year that begins on this date.
    Of(Span, Date),
    Between,
}

/// What to ask the history for: `points` buckets of equal length, one beside the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub from: UtcMillis,
    /// The last moment, which is part of it.
    pub to: UtcMillis,
    pub points: usize,
    /// In milliseconds.
    pub bucket: i64,
}

/// What an address asks for; what is empty is not asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    pub span: Option<&'a str>,
    pub date: Option<&'a str>,
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// Of an address's query; other keys are none of ours.
    pub fn of(pairs: &'a [(String, String)]) -> Asked<'a> {
        let last = |key| {
            let mut values = pairs.iter().rev().filter(|pair| pair.0 == key);
            let value = values.next().map(|pair| pair.1.trim());
            value.filter(|value| !value.is_empty())
        };
        Asked {
            span: last("span"),
            date: last("date"),
            from: last("from"),
            to: last("to"),
        }
    }
}

impl Window {
    /// In milliseconds.
    fn length(&self) -> i64 {
        match self.way {
            Way::Latest(millis) => millis,
            _ => self.to.0 - self.from.0,
        }
    }

    fn middle(&self) -> UtcMillis {
        UtcMillis(self.from.0 + (self.to.0 - self.from.0) / 2)
    }

    /// Whether it moves on with the clock.
    pub fn is_latest(&self) -> bool {
        matches!(self.way, Way::Latest(_))
    }

    /// The day, week, month or year that it is, if it is one.
    pub fn unit(&self) -> Option<Span> {
        match self.way {
            Way::Of(span, _) => Some(span),
            _ => None,
        }
    }

    /// The same, begun later: for series that are young.
    pub fn since(&self, from: UtcMillis) -> Window {
        let from = UtcMillis(from.0.min(self.to.0 - SHORTEST).max(self.from.0));
        Window { from, ..*self }
    }

    /// What an address says to get here: `span=day&date=2026-11-28`.
    pub fn query(&self) -> String {
        match self.way {
            Way::Latest(millis) => format!("span={}", length_word(millis)),
            Way::Of(span, date) => format!("span={}&date={date}", span.word()),
            Way::Between => {
                let (from, to) = (instant::write(self.from), instant::write(self.to));
                format!("from={from}&to={to}")
            }
        }
    }

    /// The same as names and values of a form.
    pub fn fields(&self) -> Vec<(String, String)> {
        let query = self.query();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// The buckets for its points: no more than a chart has pixels.
    pub fn grid(&self) -> Grid {
        let length = self.to.0 - self.from.0;
        let bucket = bucket(length);
        let points = usize::try_from((length + bucket - 1) / bucket).unwrap_or(1);
        Grid {
            from: self.from,
            to: UtcMillis(self.from.0 + points as i64 * bucket - 1),
            points,
            bucket,
        }
    }
}

fn bucket(length: i64) -> i64 {
    let fits = BUCKETS
        .into_iter()
        .find(|bucket| length <= bucket * MOST_POINTS);
    fits.unwrap_or(length / MOST_POINTS + 1)
}

#[cfg(test)]
mod tests;
