//! Sunrise and sunset, some time before or after.
//!
//! The sun is up while its upper edge is above a level horizon, through air that
//! bends its light as usual: its centre is at -50' or higher. That is what
//! almanacs list; hills, and the weather, are minutes.

#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use solar_positioning::time::JulianDate;
use solar_positioning::{Horizon, Location, SolarEvents, SolarPositions};

use super::part::{Part, Problem};
use super::{Days, Place, Position, local};
use crate::clock::UtcMillis;

const DAY: i64 = 86_400_000;
/// At the poles the sun rises once a year.
const LONGEST_DAYS: i64 = 800;
/// The Julian date of 1970-01-01T00:00Z.
const EPOCH: f64 = 2_440_587.5;
/// How far the earth's rotation is behind uniform time, in seconds: it is this
/// many in our decades, and a minute more would move a sunrise by a second.
const DELTA_T: f64 = 69.2;
/// Beyond a day, another sunrise is meant.
const LONGEST_OFFSET: SignedDuration = SignedDuration::from_hours(24);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SunEvent {
    Sunrise,
    Sunset,
}

/// A time that goes with the sun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sun {
    pub event: SunEvent,
    /// Added to the event: negative is before it.
    pub offset: SignedDuration,
    /// The days of the sunrises or sunsets themselves, whatever the offset.
    pub days: Days,
}

impl Sun {
    /// Looks through whole days (UTC's, as any would do), so that the answer to
    /// the millisecond does not depend on `after`.
    pub(super) fn next_after(&self, after: UtcMillis, place: &Place) -> Option<UtcMillis> {
        let position = place.position?;
        let offset = i64::try_from(self.offset.as_millis()).ok()?;
        let first = after
            .0
            .checked_sub(offset)?
            .checked_sub(1000)?
            .div_euclid(DAY);
        (first..=first.checked_add(LONGEST_DAYS)?).find_map(|day| {
            let events = events_of(self.event, day, position);
            let mut due = events
                .filter(|event| self.is_on_a_day(*event, &place.zone))
                .map(|event| UtcMillis(event.0.saturating_add(offset)));
            due.find(|due| *due > after)
        })
    }

    fn is_on_a_day(&self, event: UtcMillis, zone: &TimeZone) -> bool {
        let weekday = local::timestamp(event).map(|event| zone.to_datetime(event).weekday());
        weekday.is_some_and(|weekday| self.days.contains(weekday))
    }
}

/// The sunrises or sunsets on a day since 1970: one, or none, or near the poles
/// two. At the next whole second, when [`is_up`] has changed already.
fn events_of(event: SunEvent, day: i64, position: Position) -> impl Iterator<Item = UtcMillis> {
    let start = julian(UtcMillis(day.saturating_mul(DAY)));
    let next = move |from: &f64| {
        let calculator = SolarEvents::new();
        let (end, location) = (start + 1.0, location(position));
        let (horizon, from) = (Horizon::SunriseSunset, *from);
        let found = match event {
            SunEvent::Sunrise => {
                calculator.next_rise_from_julian(from, end, location, DELTA_T, horizon)
            }
            SunEvent::Sunset => {
                calculator.next_set_from_julian(from, end, location, DELTA_T, horizon)
            }
        };
        // Years for which no formula is known have no sun.
        found.ok().flatten()
    };
    std::iter::successors(next(&start), next).filter_map(next_second)
}

fn location(position: Position) -> Location {
    Location {
        latitude: position.latitude(),
        longitude: position.longitude(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a Julian date is precise to a tenth of a millisecond in our centuries"
)]
fn julian(at: UtcMillis) -> f64 {
    EPOCH + at.0 as f64 / DAY as f64
}

fn next_second(julian: f64) -> Option<UtcMillis> {
    let seconds = std::time::Duration::try_from_secs_f64((julian - EPOCH) * 86_400.0).ok()?;
    Some(UtcMillis(
        (i64::try_from(seconds.as_secs()).ok()? + 1) * 1000,
    ))
}

/// Whether the sun is above the horizon: from sunrise to sunset.
pub fn is_up(at: UtcMillis, position: Position) -> bool {
    let elevation = JulianDate::new(julian(at), DELTA_T)
        .and_then(|time| SolarPositions::new().at_from_julian(time, location(position), 0.0, None));
    elevation.is_ok_and(|sun| sun.elevation_angle() >= Horizon::SunriseSunset.elevation_angle())
}

/// A time before or after, such as `-30m`, `+1h15m` or `15m`; up to a day.
pub fn parse_offset(text: &str) -> Result<SignedDuration, Problem> {
    const EXAMPLES: &str = "write one such as -30m (before), 15m or +1h15m (after)";
    let part = Part::whole(text).trim();
    let parsed = jiff::fmt::friendly::SpanParser::new().parse_duration(part.text);
    let Ok(offset) = parsed else {
        let text = part.text;
        return Err(part.problem(format!("`{text}` is no offset: {EXAMPLES}")));
    };
    if offset.abs() > LONGEST_OFFSET {
        let text = part.text;
        return Err(part.problem(format!("`{text}` is more than a day: {EXAMPLES}")));
    }
    Ok(offset)
}
