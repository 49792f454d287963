//! A rule that the board keeps by itself while the gateway is silent: eight octets of
//! the map.
//!
//! An output takes the level of its last rule that holds, else its safe level.

/// The length of a rule in the map.
pub(super) const SIZE: usize = 8;

/// Which values a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Op {
    /// Less than the threshold.
    Below = 0,
    /// More than the threshold.
    Above = 1,
}

/// One rule of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The slot of an output, from 1 on.
    pub output: u8,
    /// The slot of a sensor, from 1 on.
    pub input: u8,
    /// Below or above.
    pub op: Op,
    /// The level of the output while the rule holds.
    pub level: u8,
    /// In the units of the input; on is 1, off is 0.
    pub threshold: i16,
    /// By how much the value must come back until the rule does not hold any more.
    pub hysteresis: u16,
}

impl Rule {
    /// Whether the rule holds for a value, when it `held` before.
    #[must_use]
    pub fn holds(&self, value: i32, held: bool) -> bool {
        let threshold = i32::from(self.threshold);
        let back = if held { i32::from(self.hysteresis) } else { 0 };
        match self.op {
            Op::Below => value < threshold.saturating_add(back),
            Op::Above => value > threshold.saturating_sub(back),
        }
    }

    /// `None`: no such op.
    pub(super) fn read(octets: [u8; SIZE]) -> Option<Self> {
        let [output, input, op, level, t1, t0, h1, h0] = octets;
        let op = match op {
            0 => Op::Below,
            1 => Op::Above,
            _ => return None,
        };
        Some(Self {
            output,
            input,
            op,
            level,
            threshold: i16::from_be_bytes([t1, t0]),
            hysteresis: u16::from_be_bytes([h1, h0]),
        })
    }

    pub(super) const fn octets(&self) -> [u8; SIZE] {
        let [t1, t0] = self.threshold.to_be_bytes();
        let [h1, h0] = self.hysteresis.to_be_bytes();
        [
            self.output,
            self.input,
            self.op as u8,
            self.level,
            t1,
            t0,
            h1,
            h0,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_holds_until_the_value_has_come_back_by_the_hysteresis() {
        let rule = Rule {
            output: 1,
            input: 2,
            op: Op::Below,
            level: 1,
            threshold: 300,
            hysteresis: 20,
        };
        let mut held = false;
        for (value, expected) in [
            (300, false),
            (299, true),
            (319, true),
            (320, false),
            (310, false),
        ] {
            held = rule.holds(value, held);
            assert_eq!(held, expected, "{value}");
        }
        let rule = Rule {
            op: Op::Above,
            ..rule
        };
        for (value, expected) in [
            (300, false),
            (301, true),
            (281, true),
            (280, false),
            (290, false),
        ] {
            held = rule.holds(value, held);
            assert_eq!(held, expected, "{value}");
        }
    }
}
