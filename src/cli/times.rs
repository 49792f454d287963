//! `--from` and `--to`: a time as a person says it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use crate::clock::UtcMillis;

/// Reads `2026-11-28T10:00` or `2026-11-28` on the house's clock, `-2h` before `now`,
/// `now` itself, or a time with its own zone, such as `2026-11-28T10:00Z`.
///
/// # Errors
/// What to write instead.
pub(super) fn read(text: &str, now: UtcMillis, zone: &TimeZone) -> Result<UtcMillis, String> {
    let text = text.trim();
    let read = match text.strip_prefix('-') {
        Some(ago) => before(&zoned(now, zone), ago.trim()),
        None if text == "now" => return Ok(now),
        None => absolute(text, zone),
    };
    read.map(|at| UtcMillis(at.as_millisecond())).ok_or_else(|| {
        format!(
            "`{text}` is no time: write 2026-11-28T10:00 or 2026-11-28 on the house's clock, or \
             -2h for two hours ago"
        )
    })
}

/// A time on the house's clock.
pub(super) fn zoned(at: UtcMillis, zone: &TimeZone) -> Zoned {
    let timestamp = Timestamp::from_millisecond(at.0);
    timestamp.unwrap_or_default().to_zoned(zone.clone())
}

/// As messages name it, and as [`read`] takes it.
pub(super) fn shown(at: UtcMillis, zone: &TimeZone) -> String {
    zoned(at, zone).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn before(now: &Zoned, ago: &str) -> Option<Timestamp> {
    let span: Span = ago.parse().ok().filter(|span: &Span| span.is_positive())?;
    let at = now.checked_sub(span).ok()?;
    Some(at.timestamp())
}

fn absolute(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local: DateTime = text.parse().ok()?;
    zone.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_said() {
        let zone = TimeZone::get("Europe/Budapest").unwrap();
        let read = |text: &str| {
            let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
            let read = read(text, UtcMillis(now.as_millisecond()), &zone);
            read.map(|at| Timestamp::from_millisecond(at.0).unwrap().to_string())
        };
        for (text, expected) in [
            ("2026-11-28T10:00", "2026-11-28T09:00:00Z"),
            ("2026-07-28 10:00:05", "2026-07-28T08:00:05Z"),
            ("2026-11-28", "2026-11-27T23:00:00Z"),
            ("2026-11-28T10:00Z", "2026-11-28T10:00:00Z"),
            ("-2h", "2026-11-28T10:00:00Z"),
            ("-1d 30m", "2026-11-27T11:30:00Z"),
            ("-1w", "2026-11-21T12:00:00Z"),
            ("now", "2026-11-28T12:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "10:00",
            "-",
            "--2h",
            "2h",
            "2026-13-01",
            "-99999999y",
        ] {
            let told = read(text).unwrap_err();
            assert!(
                told.contains("is no time: write 2026-11-28T10:00"),
                "{text}: {told}"
            );
        }
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let now = UtcMillis(now.as_millisecond());
        assert_eq!(shown(now, &zone), "2026-11-28T13:00:00");
    }
}
