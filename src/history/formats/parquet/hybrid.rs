//! Small numbers as Parquet packs them: runs of equal ones, and others bit by bit.

use super::thrift::varint;

/// How many bits hold numbers up to `most`.
pub fn width(most: u32) -> u8 {
    u8::try_from(u32::BITS - most.leading_zeros()).unwrap_or(32)
}

/// Packs numbers that `width` bits hold.
pub fn encode(values: &[u32], width: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(first) = values.first() else {
        return bytes;
    };
    if values.iter().all(|value| value == first) {
        varint((values.len() as u64) << 1, &mut bytes);
        bytes.extend_from_slice(&first.to_le_bytes()[..usize::from(width.div_ceil(8))]);
        return bytes;
    }
    let groups = values.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, &mut bytes);
    let end = bytes.len() + groups * usize::from(width);
    let (mut held, mut bits) = (0_u64, 0);
    for value in values {
        held |= u64::from(*value) << bits;
        bits += u32::from(width);
        while bits >= 8 {
            bytes.push((held & 0xff) as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    bytes.push((held & 0xff) as u8);
    bytes.resize(end, 0);
    bytes
}

/// Reads packed numbers one by one; the bytes are given each time.
#[derive(Clone, Debug)]
pub struct Decoder {
    at: usize,
    end: usize,
    width: u8,
    run: Run,
}

#[derive(Clone, Debug)]
enum Run {
    Equal {
        left: u64,
        value: u32,
    },
    /// Numbers from this bit on, counted from the decoder's place.
    Packed {
        left: u64,
        bit: usize,
    },
}

impl Decoder {
    /// Numbers of `width` bits from `at` up to `end`; none for a width that is none.
    pub fn new(at: usize, end: usize, width: u8) -> Option<Decoder> {
        let run = Run::Equal { left: 0, value: 0 };
        (width <= 32).then_some(Decoder {
            at,
            end,
            width,
            run,
        })
    }

    /// The next number; none if the bytes are damaged or at their end.
    pub fn next(&mut self, bytes: &[u8]) -> Option<u32> {
        loop {
            match &mut self.run {
                Run::Equal { left, value } if *left > 0 => {
                    *left -= 1;
                    return Some(*value);
                }
                Run::Packed { left, bit } if *left > 0 => {
                    let value = unpack(bytes.get(self.at..self.end)?, *bit, self.width)?;
                    *left -= 1;
                    *bit += usize::from(self.width);
                    if *left == 0 {
                        self.at += bit.div_ceil(8);
                    }
                    return Some(value);
                }
                _ => self.run = self.next_run(bytes)?,
            }
        }
    }

    fn next_run(&mut self, bytes: &[u8]) -> Option<Run> {
        let bytes = bytes.get(..self.end)?;
        let (mut head, mut shift) = (0_u64, 0);
        loop {
            let byte = *bytes.get(self.at)?;
            self.at += 1;
            head |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let left = head >> 1;
        if head & 1 == 1 {
            let left = left.checked_mul(8)?;
            return Some(Run::Packed { left, bit: 0 });
        }
        let length = usize::from(self.width.div_ceil(8));
        let mut value = [0; 4];
        let end = self.at.checked_add(length)?;
        value[..length].copy_from_slice(bytes.get(self.at..end)?);
        self.at = end;
        let value = u32::from_le_bytes(value);
        Some(Run::Equal { left, value })
    }
}

/// The number that begins at a bit. What is beyond the end is zero, as the last group of
/// some writers is cut short.
fn unpack(bytes: &[u8], bit: usize, width: u8) -> Option<u32> {
    let begin = bit / 8;
    if begin >= bytes.len() && width > 0 {
        return None;
    }
    let mut held = [0; 8];
    let end = bytes.len().min(begin + 8);
    let there = bytes.get(begin..end).unwrap_or_default();
    held[..there.len()].copy_from_slice(there);
    let value = u64::from_le_bytes(held) >> (bit % 8);
    let mask = (1_u64 << width) - 1;
    u32::try_from(value & mask).ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: &[u8], count: usize, width: u8) -> Option<Vec<u32>> {
        let mut decoder = Decoder::new(0, bytes.len(), width)?;
        (0..count).map(|_| decoder.next(bytes)).collect()
    }

    #[test]
    fn both_kinds_of_runs_are_read_in_a_row() {
        // Four times 5, then eight packed numbers of three bits.
        let bytes = [8, 5, 3, 0x88, 0xc6, 0xfa];
        let expected = [5, 5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(decode(&bytes, 12, 3).unwrap(), expected);
        assert_eq!(decode(&bytes, 13, 3), None);
        assert_eq!(
            [width(0), width(1), width(8), width(u32::MAX)],
            [0, 1, 4, 32]
        );
    }

    proptest! {
        #[test]
        fn numbers_come_back(most in prop::sample::select(vec![0_u32, 1, 5, 300, u32::MAX]),
                             seeds in vec(any::<u32>(), 0..200), same in any::<bool>()) {
            let value = |seed: u32| if same { most } else { seed.min(most) };
            let values: Vec<u32> = seeds.into_iter().map(value).collect();
            let bytes = encode(&values, width(most));
            prop_assert_eq!(decode(&bytes, values.len(), width(most)), Some(values));
        }

        #[test]
        fn anything_is_read_or_refused(bytes in vec(any::<u8>(), 0..60), width in 0..40_u8) {
            decode(&bytes, 1000, width);
        }
    }
}
