//! How much and how long: bytes, windows of time, years.

use std::time::Duration;

use crate::history::budget::LONGEST_LIFE;

const DAYS_A_YEAR: f64 = 365.25;

/// With the digits that matter: `340 bytes`, `12.3 kB`, `1,204 TB`.
pub fn bytes(bytes: f64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 999.5 {
        return match bytes < 9.95 && bytes.fract() != 0.0 {
            true => format!("{bytes:.1} bytes"),
            false => super::count(whole(bytes), "byte"),
        };
    }
    let mut amount = bytes / 1e3;
    let mut unit = units[0];
    for larger in &units[1..] {
        if amount < 999.5 {
            break;
        }
        (amount, unit) = (amount / 1e3, larger);
    }
    match amount < 99.95 {
        true => format!("{} {unit}", format!("{amount:.1}").trim_end_matches(".0")),
        false => format!("{} {unit}", super::grouped(&format!("{amount:.0}"))),
    }
}

/// A window of time as a person says it: `1 s`, `2 min`, `1 h 30 min`, `3 days`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let two = |whole: u64, rest: u64, unit: &str, smaller: &str| match rest {
        0 => format!("{whole} {unit}"),
        rest => format!("{whole} {unit} {rest} {smaller}"),
    };
    match seconds {
        0 if span.is_zero() => "no time".to_owned(),
        0 => format!("{} ms", span.as_millis().max(1)),
        1..=59 => format!("{seconds} s"),
        60..=599 => two(seconds / 60, seconds % 60, "min", "s"),
        600..=3_599 => format!("{} min", seconds / 60),
        3_600..=86_399 => two(seconds / 3_600, seconds / 60 % 60, "h", "min"),
        _ => super::count(seconds / 86_400, "day"),
    }
}

/// How long a card lives, in whole units: `more than 100 years`, `12 years`, `7 months`,
/// `20 days`.
pub fn life(years: f64) -> String {
    if years >= LONGEST_LIFE {
        return format!("more than {LONGEST_LIFE} years");
    }
    let days = years * DAYS_A_YEAR;
    match days {
        ..1.0 => "less than a day".to_owned(),
        ..60.0 => super::count(whole(days), "day"),
        ..730.0 => format!("{:.0} months", days / DAYS_A_YEAR * 12.0),
        _ => format!("{years:.0} years"),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it saturates, and nothing that is told is below zero"
)]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_digits_that_matter() {
        for (amount, told) in [
            (0.0, "0 bytes"),
            (1.0, "1 byte"),
            (2.34, "2.3 bytes"),
            (61.4, "61 bytes"),
            (999.6, "1 kB"),
            (12_345.0, "12.3 kB"),
            (123_456.0, "123 kB"),
            (40e6, "40 MB"),
            (999_600_000.0, "1 GB"),
            (1.2345e12, "1.2 TB"),
            (1.2345e15, "1,234 TB"),
        ] {
            assert_eq!(bytes(amount), told);
        }
    }

    #[test]
    fn windows_are_told_in_one_or_two_units() {
        for (millis, told) in [
            (0, "no time"),
            (200, "200 ms"),
            (1_000, "1 s"),
            (60_000, "1 min"),
            (90_000, "1 min 30 s"),
            (600_000, "10 min"),
            (5_400_000, "1 h 30 min"),
            (86_400_000, "1 day"),
            (200_000_000, "2 days"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), told);
        }
    }

    #[test]
    fn lives_are_told_in_whole_units() {
        for (years, told) in [
            (0.001, "less than a day"),
            (0.003, "1 day"),
            (0.1, "37 days"),
            (0.5, "6 months"),
            (1.5, "18 months"),
            (12.3, "12 years"),
            (100.0, "more than 100 years"),
        ] {
            assert_eq!(life(years), told);
        }
    }
}
