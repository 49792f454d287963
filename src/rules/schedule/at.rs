//! Times of day, on some days of the week.

use jiff::ToSpan;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::part::{Part, Problem};
use super::{Days, Dst, local};
use crate::clock::UtcMillis;

/// Some weeks would do for a time that is skipped on the one day it is due.
const LONGEST_DAYS: usize = 400;

/// Times of day in the house's time zone, to the second.
#[derive(Clone, Debug, PartialEq)]
pub struct At {
    pub times: Vec<Time>,
    pub days: Days,
    pub dst: Dst,
}

impl At {
    /// `07:30`, or several times with commas between; on all days.
    pub fn parse(text: &str) -> Result<At, Problem> {
        let pieces = Part::whole(text).split(|c| c == ',');
        Ok(At {
            times: pieces.map(time).collect::<Result<_, _>>()?,
            days: Days::default(),
            dst: Dst::default(),
        })
    }

    pub(super) fn next_after(&self, after: UtcMillis, zone: &TimeZone) -> Option<UtcMillis> {
        let after = local::timestamp(after)?;
        let dates = zone.to_datetime(after).date().series(1.day());
        let dates = dates.take(LONGEST_DAYS);
        let mut dates = dates.filter(|date| self.days.contains(date.weekday()));
        let due = dates.find_map(|date| {
            let times = self.times.iter().map(|time| to_the_second(*time));
            let due = times
                .filter_map(|time| local::moment(date.to_datetime(time), self.dst, zone))
                .filter(|due| *due > after);
            due.min()
        });
        due.map(local::utc)
    }
}

fn to_the_second(time: Time) -> Time {
    Time::new(time.hour(), time.minute(), time.second(), 0).unwrap_or(time)
}

/// One time of day, such as `07:30`, `7:30` or `07:30:15`.
pub fn parse_time(text: &str) -> Result<Time, Problem> {
    time(Part::whole(text))
}

fn time(part: Part<'_>) -> Result<Time, Problem> {
    let part = part.trim();
    let message = |text: &str| match text {
        "" => "a time is missing: write one such as 07:30".to_owned(),
        "24:00" | "24:00:00" => format!("`{text}` is tomorrow already: write 00:00"),
        _ => format!("`{text}` is no time of day: write one from 00:00 to 23:59, such as 07:30"),
    };
    read(part.text).ok_or_else(|| part.problem(message(part.text)))
}

fn read(text: &str) -> Option<Time> {
    let fields: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match fields.as_slice() {
        [hour, minute] => (hour, minute, "00"),
        [hour, minute, second] => (hour, minute, *second),
        _ => return None,
    };
    let digits = |text: &str, fewest: usize| {
        let all = text.bytes().all(|byte| byte.is_ascii_digit());
        (all && (fewest..=2).contains(&text.len())).then(|| text.parse::<i8>().ok())?
    };
    Time::new(digits(hour, 1)?, digits(minute, 2)?, digits(second, 2)?, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read() {
        let time = |h, m, s| Time::constant(h, m, s, 0);
        assert_eq!(parse_time("07:30"), Ok(time(7, 30, 0)));
        assert_eq!(parse_time("7:30"), Ok(time(7, 30, 0)));
        assert_eq!(parse_time("07:30:15"), Ok(time(7, 30, 15)));
        assert_eq!(parse_time("00:00"), Ok(time(0, 0, 0)));
        let at = At::parse("23:59:59, 6:05").unwrap();
        assert_eq!(at.times, [time(23, 59, 59), time(6, 5, 0)]);
    }

    #[test]
    fn what_is_no_time_is_pointed_at() {
        let wrong = [
            "",
            "7",
            "7:3",
            "7:30pm",
            "25:00",
            "12:60",
            "12:30:60",
            "7.30",
            "+7:30",
            "007:30",
            "7:30:",
            ":30",
            "1:02:03:04",
            "٣:٣٠",
        ];
        for text in wrong {
            let problem = parse_time(text).unwrap_err();
            assert_eq!(problem.within, 0..text.len(), "{text}");
        }
        let problem = At::parse("07:30, 8:5").unwrap_err();
        assert_eq!(problem.within, 7..10);
        assert_eq!(
            problem.message,
            "`8:5` is no time of day: write one from 00:00 to 23:59, such as 07:30"
        );
        assert!(parse_time("24:00").unwrap_err().message.contains("00:00"));
        assert!(At::parse("").is_err() && At::parse("07:30,").is_err());
    }
}
