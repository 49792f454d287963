//! The axis of time: round local times, and time in words.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::Tick;
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
            Step::Seconds(_) | Step::Months(_) => 75.0,
            Step::Days(_) => 80.0,
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

    fn label(self, at: DateTime) -> String {
        let midnight = at.time() == jiff::civil::Time::midnight();
        let format = match self {
            Step::Months(months) if months >= 12 => "%Y",
            Step::Months(_) => "%b %Y",
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
    let Some(start) = local(from, zone) else {
        return Vec::new();
    };
    let times = std::iter::successors(step.floor(start), |at| step.next(*at));
    let mut ticks: Vec<Tick<UtcMillis>> = Vec::new();
    for time in times.take(4 * MOST_TICKS) {
        let Ok(zoned) = zone.to_zoned(time) else {
            break;
        };
        let at = UtcMillis(zoned.timestamp().as_millisecond());
        if at > to || ticks.len() == MOST_TICKS {
            break;
        }
        // When clocks go back, an hour's round times come twice; one is drawn.
        if at >= from && ticks.last().is_none_or(|last| last.at < at) {
            let label = step.label(zoned.datetime());
            ticks.push(Tick { at, label });
        }
    }
    ticks
}

/// A time of day as people say it, with the day when it is not in the last day
/// of the chart.
pub fn moment(at: UtcMillis, to: UtcMillis, zone: &TimeZone) -> String {
    let far = to.0.saturating_sub(at.0) > 86_400_000;
    let format = if far { "%a %-d %b %H:%M" } else { "%H:%M" };
    let local = local(at, zone);
    local.map_or_else(String::new, |local| local.strftime(format).to_string())
}

fn local(at: UtcMillis, zone: &TimeZone) -> Option<DateTime> {
    let at = Timestamp::from_millisecond(at.0).ok()?;
    Some(zone.to_datetime(at))
}

#[cfg(test)]
mod tests {
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
            ["Apr 2026", "Jul 2026", "Oct 2026"]
        );
    }

    #[test]
    fn the_day_with_25_hours_has_its_ticks_in_order() {
        let ticks = times("2026-10-25T00:00:00Z", "2026-10-25T04:00:00Z");
        assert_eq!(ticks, ["02:00", "03:00", "04:00", "05:00"]);
    }
}
