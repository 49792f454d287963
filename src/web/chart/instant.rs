//! Points in time as addresses and programs write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::clock::UtcMillis;

/// What [`read`] takes, for sentences that refuse something else.
pub const EXAMPLES: &str =
    "UTC milliseconds, or a time like 2026-11-28T14:30:00Z, 2026-11-28T14:30 or 2026-11-28";

/// Reads UTC milliseconds or ISO 8601. A time without an offset is one of the house's
/// clock, a date is its first moment. None for anything else, and outside of the years
/// −9999 to 9999.
pub fn read(text: &str, zone: &TimeZone) -> Option<UtcMillis> {
    if let Ok(millis) = text.parse() {
        return zoned(UtcMillis(millis), zone).map(|_| UtcMillis(millis));
    }
    written(text, zone).or_else(|| {
        // A plus that was not percent-encoded arrives as a space.
        let (time, offset) = text.rsplit_once(' ')?;
        written(&format!("{time}+{offset}"), zone)
    })
}

fn written(text: &str, zone: &TimeZone) -> Option<UtcMillis> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(UtcMillis(at.as_millisecond()));
    }
    let local = text.parse::<DateTime>().ok()?;
    zone.to_timestamp(local)
        .ok()
        .map(|at| UtcMillis(at.as_millisecond()))
}

/// RFC 3339 in UTC, with as many digits as it takes; empty for what no calendar holds.
pub fn write(at: UtcMillis) -> String {
    Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
}

/// A time on the house's clock, if a calendar holds it.
pub fn zoned(at: UtcMillis, zone: &TimeZone) -> Option<Zoned> {
    let at = Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone.clone()))
}

/// When a day begins.
pub fn midnight(date: Date, zone: &TimeZone) -> Option<UtcMillis> {
    let begin = zone.to_timestamp(date.to_datetime(Time::midnight()));
    begin.ok().map(|at| UtcMillis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_and_iso_8601_are_read() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let read = |text| read(text, &zone).map(write);
        let half_past_two = Some("2026-11-28T13:30:00Z".to_owned());
        for text in [
            "1795872600000",
            "2026-11-28T13:30:00Z",
            "2026-11-28T14:30:00+01:00",
            "2026-11-28T14:30:00 01:00",
            "2026-11-28T14:30",
            "2026-11-28 14:30",
        ] {
            assert_eq!(read(text), half_past_two, "{text}");
        }
        assert_eq!(read("2026-11-28").unwrap(), "2026-11-27T23:00:00Z");
        assert_eq!(read("-1").unwrap(), "1969-12-31T23:59:59.999Z");
        for text in ["", "now", "2026-13-01", "9223372036854775807", "1e12"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_the_one_after() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let skipped = read("2026-03-29T02:30", &zone).map(write);
        assert_eq!(skipped.unwrap(), "2026-03-29T01:30:00Z");
    }
}
