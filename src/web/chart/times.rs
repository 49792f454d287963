//! The axis of time: round local times, and time in words.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use super::Tick;
use super::instant::zoned;
use crate::clock::UtcMillis;

/// More ticks than this are never drawn, whatever the range.
const MOST_TICKS: usize = 40;

/// The distance between two ticks of time.
#[derive(Clone, Copy, Debug)]
enum Step {
    Seconds(i32),
    Days(i32),
    Months(i32),
}

const STEPS: [Step; 26] = {
    use Step::{Days, Months, Seconds};
    [
        Seconds(1),
        Seconds(2),
        Seconds(5),
        Seconds(10),
        Seconds(15),
        Seconds(30),
        Seconds(60),
        Seconds(120),
        Seconds(300),
        Seconds(600),
        Seconds(900),
        Seconds(1800),
        Seconds(3600),
        Seconds(7200),
        Seconds(10_800),
        Seconds(21_600),
        Seconds(43_200),
        Days(1),
        Days(2),
        Days(7),
        Days(14),
        Months(1),
        Months(3),
        Months(6),
        Months(12),
        Months(60),
    ]
};

impl Step {
    fn millis(self) -> i64 {
        match self {
            Step::Seconds(seconds) => i64::from(seconds) * 1000,
            Step::Days(days) => i64::from(days) * 86_400_000,
            Step::Months(months) => i64::from(months) * 2_592_000_000,
        }
    }

    /// Width of a label and some air, in the drawing's units.
    fn room(self) -> f64 {
        match self {
            Step::Seconds(seconds) if seconds >= 60 => 60.0,
            Step::Seconds(_) => 75.0,
            Step::Days(_) => 80.0,
            Step::Months(_) => 50.0,
        }
    }

    /// The last round local time at or before `at`.
    fn floor(self, at: DateTime) -> Option<DateTime> {
        let midnight = at.date().to_datetime(jiff::civil::Time::midnight());
        match self {
            Step::Seconds(step) => {
                let time = at.time();
                let seconds = i32::from(time.hour()) * 3600
                    + i32::from(time.minute()) * 60
                    + i32::from(time.second());
                midnight
                    .checked_add((seconds - seconds % step).seconds())
                    .ok()
            }
            Step::Days(step) => {
                // Weeks begin on a Monday, as 2001-01-01 was.
                let days = Date::constant(2001, 1, 1).until(at.date()).ok()?.get_days();
                midnight.checked_sub(days.rem_euclid(step).days()).ok()
            }
            Step::Months(step) => {
                let months = i32::from(at.year()) * 12 + i32::from(at.month()) - 1;
                let first = at.date().first_of_month();
                let first = first.checked_sub(months.rem_euclid(step).months()).ok()?;
                Some(first.to_datetime(jiff::civil::Time::midnight()))
            }
        }
    }

    fn next(self, at: DateTime) -> Option<DateTime> {
        let step = match self {
            Step::Seconds(seconds) => seconds.seconds(),
            Step::Days(days) => days.days(),
            Step::Months(months) => months.months(),
        };
        at.checked_add(step).ok()
    }

    /// Round times from `start` on. Up to an hour they follow each other in time, so that
    /// an hour that comes twice has its times twice; longer steps follow the house's clock.
    fn times(self, start: DateTime, zone: &TimeZone) -> Box<dyn Iterator<Item = Zoned>> {
        let zone = zone.clone();
        match self {
            Step::Seconds(seconds @ ..=3600) => {
                let next = move |at: &Zoned| at.checked_add(seconds.seconds()).ok();
                Box::new(std::iter::successors(zone.to_zoned(start).ok(), next))
            }
            _ => {
                let times = std::iter::successors(Some(start), move |at| self.next(*at));
                Box::new(times.map_while(move |time| zone.to_zoned(time).ok()))
            }
        }
    }

    fn label(self, at: DateTime, is_first: bool) -> String {
        let midnight = at.time() == jiff::civil::Time::midnight();
        let format = match self {
            Step::Months(months) if months >= 12 => "%Y",
            // The year is said where it begins.
            Step::Months(_) if at.month() == 1 || is_first => "%b %Y",
            Step::Months(_) => "%b",
            Step::Days(_) => "%a %-d %b",
            Step::Seconds(_) if midnight => "%a %-d",
            Step::Seconds(step) if step < 60 => "%H:%M:%S",
            Step::Seconds(_) => "%H:%M",
        };
        at.strftime(format).to_string()
    }
}

/// Round local times between `from` and `to`, as many as have their labels fit
/// into `width`.
pub fn time_ticks(
    from: UtcMillis,
    to: UtcMillis,
    zone: &TimeZone,
    width: f64,
) -> Vec<Tick<UtcMillis>> {
    let span = to.0.saturating_sub(from.0) as f64;
    let fits = |step: &Step| span / step.millis() as f64 * step.room() <= width;
    let step = STEPS.into_iter().find(fits);
    let step = step.unwrap_or(Step::Months(1200));
    let Some(start) = local(from, zone).and_then(|from| step.floor(from)) else {
        return Vec::new();
    };
    let mut ticks: Vec<Tick<UtcMillis>> = Vec::new();
    for time in step.times(start, zone).take(4 * MOST_TICKS) {
        let at = UtcMillis(time.timestamp().as_millisecond());
        if at > to || ticks.len() == MOST_TICKS {
            break;
        }
        if at >= from && ticks.last().is_none_or(|last| last.at < at) {
            let label = step.label(time.datetime(), ticks.is_empty());
            ticks.push(Tick { at, label });
        }
    }
    ticks
}

/// Says the times of a chart: as briefly as tells them apart.
#[derive(Clone, Debug)]
pub struct Moments {
    format: &'static str,
    zone: TimeZone,
}

impl Moments {
    pub fn new(from: UtcMillis, to: UtcMillis, zone: &TimeZone) -> Moments {
        let span = to.0.saturating_sub(from.0);
        let date = |at| local(at, zone).map(|local| local.date());
        let last = UtcMillis(to.0.saturating_sub(1));
        let is_one_day = date(from) == date(last);
        let seconds = span <= 2 * 3_600_000;
        let format = match (is_one_day, seconds) {
            (true, true) => "%H:%M:%S",
            (true, false) => "%H:%M",
            (false, true) => "%a %H:%M:%S",
            (false, false) if span <= 6 * 86_400_000 => "%a %H:%M",
            (false, false) if span <= 200 * 86_400_000 => "%a %-d %b %H:%M",
            (false, false) => "%-d %b %Y %H:%M",
        };
        let zone = zone.clone();
        Moments { format, zone }
    }

    /// On the house's clock. In the hour that comes twice, with which of the two it is.
    pub fn say(&self, at: UtcMillis) -> String {
        let Some(zoned) = zoned(at, &self.zone) else {
            return String::new();
        };
        let said = zoned.strftime(self.format).to_string();
        let ambiguous = self.zone.to_ambiguous_timestamp(zoned.datetime());
        match ambiguous.is_ambiguous() {
            true => format!("{said} {}", zoned.strftime("%Z")),
            false => said,
        }
    }
}

fn local(at: UtcMillis, zone: &TimeZone) -> Option<DateTime> {
    zoned(at, zone).map(|zoned| zoned.datetime())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn times(from: &str, to: &str) -> Vec<String> {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let at = |text: &str| UtcMillis(text.parse::<Timestamp>().unwrap().as_millisecond());
        let ticks = time_ticks(at(from), at(to), &zone, 400.0);
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn times_are_round_where_the_house_stands() {
        assert_eq!(
            times("2026-11-22T07:04:00Z", "2026-11-22T08:04:00Z"),
            ["08:10", "08:20", "08:30", "08:40", "08:50", "09:00"]
        );
        assert_eq!(
            times("2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"),
            ["18:00", "Sun 22", "06:00", "12:00"]
        );
        assert_eq!(
            times("2026-11-15T12:00:00Z", "2026-11-22T12:00:00Z"),
            ["Mon 16 Nov", "Wed 18 Nov", "Fri 20 Nov", "Sun 22 Nov"]
        );
        assert_eq!(
            times("2026-01-15T00:00:00Z", "2026-12-31T00:00:00Z"),
            ["Apr 2026", "Jul", "Oct"]
        );
    }

    #[test]
    fn the_day_with_25_hours_has_its_hour_twice_and_that_with_23_lacks_one() {
        let ticks = times("2026-10-25T00:00:00Z", "2026-10-25T04:00:00Z");
        assert_eq!(ticks, ["02:00", "02:00", "03:00", "04:00", "05:00"]);
        let ticks = times("2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z");
        assert_eq!(ticks, ["01:00", "03:00", "04:00", "05:00", "06:00"]);
        let ticks = times("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        assert_eq!(ticks, ["Sun 25", "06:00", "12:00", "18:00", "Mon 26"]);
    }

    #[test]
    fn times_are_said_as_briefly_as_they_can_be() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let at = |text: &str| UtcMillis(text.parse::<Timestamp>().unwrap().as_millisecond());
        let said = |from, to, one| Moments::new(at(from), at(to), &zone).say(at(one));
        let (night, noon) = ("2026-10-25T00:30:00Z", "2026-10-25T11:30:00Z");
        let day = ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"];
        assert_eq!(said(day[0], day[1], noon), "12:30");
        assert_eq!(said(day[0], day[1], night), "02:30 CEST");
        assert_eq!(said(day[0], day[1], "2026-10-25T01:30:00Z"), "02:30 CET");
        assert_eq!(
            said("2026-10-25T11:00:00Z", "2026-10-25T12:00:00Z", noon),
            "12:30:00"
        );
        assert_eq!(said("2026-10-23T22:00:00Z", day[1], noon), "Sun 12:30");
        assert_eq!(
            said("2026-10-01T00:00:00Z", day[1], noon),
            "Sun 25 Oct 12:30"
        );
        assert_eq!(
            said("2020-10-01T00:00:00Z", day[1], noon),
            "25 Oct 2026 12:30"
        );
    }
}
