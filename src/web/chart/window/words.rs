//! Lengths of time in addresses, titles and refusals.

use super::{DAY, HOUR, MINUTE, SHORTEST, Span};
use crate::home::duration;
use crate::web::wording;

/// Reads `?span=`, in milliseconds.
///
/// # Errors
/// What a span is, as a sentence.
pub fn length(word: &str) -> Result<i64, String> {
    if let Some(span) = Span::parse(word) {
        return Ok(span.millis());
    }
    let length = duration::parse(word).ok();
    let length = length.and_then(|length| i64::try_from(length.as_millis()).ok());
    length.filter(|length| *length >= SHORTEST).ok_or_else(|| {
        let said = quoted(word);
        format!(
            "A chart spans hour, day, week, month, year, or a time from 10s to 366d such as 6h, \
             not {said}."
        )
    })
}

/// As [`length`] reads it.
pub fn length_word(millis: i64) -> String {
    if let Some(span) = Span::ALL.into_iter().find(|span| span.millis() == millis) {
        return span.word().to_owned();
    }
    let units = [
        (DAY, "d"),
        (HOUR, "h"),
        (MINUTE, "m"),
        (1000, "s"),
        (1, "ms"),
    ];
    let whole = units.iter().find(|(unit, _)| millis % unit == 0);
    whole.map_or_else(String::new, |(unit, word)| {
        format!("{}{word}", millis / unit)
    })
}

/// The last so many milliseconds, as a title.
pub fn latest_words(millis: i64) -> String {
    let units = [
        (DAY, "day"),
        (HOUR, "hour"),
        (MINUTE, "minute"),
        (1000, "second"),
    ];
    let whole = units.iter().find(|(unit, _)| millis % unit == 0);
    let (unit, word) = whole.unwrap_or(&(1000, "second"));
    match millis / unit {
        1 if *unit == DAY => "Last 24 hours".to_owned(),
        1 => format!("Last {word}"),
        count => format!("Last {count} {word}s"),
    }
}

/// Text of others in a sentence, cut.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", wording::cut(text))
}
