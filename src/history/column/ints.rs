//! A column of integers: what a predictor leaves, in as few bits as it needs.
//!
//! Values become multiples of their greatest common step from the first one. Each is
//! predicted: by the first, by the one before, or by the step before. What is left,
//! around its middle, goes in groups of 128, each coded in the way that is shortest for it:
//! nothing but zeros, few that are none, equal widths, or Rice codes (the low bits plain, the
//! high bits as a count of zeros), which come close to the entropy of noise. A value that is
//! far away, such as a glitch or a late reading, escapes from its group's code.

use super::DecodeError;
use super::bits::{BitReader, BitWriter};
use super::bytes::{Input, put_signed, put_varint, unzigzag, zigzag};

const GROUP: usize = 128;
const HAS_STEP: u8 = 4;
const HAS_MIDDLE: u8 = 8;
/// A group begins with its mode in so many bits.
const MODE: u32 = 7;
const SPARSE: u32 = 126;
/// The first of the Rice codes.
const RICE: u32 = 65;
/// The widest low part of a Rice code.
const MOST_LOW: u32 = 60;
/// A high part of that many zeros and more is none: the value follows as it is, behind its
/// width.
const ESCAPE: u32 = 20;
const WIDTH: u32 = 6;

/// Writes a column.
pub fn write(out: &mut Vec<u8>, values: &[i64]) {
    let Some((&first, rest)) = values.split_first() else {
        return;
    };
    put_signed(out, first);
    if rest.is_empty() {
        return;
    }
    let step = common_step(first, rest);
    let multiples: Vec<i64> = rest
        .iter()
        .map(|&value| multiple(value, first, step))
        .collect();
    let best = (0..=2)
        .map(|order| Plan::new(order, &multiples))
        .min_by_key(|plan| plan.bits);
    let Some(plan) = best else { return };
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    out.push(plan.order | flag(step > 1, HAS_STEP) | flag(plan.middle != 0, HAS_MIDDLE));
    if step > 1 {
        put_varint(out, step);
    }
    if plan.middle != 0 {
        put_signed(out, plan.middle);
    }
    let mut bits = BitWriter::new(out);
    for (group, mode) in plan.left.chunks(GROUP).zip(&plan.modes) {
        mode.write(&mut bits, group);
    }
    bits.finish();
}

/// Reads a column of `count` values.
pub fn read(input: &mut Input<'_>, count: usize) -> Result<Vec<i64>, DecodeError> {
    let mut values = Vec::with_capacity(count);
    if count == 0 {
        return Ok(values);
    }
    let first = input.signed()?;
    values.push(first);
    if count == 1 {
        return Ok(values);
    }
    let flags = input.byte()?;
    let order = flags & 3;
    if order == 3 || flags & !(3 | HAS_STEP | HAS_MIDDLE) != 0 {
        return Err(DecodeError::Malformed("a column is of no known kind"));
    }
    let step = if flags & HAS_STEP == 0 {
        1
    } else {
        input.varint()?
    };
    let middle = if flags & HAS_MIDDLE == 0 {
        0
    } else {
        input.signed()?
    };
    let mut predictor = Predictor::new(order, middle);
    let mut bits = BitReader::new(input.rest);
    let mut group = [0; GROUP];
    while values.len() < count {
        let group = &mut group[..GROUP.min(count - values.len())];
        read_group(&mut bits, group)?;
        predictor.restore(group);
        let restored = group.iter().map(|multiple| multiple.wrapping_mul(step));
        values.extend(restored.map(|far| first.wrapping_add_unsigned(far)));
    }
    input.rest = bits.finish()?;
    Ok(values)
}

/// The greatest number that divides all differences; at least 1.
fn common_step(first: i64, rest: &[i64]) -> u64 {
    let mut step = 0;
    for value in rest {
        let far = value.abs_diff(first);
        // A division is slow; most steps divide what comes next, or are 1.
        if step == 1 {
            break;
        }
        if step == 0 || far % step != 0 {
            step = greatest_common_divisor(step, far);
        }
    }
    step.max(1)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// How many steps it is from `first` to `value`; exact, for the step divides it.
fn multiple(value: i64, first: i64, step: u64) -> i64 {
    if step == 1 {
        return value.wrapping_sub(first);
    }
    let steps = (value.abs_diff(first) / step).cast_signed();
    if value < first { -steps } else { steps }
}

/// What is left when a predictor has said what it knows, and how to write that.
struct Plan {
    order: u8,
    middle: i64,
    left: Vec<u64>,
    modes: Vec<Mode>,
    bits: u64,
}

impl Plan {
    fn new(order: u8, multiples: &[i64]) -> Plan {
        let steps = |values: &[i64], from: i64| -> Vec<i64> {
            let before = std::iter::once(from).chain(values.iter().copied());
            let both = before.zip(values);
            both.map(|(before, value)| value.wrapping_sub(before))
                .collect()
        };
        let (left, middle) = match order {
            0 => around_the_middle(multiples.to_vec()),
            1 => around_the_middle(steps(multiples, 0)),
            _ => {
                let steps_of = steps(multiples, 0);
                let first = steps_of.first().copied().unwrap_or_default();
                (steps(&steps_of, first), first)
            }
        };
        let left: Vec<u64> = left.into_iter().map(zigzag).collect();
        let modes: Vec<Mode> = left.chunks(GROUP).map(Mode::best).collect();
        let bits: u64 = modes.iter().map(|mode| mode.bits).sum();
        Plan {
            order,
            middle,
            left,
            modes,
            // The middle takes a few bytes as well.
            bits: bits + u64::from(70 - zigzag(middle).leading_zeros()) / 7 * 8,
        }
    }
}

/// Takes the median away.
fn around_the_middle(mut values: Vec<i64>) -> (Vec<i64>, i64) {
    let mut sorted = values.clone();
    let at = sorted.len() / 2;
    let (_, &mut middle, _) = sorted.select_nth_unstable(at);
    for value in &mut values {
        *value = value.wrapping_sub(middle);
    }
    (values, middle)
}

/// Puts back what a plan has taken away.
struct Predictor {
    order: u8,
    middle: u64,
    value: u64,
    step: u64,
}

impl Predictor {
    fn new(order: u8, middle: i64) -> Predictor {
        Predictor {
            order,
            middle: middle.cast_unsigned(),
            value: 0,
            step: middle.cast_unsigned(),
        }
    }

    fn restore(&mut self, group: &mut [u64]) {
        let (mut value, mut step) = (self.value, self.step);
        let signed = |left: u64| unzigzag(left).cast_unsigned();
        match self.order {
            0 => {
                for left in group {
                    *left = signed(*left).wrapping_add(self.middle);
                }
            }
            1 => {
                for left in group {
                    value = value.wrapping_add(signed(*left).wrapping_add(self.middle));
                    *left = value;
                }
            }
            _ => {
                for left in group {
                    step = step.wrapping_add(signed(*left));
                    value = value.wrapping_add(step);
                    *left = value;
                }
            }
        }
        (self.value, self.step) = (value, step);
    }
}

/// How a group is written: 0 for zeros, 1 to 64 for that width, then Rice codes with 0 to 60
/// low bits, then few values that are not zero.
#[derive(Clone, Copy, Debug)]
struct Mode {
    tag: u32,
    low: u32,
    bits: u64,
}

impl Mode {
    fn best(group: &[u64]) -> Mode {
        let count = group.len() as u64;
        let width = width_of(group.iter().fold(0, |all, value| all | value));
        let plain = Mode {
            tag: width,
            low: 0,
            bits: u64::from(MODE) + count * u64::from(width),
        };
        if width == 0 {
            return plain;
        }
        let (low, bits) = best_low(group.iter().copied());
        let rice = Mode {
            tag: RICE + low,
            low,
            bits: u64::from(MODE) + bits,
        };
        let some = group.iter().filter(|value| **value != 0).count() as u64;
        let best = if rice.bits < plain.bits { rice } else { plain };
        if some * 4 > count {
            return best;
        }
        let others = group.iter().filter(|value| **value != 0);
        let (low, bits) = best_low(others.map(|value| value - 1));
        let sparse = Mode {
            tag: SPARSE,
            low,
            bits: u64::from(MODE * 2 + WIDTH) + some * u64::from(MODE) + bits,
        };
        if sparse.bits < best.bits {
            sparse
        } else {
            best
        }
    }

    fn write(self, bits: &mut BitWriter<'_>, group: &[u64]) {
        bits.put(u64::from(self.tag), MODE);
        match self.tag {
            0 => {}
            SPARSE => self.write_sparse(bits, group),
            RICE.. => group
                .iter()
                .for_each(|value| put_rice(bits, *value, self.low)),
            width => group.iter().for_each(|value| bits.put(*value, width)),
        }
    }

    fn write_sparse(self, bits: &mut BitWriter<'_>, group: &[u64]) {
        let some = group.iter().filter(|value| **value != 0).count() as u64;
        bits.put(some, MODE);
        bits.put(u64::from(self.low), WIDTH);
        for (place, value) in group.iter().enumerate().filter(|(_, value)| **value != 0) {
            bits.put(place as u64, MODE);
            put_rice(bits, value - 1, self.low);
        }
    }
}

fn width_of(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// The number of low bits with which Rice codes are shortest, and their length.
fn best_low(values: impl Iterator<Item = u64> + Clone) -> (u32, u64) {
    let mut widths = [0_u64; 65];
    for value in values.clone() {
        widths[width_of(value) as usize] += 1;
    }
    let widest = widths
        .iter()
        .rposition(|count| *count > 0)
        .unwrap_or_default();
    let widths = || (0..).zip(&widths[..=widest]);
    // What values of a width take, about: the middle one is three quarters of the largest.
    let about = |low: u32| -> u64 {
        let bits = |width: u32| rice_bits((3_u128 << width) >> 2 >> low, width, low);
        widths().map(|(width, count)| count * bits(width)).sum()
    };
    let lows = 0..=u32::try_from(widest).unwrap_or(MOST_LOW).min(MOST_LOW);
    let guess = lows.min_by_key(|low| about(*low)).unwrap_or_default();
    let exact = |low: u32| {
        let high = |value: u64| u128::from(value >> low);
        let bits = values
            .clone()
            .map(|value| rice_bits(high(value), width_of(value), low));
        (low, bits.sum::<u64>())
    };
    let near = guess.saturating_sub(1)..=(guess + 1).min(MOST_LOW);
    let best = near.map(exact).min_by_key(|(_, bits)| *bits);
    best.unwrap_or((guess, u64::MAX))
}

/// What a value takes.
fn rice_bits(high: u128, width: u32, low: u32) -> u64 {
    match u32::try_from(high) {
        Ok(high) if high < ESCAPE => u64::from(high + 1 + low),
        _ => u64::from(ESCAPE + 1 + WIDTH + width),
    }
}

fn put_rice(bits: &mut BitWriter<'_>, value: u64, low: u32) {
    match u32::try_from(value >> low) {
        Ok(high) if high < ESCAPE => {
            bits.put_unary(high);
            bits.put(value & ((1 << low) - 1), low);
        }
        _ => {
            let width = width_of(value);
            bits.put_unary(ESCAPE);
            bits.put(u64::from(width - 1), WIDTH);
            bits.put(value, width);
        }
    }
}

#[inline]
fn take_rice(bits: &mut BitReader<'_>, low: u32) -> Result<u64, DecodeError> {
    match bits.take_unary() {
        high @ ..ESCAPE => Ok(u64::from(high) << low | bits.take(low)),
        ESCAPE => {
            let width = bits.take_u32(WIDTH) + 1;
            Ok(bits.take(width))
        }
        _ => Err(DecodeError::Malformed("a value has no end")),
    }
}

fn read_group(bits: &mut BitReader<'_>, group: &mut [u64]) -> Result<(), DecodeError> {
    match bits.take_u32(MODE) {
        0 => group.fill(0),
        SPARSE => read_sparse(bits, group)?,
        tag @ RICE..SPARSE => {
            for value in group {
                *value = take_rice(bits, tag - RICE)?;
            }
        }
        width @ ..RICE => group.iter_mut().for_each(|value| *value = bits.take(width)),
        _ => return Err(DecodeError::Malformed("a group is of no known kind")),
    }
    bits.check()
}

fn read_sparse(bits: &mut BitReader<'_>, group: &mut [u64]) -> Result<(), DecodeError> {
    group.fill(0);
    let some = bits.take_u32(MODE);
    let low = bits.take_u32(WIDTH);
    for _ in 0..some {
        let place = bits.take_u32(MODE) as usize;
        let value = take_rice(bits, low)?.wrapping_add(1);
        let there = group.get_mut(place);
        *there.ok_or(DecodeError::Malformed("a value is outside its group"))? = value;
    }
    Ok(())
}
