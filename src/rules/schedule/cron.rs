//! Five fields of cron, and the next minute that they name.
//!
//! Days count as in Vixie's cron: a day of the month and a weekday that are both
//! named mean either; a field that begins with `*` names none.

mod parse;
#[cfg(test)]
mod tests;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{Dst, local};
use crate::clock::UtcMillis;

/// 29 February is eight years away when a century is no leap year.
const LONGEST_YEARS: i64 = 10;

/// A cron expression, in the house's time zone.
///
/// If it names every hour, it goes by elapsed time when the clocks change: it is
/// due in each minute whose local time it names, be that hour the second of its
/// kind. Otherwise `dst` says what becomes of skipped times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    /// Sunday is 0.
    weekdays: Set,
    /// A day need only fit one of `days` and `weekdays`.
    either_day: bool,
    pub dst: Dst,
}

/// Numbers from 0 to 63.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set(u64);

impl Set {
    fn add(&mut self, number: i8) {
        let bit = u32::try_from(number)
            .ok()
            .and_then(|n| 1_u64.checked_shl(n));
        self.0 |= bit.unwrap_or(0);
    }

    fn has(self, number: i8) -> bool {
        let mut one = Set::default();
        one.add(number);
        self.0 & one.0 != 0
    }

    fn first_from(self, least: i8) -> Option<i8> {
        (least..64).find(|number| self.has(*number))
    }
}

impl Cron {
    pub(super) fn next_after(&self, after: UtcMillis, zone: &TimeZone) -> Option<UtcMillis> {
        let after = local::timestamp(after)?;
        let every_hour = (0..24).all(|hour| self.hours.has(hour));
        let due = match every_hour {
            true => self.by_elapsed_time(after, zone),
            false => self.by_the_clock(after, zone),
        };
        due.map(local::utc)
    }

    /// Goes from one change of the clocks to the next; between them local time
    /// and elapsed time are the same.
    fn by_elapsed_time(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let horizon = after.checked_add((LONGEST_YEARS * 366 * 24).hours()).ok()?;
        let mut changes = zone.following(after);
        let mut offset = zone.to_offset(after);
        let mut from = minute_after(offset.to_datetime(after))?;
        loop {
            let change = changes.next().filter(|change| change.timestamp() < horizon);
            let end = change.as_ref().map_or(horizon, |change| change.timestamp());
            if let Some(due) = self.first_within(from, offset.to_datetime(end)) {
                return offset.to_timestamp(due).ok();
            }
            offset = change?.offset();
            from = minute_from(offset.to_datetime(end))?;
        }
    }

    fn by_the_clock(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let now = zone.to_datetime(after);
        let horizon = now.checked_add(LONGEST_YEARS.years()).ok()?;
        let mut from = minute_after(now)?;
        loop {
            let due = self.first_within(from, horizon)?;
            let moment = local::moment(due, self.dst, zone).filter(|moment| *moment > after);
            if moment.is_some() {
                return moment;
            }
            from = minute_after(due)?;
        }
    }

    /// The first minute it names, from `from`, a whole minute, to before `end`.
    fn first_within(&self, from: DateTime, end: DateTime) -> Option<DateTime> {
        let (mut date, mut earliest) = (from.date(), from.time());
        while date <= end.date() {
            if self.names(date)
                && let Some(time) = self.time_from(earliest)
            {
                return Some(date.to_datetime(time)).filter(|due| *due < end);
            }
            date = date.tomorrow().ok()?;
            earliest = Time::midnight();
        }
        None
    }

    fn names(&self, date: Date) -> bool {
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().to_sunday_zero_offset());
        self.months.has(date.month())
            && match self.either_day {
                true => day || weekday,
                false => day && weekday,
            }
    }

    fn time_from(&self, earliest: Time) -> Option<Time> {
        let (hour, minute) = (earliest.hour(), earliest.minute());
        let in_this_hour = self.minutes.first_from(minute);
        let (hour, minute) = match in_this_hour.filter(|_| self.hours.has(hour)) {
            Some(minute) => (hour, minute),
            None => (
                self.hours.first_from(hour + 1)?,
                self.minutes.first_from(0)?,
            ),
        };
        Time::new(hour, minute, 0, 0).ok()
    }
}

/// The first whole minute later than `local`.
fn minute_after(local: DateTime) -> Option<DateTime> {
    let time = Time::new(local.hour(), local.minute(), 0, 0).ok()?;
    local.date().to_datetime(time).checked_add(1.minute()).ok()
}

/// The first whole minute not before `local`.
fn minute_from(local: DateTime) -> Option<DateTime> {
    minute_after(local.checked_sub(1.nanosecond()).ok()?)
}
