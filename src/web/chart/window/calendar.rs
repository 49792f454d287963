//! Finds stretches of time on the house's calendar, and those around one.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::words::{latest_words, length, quoted};
use super::{Asked, DAY, HOUR, LONGEST, MINUTE, SHORTEST, Span, Way, Window, bucket};
use crate::clock::UtcMillis;
use crate::web::chart::instant;

/// What a stretch that ends now is made shorter and longer by.
const LADDER: [i64; 14] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    3 * DAY,
    7 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
];
/// The house's clock and calendar.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    pub now: UtcMillis,
    pub zone: &'a TimeZone,
}

impl Calendar<'_> {
    /// Finds the stretch that is asked for; the last hour where nothing is.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn read(&self, asked: &Asked) -> Result<Window, String> {
        let length = asked.span.map(length).transpose()?;
        match (asked.date, asked.from, asked.to) {
            (None, None, None) => Ok(self.latest(length.unwrap_or(HOUR))),
            (Some(date), None, None) => self.dated(asked.span, date),
            (Some(_), _, _) => Err("Give a date, or from and to, but not both.".to_owned()),
            (None, from, to) => self.ends(from, to, length.unwrap_or(HOUR)),
        }
    }

    fn dated(&self, span: Option<&str>, date: &str) -> Result<Window, String> {
        let span = span.and_then(Span::parse).unwrap_or(Span::Day);
        let parsed = date.parse::<Date>().ok();
        let window = parsed.and_then(|parsed| self.of(span.max(Span::Day), parsed));
        window.ok_or_else(|| format!("A date is written like 2026-11-28, not {}.", quoted(date)))
    }

    fn ends(&self, from: Option<&str>, to: Option<&str>, length: i64) -> Result<Window, String> {
        let read = |name: &str, text: Option<&str>| {
            let read = text.map(|text| {
                instant::read(text, self.zone).ok_or_else(|| {
                    let (said, examples) = (quoted(text), instant::EXAMPLES);
                    format!("\"{name}\" is {examples}, not {said}.")
                })
            });
            read.transpose()
        };
        let (from, to) = match (read("from", from)?, read("to", to)?) {
            (Some(from), Some(to)) => (from, to),
            (Some(from), None) => (from, UtcMillis(from.0 + length)),
            (None, to) => {
                let to = to.unwrap_or(self.now);
                (UtcMillis(to.0 - length), to)
            }
        };
        match to.0 - from.0 {
            ..=0 => Err("\"from\" must be earlier than \"to\".".to_owned()),
            SHORTEST..=LONGEST => Ok(between(from, to)),
            1..SHORTEST => Err("A chart shows 10 seconds at least.".to_owned()),
            _ => Err("A chart shows 100 years at most.".to_owned()),
        }
    }

    /// The last so many milliseconds, begun early enough for whole buckets: they stay where
    /// they are while the clock goes on.
    pub fn latest(&self, millis: i64) -> Window {
        let bucket = bucket(millis);
        let offset = instant::zoned(self.now, self.zone).map_or(0, |now| now.offset().seconds());
        let offset = i64::from(offset) * 1000;
        let into = (self.now.0 - millis + offset).rem_euclid(bucket);
        Window {
            from: UtcMillis(self.now.0 - millis - into),
            to: self.now,
            way: Way::Latest(millis),
        }
    }

    /// The day, week, month or year around a date; none where the calendar ends.
    fn of(&self, span: Span, date: Date) -> Option<Window> {
        let date = span.begin(date)?;
        Some(Window {
            from: instant::midnight(date, self.zone)?,
            to: instant::midnight(span.next(date)?, self.zone)?,
            way: Way::Of(span, date),
        })
    }

    fn touches_now(&self, window: &Window) -> bool {
        window.from < self.now && self.now <= window.to
    }

    /// The one before.
    pub fn earlier(&self, window: &Window) -> Option<Window> {
        if let Way::Of(span, date) = window.way {
            return self.of(span, date.yesterday().ok()?);
        }
        let from = UtcMillis(window.from.0 - window.length());
        (from.0 > -LONGEST).then(|| between(from, window.from))
    }

    /// The one after, unless that is the future.
    pub fn later(&self, window: &Window) -> Option<Window> {
        if window.to >= self.now {
            return None;
        }
        if let Way::Of(span, date) = window.way {
            return self.of(span, span.next(date)?);
        }
        let to = UtcMillis(window.to.0 + window.length());
        let length = window.length();
        Some(match to > self.now {
            true if length <= Span::Year.millis() => self.latest(length),
            true => between(UtcMillis(self.now.0 - length), self.now),
            false => between(window.to, to),
        })
    }

    /// Half as long, or shorter.
    pub fn closer(&self, window: &Window) -> Option<Window> {
        if self.touches_now(window) {
            let past = self.now.0 - window.from.0;
            let shorter = LADDER.into_iter().rev().find(|step| *step * 4 <= past * 3);
            return shorter.map(|step| self.latest(step));
        }
        let (middle, length) = (window.middle(), whole_seconds(window.length() / 2));
        (length >= SHORTEST).then(|| around(middle, length))
    }

    /// Twice as long, or longer.
    pub fn wider(&self, window: &Window) -> Option<Window> {
        let length = window.length() * 2;
        if self.touches_now(window) {
            let longer = LADDER
                .into_iter()
                .find(|step| *step * 2 >= length + length / 4);
            if let Some(step) = longer {
                return Some(self.latest(step));
            }
            let from = UtcMillis(self.now.0 - whole_seconds(length));
            return (length <= LONGEST).then(|| between(from, self.now));
        }
        let wide = around(window.middle(), whole_seconds(length));
        (length <= LONGEST).then(|| between(wide.from, wide.to.min(self.now.max(window.to))))
    }

    /// The same place over each of the usual spans, and whether that is what is shown.
    pub fn spans(&self, window: &Window) -> Vec<(Span, Window, bool)> {
        let one = |span: Span| {
            let is_shown = match window.way {
                Way::Latest(millis) => millis == span.millis(),
                Way::Of(shown, _) => shown == span,
                Way::Between => false,
            };
            Some((span, self.over(span, window)?, is_shown))
        };
        Span::ALL.into_iter().filter_map(one).collect()
    }

    fn over(&self, span: Span, window: &Window) -> Option<Window> {
        if self.touches_now(window) {
            return Some(self.latest(span.millis()));
        }
        let middle = window.middle();
        if span > Span::Hour {
            return self.of(span, self.date(middle)?);
        }
        let from = UtcMillis(middle.0 - middle.0.rem_euclid(15 * MINUTE));
        Some(between(from, UtcMillis(from.0 + HOUR)))
    }

    /// The time until now over about the same length, where it is not shown already.
    pub fn latest_of(&self, window: &Window) -> Option<Window> {
        let length = window.length();
        let step = LADDER.into_iter().find(|step| *step * 5 >= length * 4);
        let step = step.unwrap_or(Span::Year.millis());
        let is_shown = matches!(window.way, Way::Latest(_));
        (!is_shown).then(|| self.latest(step))
    }

    /// The date in the middle of what is past: what a date field begins with.
    pub fn date_of(&self, window: &Window) -> Option<Date> {
        match window.way {
            Way::Of(_, date) => Some(date),
            Way::Latest(_) => self.date(self.now),
            Way::Between => self.date(window.middle()),
        }
    }

    /// A day of the house.
    pub fn date(&self, at: UtcMillis) -> Option<Date> {
        instant::zoned(at, self.zone).map(|zoned| zoned.date())
    }

    /// What is shown, in words: `Saturday 28 November 2026`.
    pub fn title(&self, window: &Window) -> String {
        match window.way {
            Way::Latest(millis) => latest_words(millis),
            Way::Of(span, date) => span.words(date),
            Way::Between => self.between_words(window).unwrap_or_default(),
        }
    }

    /// Since when there is anything, in words.
    pub fn since(&self, from: UtcMillis) -> String {
        let from = instant::zoned(from, self.zone);
        from.map_or_else(String::new, |from| {
            format!("Since {}", from.strftime("%a %-d %b %Y, %H:%M"))
        })
    }

    fn between_words(&self, window: &Window) -> Option<String> {
        let from = instant::zoned(window.from, self.zone)?;
        let to = instant::zoned(window.to, self.zone)?;
        let time = match window.length() < 10 * MINUTE {
            true => "%H:%M:%S",
            false => "%H:%M",
        };
        let (from_time, to_time) = (from.strftime(time), to.strftime(time));
        let (from_day, to_day) = (from.strftime("%a %-d %b %Y"), to.strftime("%a %-d %b %Y"));
        Some(match from.date() == to.date() {
            true => format!("{from_day}, {from_time} to {to_time}"),
            false => format!("{from_day} {from_time} to {to_day} {to_time}"),
        })
    }
}

fn between(from: UtcMillis, to: UtcMillis) -> Window {
    let way = Way::Between;
    Window { from, to, way }
}

fn around(middle: UtcMillis, length: i64) -> Window {
    let from = UtcMillis(whole_seconds(middle.0 - length / 2));
    between(from, UtcMillis(from.0 + length))
}

/// Addresses stay short.
fn whole_seconds(millis: i64) -> i64 {
    millis - millis.rem_euclid(1000)
}
