//! Lengths of time as people write them: `"30s"`, `"1m30s"`, `"500ms"`, `"2d"`.

use std::time::Duration;

/// The longest time that anything of the house may take.
pub const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Why a text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDuration {
    /// It cannot be read, lacks its unit or is negative.
    Unreadable,
    /// It is longer than [`LONGEST`].
    TooLong,
}

/// Reads a length of time with its units, from zero to [`LONGEST`]. A day has 24 hours,
/// whatever the clocks do.
///
/// # Errors
///
/// What is wrong with it; the caller finds the words, as it knows the place.
pub fn parse(text: &str) -> Result<Duration, NoDuration> {
    let parsed = jiff::fmt::friendly::SpanParser::new().parse_span(text);
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let parsed = parsed.and_then(|span| span.to_duration(days));
    let duration = parsed.ok().and_then(|d| Duration::try_from(d).ok());
    match duration {
        None => Err(NoDuration::Unreadable),
        Some(duration) if duration > LONGEST => Err(NoDuration::TooLong),
        Some(duration) => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_needed_and_added_up() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("8784h"), Ok(LONGEST));
        assert_eq!(parse("366d"), Ok(LONGEST));
        assert_eq!(parse("1d1h"), Ok(Duration::from_secs(25 * 3600)));
        assert_eq!(parse("8785h"), Err(NoDuration::TooLong));
        for text in ["", "10", "-5s", "ten minutes", "5 s x"] {
            assert_eq!(parse(text), Err(NoDuration::Unreadable), "{text}");
        }
    }
}
