//! Lengths of time that people ask for by name, and where they begin on the calendar.

use jiff::ToSpan;
use jiff::civil::Date;

/// An hour, a day, a week, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Span {
    pub const ALL: [Span; 5] = [Span::Hour, Span::Day, Span::Week, Span::Month, Span::Year];
    /// Those that a date chooses.
    pub const DATED: [Span; 4] = [Span::Day, Span::Week, Span::Month, Span::Year];

    /// Reads `?span=`.
    pub fn parse(word: &str) -> Option<Span> {
        Span::ALL.into_iter().find(|span| span.word() == word)
    }

    /// As it stands in an address.
    pub fn word(self) -> &'static str {
        match self {
            Span::Hour => "hour",
            Span::Day => "day",
            Span::Week => "week",
            Span::Month => "month",
            Span::Year => "year",
        }
    }

    /// As a person reads it.
    pub fn title(self) -> &'static str {
        match self {
            Span::Hour => "Hour",
            Span::Day => "Day",
            Span::Week => "Week",
            Span::Month => "Month",
            Span::Year => "Year",
        }
    }

    /// The last one: a month is 30 days, a year 365.
    pub const fn millis(self) -> i64 {
        let hours = match self {
            Span::Hour => 1,
            Span::Day => 24,
            Span::Week => 7 * 24,
            Span::Month => 30 * 24,
            Span::Year => 365 * 24,
        };
        hours * 3_600_000
    }

    /// The first day of the one that holds `date`. Weeks begin on Monday.
    pub fn begin(self, date: Date) -> Option<Date> {
        match self {
            Span::Hour | Span::Day => Some(date),
            Span::Week => {
                let into = i32::from(date.weekday().to_monday_zero_offset());
                date.checked_sub(into.days()).ok()
            }
            Span::Month => Some(date.first_of_month()),
            Span::Year => Some(date.first_of_year()),
        }
    }

    /// The first day of the next one.
    pub fn next(self, begin: Date) -> Option<Date> {
        let one = match self {
            Span::Hour | Span::Day => 1.day(),
            Span::Week => 1.week(),
            Span::Month => 1.month(),
            Span::Year => 1.year(),
        };
        begin.checked_add(one).ok()
    }

    /// The one that begins on this day.
    pub fn words(self, begin: Date) -> String {
        let format = match self {
            Span::Hour | Span::Day => "%A %-d %B %Y",
            Span::Week => "Week of %A %-d %B %Y",
            Span::Month => "%B %Y",
            Span::Year => "%Y",
        };
        begin.strftime(format).to_string()
    }
}
