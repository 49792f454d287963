//! The axis of values: where the lines of its grid lie and what is written at
//! them.

use super::Tick;
use crate::web::wording::grouped;

/// More ticks than this are never drawn, whatever the range.
const MOST_TICKS: u32 = 40;
/// Values beyond this are drawn at it, so that differences stay finite.
const LARGEST: f64 = 1e300;
/// Values and differences below this are taken for zero.
const SMALLEST: f64 = 1e-290;

/// The axis of values: its ends are ticks.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueAxis {
    pub low: f64,
    pub high: f64,
    step: f64,
}

impl ValueAxis {
    /// Covers `min` to `max` in about `count` steps of 1, 2 or 5 times a power
    /// of ten.
    pub fn covering(min: f64, max: f64, count: usize) -> ValueAxis {
        let (min, max) = widened(tame(min), tame(max));
        let step = nice_step((max - min) / count.max(1) as f64);
        ValueAxis {
            low: (min / step).floor() * step,
            high: (max / step).ceil() * step,
            step,
        }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        ((tame(value) - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// The lines of the grid, from low to high.
    pub fn ticks(&self) -> Vec<Tick<f64>> {
        let numbers = (0..MOST_TICKS).map(|n| self.low + f64::from(n) * self.step);
        let numbers = numbers.take_while(|number| *number <= self.high + self.step / 2.0);
        numbers
            .map(|at| Tick {
                at,
                label: self.label(at),
            })
            .collect()
    }

    fn label(&self, number: f64) -> String {
        let magnitude = self.low.abs().max(self.high.abs());
        // What rounding left of a zero is one.
        let number = if number.abs() < self.step / 2.0 {
            0.0
        } else {
            number
        };
        if !(1e-5..1e15).contains(&magnitude) {
            return match number {
                0.0 => "0".to_owned(),
                _ => format!("{number:.*e}", scientific_digits(magnitude, self.step)),
            };
        }
        // Thousands are grouped, millions are said as such.
        let (unit, word) = match magnitude {
            ..1e6 => (1.0, ""),
            ..1e9 => (1e6, " M"),
            ..1e12 => (1e9, " G"),
            _ => (1e12, " T"),
        };
        let step = self.step / unit;
        let decimals = (0..=9).find(|n| step * 10_f64.powi(*n) > 0.99);
        let number = number / unit;
        let text = format!("{number:.*}", decimals.unwrap_or(9) as usize);
        let word = if number == 0.0 { "" } else { word };
        format!("{}{word}", grouped(&text))
    }
}

/// A value written as briefly as four digits allow: for descriptions.
pub fn brief(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-3..1e15).contains(&size) => format!("{number:.3e}"),
        size => {
            let decimals = if size >= 1000.0 { 0 } else { 2 };
            let decimals = if size < 1.0 { 4 } else { decimals };
            let fixed = format!("{number:.decimals$}");
            let short = match fixed.contains('.') {
                true => fixed.trim_end_matches('0').trim_end_matches('.'),
                false => &fixed,
            };
            grouped(short)
        }
    }
}

fn tame(value: f64) -> f64 {
    if value.is_nan() || value.abs() < SMALLEST {
        return 0.0;
    }
    value.clamp(-LARGEST, LARGEST)
}

/// A constant gets room on both sides, so that its line runs in the middle; nothing at all
/// lies at the bottom, as less than nothing was not said.
fn widened(min: f64, max: f64) -> (f64, f64) {
    let size = min.abs().max(max.abs());
    if max - min > size * 1e-9 {
        return (min, max);
    }
    match size {
        0.0 => (0.0, 1.0),
        size => (min - size * 0.02, max + size * 0.02),
    }
}

fn nice_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

/// Digits after the point that tell neighbouring ticks apart.
fn scientific_digits(magnitude: f64, step: f64) -> usize {
    let digits = magnitude.log10().floor() - step.log10().floor();
    (0..6).find(|n| f64::from(*n) >= digits).unwrap_or(6) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(min: f64, max: f64) -> Vec<String> {
        let ticks = ValueAxis::covering(min, max, 5).ticks();
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn values_are_round() {
        assert_eq!(values(18.3, 24.1), ["18", "20", "22", "24", "26"]);
        assert_eq!(
            values(-0.3, 0.2),
            ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2"]
        );
        assert_eq!(values(0.0, 0.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            values(1013.0, 1013.0),
            ["990", "1,000", "1,010", "1,020", "1,030", "1,040"]
        );
        assert_eq!(values(0.0, 4e9), ["0", "1 G", "2 G", "3 G", "4 G"]);
        assert_eq!(
            values(12_345_000.0, 12_347_900.0),
            ["12.345 M", "12.346 M", "12.347 M", "12.348 M"]
        );
        assert_eq!(
            values(0.0, 2e-9),
            ["0", "5.0e-10", "1.0e-9", "1.5e-9", "2.0e-9"]
        );
    }

    #[test]
    fn any_two_values_make_an_axis() {
        let odd = [
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            f64::NAN,
            f64::INFINITY,
            1.0,
        ];
        for (min, max) in odd.iter().flat_map(|a| odd.iter().map(move |b| (*a, *b))) {
            let axis = ValueAxis::covering(min.min(max), max.max(min), 5);
            assert!(
                axis.low < axis.high && axis.step > 0.0,
                "{min} {max} {axis:?}"
            );
            assert!(
                (2..=MOST_TICKS as usize).contains(&axis.ticks().len()),
                "{min} {max}"
            );
        }
    }

    #[test]
    fn numbers_in_descriptions_are_brief() {
        let briefly = [0.0, 21.0, 21.456, 0.01234, 1013.25, -3.5e-9].map(brief);
        assert_eq!(
            briefly,
            ["0", "21", "21.46", "0.0123", "1,013", "-3.500e-9"]
        );
    }
}
