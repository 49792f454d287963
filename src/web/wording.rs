//! How the page words what the house says: names, values, units, ages.
//!
//! Pure, and the only place that turns a payload into text for people.

mod amounts;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::UtcMillis;
use crate::home::{DeviceClass, Kind, Value};
pub use amounts::{bytes, life, span};

/// A payload longer than this many characters is cut on the page.
const MAX_TEXT_CHARS: usize = 80;
const MAX_SENTENCE_CHARS: usize = 400;

/// `living-room` as a person writes it: `Living room`.
pub fn title(word: &str) -> String {
    match word {
        "co2" => return "CO₂".to_owned(),
        "ph" => return "pH".to_owned(),
        "pm25" => return "PM2.5".to_owned(),
        _ => {}
    }
    let spaced = word.replace('-', " ");
    let mut chars = spaced.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    cut(&(first.to_uppercase().collect::<String>() + chars.as_str()))
}

/// A value with the words of its quantity, without the unit: `21.5`, `open`.
pub fn value(value: &Value, kind: Kind, class: Option<DeviceClass>) -> String {
    match value {
        Value::Switch(on) => state(*on, class).to_owned(),
        Value::Number(1.0) if kind == Kind::BinarySensor => state(true, class).to_owned(),
        Value::Number(0.0) if kind == Kind::BinarySensor => state(false, class).to_owned(),
        Value::Number(number) => self::number(*number, class),
        Value::Text(text) if text.is_empty() => "empty".to_owned(),
        Value::Text(text) => cut(text),
    }
}

/// What `on` and `off` mean for a quantity.
pub fn state(on: bool, class: Option<DeviceClass>) -> &'static str {
    use DeviceClass as D;
    match (class, on) {
        (Some(D::Door | D::Window), true) => "open",
        (Some(D::Door | D::Window), false) => "closed",
        (Some(D::Motion | D::Occupancy | D::Gas | D::Smoke), true) => "detected",
        (Some(D::Motion | D::Occupancy | D::Gas | D::Smoke), false) => "clear",
        (Some(D::Presence), true) => "home",
        (Some(D::Presence), false) => "away",
        (Some(D::Moisture), true) => "wet",
        (Some(D::Moisture), false) => "dry",
        (Some(D::Battery), true) => "low",
        (Some(D::Battery), false) => "fine",
        (_, true) => "on",
        (_, false) => "off",
    }
}

/// A number with the digits that its quantity deserves: `21.5`, `43`, `1,234`.
pub fn number(number: f64, class: Option<DeviceClass>) -> String {
    if number.abs() >= 1e12 {
        return format!("{number:e}");
    }
    let digits = decimals(number, class);
    let text = format!("{number:.digits$}");
    let keeps_zeros = class == Some(DeviceClass::Temperature);
    let text = if keeps_zeros || !text.contains('.') {
        text.as_str()
    } else {
        text.trim_end_matches('0').trim_end_matches('.')
    };
    // What rounds to zero has no sign.
    let text = match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| matches!(c, '0' | '.')) => rest,
        _ => text,
    };
    grouped(text)
}

fn decimals(number: f64, class: Option<DeviceClass>) -> usize {
    use DeviceClass as D;
    match class {
        Some(D::Temperature) => 1,
        Some(D::Humidity | D::Moisture | D::Battery | D::Illuminance | D::CarbonDioxide) => 0,
        Some(D::AtmosphericPressure | D::SoundPressure) => 1,
        _ if number.abs() >= 1000.0 => 0,
        _ if number.abs() >= 100.0 => 1,
        _ if number.abs() >= 0.1 || number == 0.0 => 2,
        _ => 6,
    }
}

/// Commas between thousands.
pub fn grouped(text: &str) -> String {
    let (sign, rest) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest
        .split_once('.')
        .map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut grouped = String::from(if sign.is_empty() { "" } else { "−" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

/// How long ago: `just now`, `12 s ago`, `3 min ago`. The script says the same.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..=1 => "just now".to_owned(),
        2..=59 => format!("{seconds} s ago"),
        60..=3_599 => format!("{} min ago", seconds / 60),
        3_600..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// How long something took: `12 ms`, `1.4 s`, `5 s`.
pub fn took(millis: u64) -> String {
    match (millis / 1000, millis % 1000 / 100) {
        (0, _) => format!("{millis} ms"),
        (seconds, 0) => format!("{seconds} s"),
        (seconds, tenths) => format!("{seconds}.{tenths} s"),
    }
}

/// A time on the house's clock: `14:03:20`, and with the day if it is another one than
/// now's: `27 Nov 14:03:20`.
pub fn time(at: UtcMillis, now: UtcMillis, zone: &TimeZone) -> String {
    let zoned = |at: UtcMillis| {
        let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
        at.to_zoned(zone.clone())
    };
    let (at, now) = (zoned(at), zoned(now));
    let format = match at.date() == now.date() {
        true => "%H:%M:%S",
        false => "%-d %b %H:%M:%S",
    };
    at.strftime(format).to_string()
}

/// A day on the house's calendar: `27 Nov 2026`.
pub fn day(at: UtcMillis, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
    let at = at.to_zoned(zone.clone());
    at.strftime("%-d %b %Y").to_string()
}

/// How long still: `4 min 12 s`. The script says the same.
pub fn left(left: Duration) -> String {
    let seconds = left.as_millis().div_ceil(1000);
    match seconds {
        0 => "now".to_owned(),
        1..=59 => format!("{seconds} s left"),
        60..=3_599 => format!("{} min {} s left", seconds / 60, seconds % 60),
        3_600..=172_799 => format!("{} h {} min left", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} days left", seconds / 86_400),
    }
}

/// Why a board started, as its firmware says it.
pub fn reset(reason: &str) -> String {
    match reason {
        "power-on" => "its power came".to_owned(),
        "external" => "its reset button was pressed, or its port was opened".to_owned(),
        "brown-out" => "its supply voltage was too low".to_owned(),
        "watchdog" => "its program hung, and its watchdog started it again".to_owned(),
        "" | "unknown" => "not known".to_owned(),
        other => cut(other),
    }
}

/// `1 frame`, `12,034 frames`.
pub fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(&number.to_string()))
}

/// A value or name of others, cut to a length that a card can hold.
pub fn cut(text: &str) -> String {
    cut_to(text, MAX_TEXT_CHARS)
}

/// A sentence or log line of others, cut to a length that a page can hold.
pub fn sentence(text: &str) -> String {
    cut_to(text.trim_end(), MAX_SENTENCE_CHARS)
}

/// The same, to any number of characters.
pub fn cut_to(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use DeviceClass as D;

    #[test]
    fn numbers_have_the_digits_their_quantity_deserves() {
        assert_eq!(number(21.0, Some(D::Temperature)), "21.0");
        assert_eq!(number(-0.04, Some(D::Temperature)), "0.0");
        assert_eq!(number(-3.25, Some(D::Temperature)), "−3.2");
        assert_eq!(number(43.4, Some(D::Humidity)), "43");
        assert_eq!(number(1234.4, Some(D::Illuminance)), "1,234");
        assert_eq!(number(1013.25, Some(D::AtmosphericPressure)), "1,013.2");
        assert_eq!(number(1234567.0, None), "1,234,567");
        assert_eq!(number(100.0, None), "100");
        assert_eq!(number(0.5, None), "0.5");
        assert_eq!(number(0.0042, None), "0.0042");
        assert_eq!(number(3e20, None), "3e20");
    }

    #[test]
    fn states_speak_the_words_of_their_quantity() {
        let words = |payload, kind, class| value(&Value::parse(payload), kind, class);
        assert_eq!(words("on", Kind::BinarySensor, Some(D::Door)), "open");
        assert_eq!(words("off", Kind::BinarySensor, Some(D::Motion)), "clear");
        assert_eq!(words("1", Kind::BinarySensor, Some(D::Door)), "open");
        assert_eq!(words("1", Kind::Sensor, None), "1");
        assert_eq!(words("on", Kind::Switch, None), "on");
        assert_eq!(words("", Kind::Sensor, None), "empty");
    }

    #[test]
    fn names_and_ages_read_like_speech() {
        assert_eq!(title("living-room"), "Living room");
        assert_eq!(title("co2"), "CO₂");
        assert_eq!(title("étage-2"), "Étage 2");
        assert_eq!(title(""), "");
        assert_eq!(age(Duration::from_secs(1)), "just now");
        assert_eq!(age(Duration::from_secs(61)), "1 min ago");
        assert_eq!(age(Duration::from_secs(7_300)), "2 h ago");
        assert_eq!(count(1, "frame"), "1 frame");
        assert_eq!(count(12_034, "frame"), "12,034 frames");
        assert_eq!(took(12), "12 ms");
        assert_eq!(took(1_450), "1.4 s");
        assert_eq!(took(5_003), "5 s");
    }

    #[test]
    fn times_are_those_of_the_house() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let at = |ms| time(UtcMillis(ms), UtcMillis(86_400_000), &zone);
        assert_eq!(at(86_400_000 + 79_199_000), "22:59:59");
        assert_eq!(at(82_799_999), "1 Jan 23:59:59");
        assert_eq!(day(UtcMillis(82_800_000), &zone), "2 Jan 1970");
        assert_eq!(left(Duration::from_millis(251_001)), "4 min 12 s left");
        assert_eq!(left(Duration::from_secs(3_700)), "1 h 1 min left");
        assert_eq!(left(Duration::from_millis(1)), "1 s left");
        assert_eq!(left(Duration::ZERO), "now");
    }

    proptest! {
        #[test]
        fn any_text_and_number_is_worded_within_bounds(text in ".{0,300}", bits in any::<u64>()) {
            prop_assert!(title(&text).chars().count() <= MAX_TEXT_CHARS + 1);
            prop_assert!(cut(&text).chars().count() <= MAX_TEXT_CHARS + 1);
            prop_assert!(number(f64::from_bits(bits), None).len() <= 40);
        }
    }
}
