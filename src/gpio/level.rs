//! What a line is set to or says: on, off, or for how much of the time it is
//! on. Pure; the payloads of pins are read and written here.

use std::fmt;

use crate::home::Value;

/// The state of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Active or inactive.
    Switch(bool),
    /// Active for a part of the time: PWM.
    Duty(Duty),
}

/// As it is written in a payload: `on`, `off`, `37.5`.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Switch(active) => Value::Switch(*active).fmt(f),
            Level::Duty(duty) => duty.fmt(f),
        }
    }
}

/// The part of the time for which a PWM line is active, from 0 to 100 percent
/// in steps of a hundredth of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duty(u16);

impl Duty {
    /// Never on.
    pub const OFF: Duty = Duty(0);
    /// Always on.
    pub const FULL: Duty = Duty(10_000);

    /// The duty of `percent`, or none outside of 0 to 100.
    pub fn from_percent(percent: f64) -> Option<Duty> {
        // A float that is cast is cut to the range of the integer.
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        #[expect(clippy::cast_sign_loss, reason = "the range was checked")]
        let hundredths = (0.0..=100.0)
            .contains(&percent)
            .then(|| (percent * 100.0).round() as u16)?;
        Some(Duty(hundredths))
    }

    /// The duty of a line that is on for `on` of every `period`, both in any
    /// one unit; off where there is no period.
    pub fn of(on: u64, period: u64) -> Duty {
        if period == 0 {
            return Duty::OFF;
        }
        let full = u128::from(Duty::FULL.0);
        let hundredths = (u128::from(on) * full + u128::from(period) / 2) / u128::from(period);
        Duty(u16::try_from(hundredths.min(full)).unwrap_or(Duty::FULL.0))
    }

    /// For how long of a `period` the line is on, rounded to the nearest.
    pub fn share(self, period: u64) -> u64 {
        let full = u128::from(Duty::FULL.0);
        let on = (u128::from(period) * u128::from(self.0) + full / 2) / full;
        u64::try_from(on).unwrap_or(period)
    }

    /// The duty of the opposite level.
    #[must_use]
    pub fn inverted(self) -> Duty {
        Duty(Duty::FULL.0 - self.0)
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.percent().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percent_is_written_as_people_write_it() {
        for (percent, text) in [
            (0.0, "0"),
            (37.5, "37.5"),
            (99.994, "99.99"),
            (100.0, "100"),
        ] {
            assert_eq!(Duty::from_percent(percent).unwrap().to_string(), text);
        }
        assert_eq!(Level::Switch(true).to_string(), "on");
    }

    #[test]
    fn what_is_no_part_of_the_time_is_refused() {
        for percent in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Duty::from_percent(percent), None, "{percent}");
        }
    }

    #[test]
    fn a_line_without_a_period_is_off() {
        assert_eq!(Duty::of(5, 0), Duty::OFF);
        assert_eq!(Duty::of(7, 5), Duty::FULL);
    }

    proptest! {
        #[test]
        fn what_is_set_is_what_is_read(hundredths in 0..=10_000_u16, period in 10_000..u64::MAX) {
            let duty = Duty(hundredths);
            let on = duty.share(period);
            prop_assert!(on <= period);
            prop_assert_eq!(Duty::of(on, period), duty);
            prop_assert_eq!(duty.inverted().inverted(), duty);
        }
    }
}
