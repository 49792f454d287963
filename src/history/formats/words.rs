//! Times, numbers and clocks as text, and back, the same in every format.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

use crate::clock::{ClockQuality, UtcMillis};
use crate::history::sample::Origin;
use crate::home::Value;

static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Writes `2026-11-28T10:00:00.000Z`; milliseconds alone for what no calendar has.
pub fn push_time(at: UtcMillis, text: &mut String) {
    let printed =
        Timestamp::from_millisecond(at.0).and_then(|at| PRINTER.print_timestamp(&at, &mut *text));
    if printed.is_err() {
        text.push_str(&at.0.to_string());
    }
}

/// Reads a time with its zone, a time on the clock of `zone`, or UTC milliseconds. What
/// is finer than a millisecond is cut.
///
/// # Errors
/// What to write instead.
pub fn time(text: &str, zone: &TimeZone) -> Result<UtcMillis, String> {
    let text = text.trim();
    if let Ok(millis) = text.parse::<i64>() {
        return Ok(UtcMillis(millis));
    }
    let timestamp = text.parse::<Timestamp>().or_else(|_| {
        let local: DateTime = text.parse()?;
        zone.to_timestamp(local)
    });
    let at = timestamp.map_err(|_| {
        format!(
            "{} is no time: write 2026-11-28T10:00:00.000Z, or milliseconds since 1970",
            quoted(text)
        )
    })?;
    // Down, also before 1970.
    let millis = at.as_nanosecond().div_euclid(1_000_000);
    i64::try_from(millis)
        .map(UtcMillis)
        .map_err(|_| format!("{} is no time of this world", quoted(text)))
}

/// A number so that it is read back the same, and short.
pub fn number(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-7..1e17).contains(&size) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// Reads a finite number.
///
/// # Errors
/// What to write instead.
pub fn finite(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("{} cannot be kept: no finite number", quoted(text))),
        Err(_) => Err(format!("{} is no number: write 21.5", quoted(text))),
    }
}

/// Reads a value as a payload, but not what is certainly meant as a number.
///
/// # Errors
/// What to write instead.
pub fn payload(text: &str) -> Result<Value, String> {
    let value = Value::parse(text);
    let is_slip = |text: &String| {
        let mut parts = text.splitn(2, ',');
        let parts = (parts.next(), parts.next());
        matches!(parts, (Some(whole), Some(part))
            if whole.trim_start_matches('-').parse::<u64>().is_ok()
                && part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty())
    };
    match &value {
        Value::Text(text) if is_slip(text) => Err(format!(
            "{} has a comma: write {}",
            quoted(text),
            text.replace(',', ".")
        )),
        Value::Text(text)
            if matches!(
                text.to_ascii_lowercase().as_str(),
                "nan" | "inf" | "-inf" | "infinity" | "-infinity"
            ) =>
        {
            Err(format!("{} cannot be kept: no finite number", quoted(text)))
        }
        _ => Ok(value),
    }
}

/// The name of a clock's quality; what says nothing is taken for right.
///
/// # Errors
/// What to write instead.
pub fn clock(text: &str) -> Result<ClockQuality, String> {
    match text {
        "" | "synchronised" => Ok(ClockQuality::Synchronised),
        "rtc" => Ok(ClockQuality::Rtc),
        "unknown" => Ok(ClockQuality::Unknown),
        _ => Err(format!(
            "{} is no clock: write synchronised, rtc or unknown",
            quoted(text)
        )),
    }
}

pub fn clock_name(clock: ClockQuality) -> &'static str {
    match clock {
        ClockQuality::Synchronised => "synchronised",
        ClockQuality::Rtc => "rtc",
        ClockQuality::Unknown => "unknown",
    }
}

/// A clock that is worth a word.
pub fn doubtful(clock: ClockQuality) -> Option<&'static str> {
    (clock != ClockQuality::Synchronised).then(|| clock_name(clock))
}

/// Both counts or none.
///
/// # Errors
/// Which one is missing.
pub fn origin(boot: Option<u32>, sequence: Option<u32>) -> Result<Option<Origin>, String> {
    match (boot, sequence) {
        (Some(boot), Some(sequence)) => Ok(Some(Origin { boot, sequence })),
        (None, None) => Ok(None),
        (Some(_), None) => Err("there is a boot, but no sequence".to_owned()),
        (None, Some(_)) => Err("there is a sequence, but no boot".to_owned()),
    }
}

/// A text as messages show it: short, and on one line.
pub fn quoted(text: &str) -> String {
    const MOST: usize = 40;
    let shown: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    match text.chars().nth(MOST) {
        Some(_) => format!("`{shown}…`"),
        None => format!("`{shown}`"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<i64, String> {
        let zone = TimeZone::get("Europe/Budapest").unwrap();
        time(text, &zone).map(|at| at.0)
    }

    #[test]
    fn times_are_read_with_a_zone_on_the_houses_clock_and_as_milliseconds() {
        let ten = 1_795_860_000_000;
        for text in [
            "2026-11-28T10:00:00.000Z",
            "2026-11-28 10:00:00Z",
            "2026-11-28T11:00:00+01:00",
            "2026-11-28 11:00",
            "2026-11-28T10:00:00.0009Z",
            " 1795860000000 ",
        ] {
            assert_eq!(read(text), Ok(ten), "{text}");
        }
        assert_eq!(read("1969-12-31T23:59:59.9995Z"), Ok(-1));
        let wrong = read("yesterday").unwrap_err();
        assert!(
            wrong.starts_with("`yesterday` is no time: write"),
            "{wrong}"
        );
    }

    #[test]
    fn what_is_meant_as_a_number_is_no_text() {
        for (text, told) in [
            ("21,5", "`21,5` has a comma: write 21.5"),
            ("-0,25", "`-0,25` has a comma: write -0.25"),
            ("NaN", "`NaN` cannot be kept: no finite number"),
        ] {
            assert_eq!(payload(text).unwrap_err(), told);
        }
        for text in ["red, green", "1,2,3", ",5", "open"] {
            assert_eq!(payload(text), Ok(Value::Text(text.to_owned())));
        }
    }

    #[test]
    fn what_is_quoted_is_short_and_on_one_line() {
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted(&"x".repeat(50)), format!("`{}…`", "x".repeat(40)));
    }

    proptest! {
        #[test]
        fn times_and_numbers_come_back(at: i64, bits: u64) {
            let mut text = String::new();
            push_time(UtcMillis(at), &mut text);
            prop_assert_eq!(read(&text), Ok(at));
            let near = at % 4_000_000_000_000;
            let mut text = String::new();
            push_time(UtcMillis(near), &mut text);
            prop_assert_eq!(read(&text), Ok(near));
            let value = f64::from_bits(bits);
            if value.is_finite() {
                prop_assert_eq!(finite(&number(value)).unwrap().to_bits(), bits);
            }
        }
    }
}
