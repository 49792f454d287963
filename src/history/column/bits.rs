//! Single bits, the lowest first.

use super::DecodeError;

/// Appends bits to bytes.
#[derive(Debug)]
pub struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    /// Bits in `held`: fewer than 32.
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> BitWriter<'a> {
        BitWriter {
            out,
            held: 0,
            count: 0,
        }
    }

    /// The lowest `width` bits (0 to 64) of a value that has no others.
    pub fn put(&mut self, value: u64, width: u32) {
        if width > 32 {
            self.put_short(value & 0xffff_ffff, 32);
            self.put_short(value >> 32, width - 32);
        } else {
            self.put_short(value, width);
        }
    }

    fn put_short(&mut self, value: u64, width: u32) {
        self.held |= value << self.count;
        self.count += width;
        if self.count >= 32 {
            self.out.extend_from_slice(&self.held.to_le_bytes()[..4]);
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// So many zeros (fewer than 32) and a one.
    pub fn put_unary(&mut self, zeros: u32) {
        self.put_short(1 << zeros, zeros + 1);
    }

    /// Fills the last byte with zeros.
    pub fn finish(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out
            .extend_from_slice(&self.held.to_le_bytes()[..bytes]);
    }
}

/// Reads what a [`BitWriter`] wrote.
#[derive(Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, at: 0 }
    }

    /// The next bits, at least 57, the last ones zeros beyond the end.
    #[inline]
    fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at >> 3..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => {
                let mut word = [0; 8];
                word[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(word)
            }
        };
        word >> (self.at & 7)
    }

    /// So many bits (0 to 64); zeros beyond the end, which [`check`](Self::check) finds.
    #[inline]
    pub fn take(&mut self, width: u32) -> u64 {
        if width > 56 {
            let low = self.take(32);
            return low | self.take(width - 32) << 32;
        }
        let value = self.peek() & ((1 << width) - 1);
        self.at += width as usize;
        value
    }

    /// [`take`](Self::take) of at most 32 bits.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "there are no more bits")]
    pub fn take_u32(&mut self, width: u32) -> u32 {
        self.take(width) as u32
    }

    /// The zeros before the next one. More than 56, and there may be no such one.
    #[inline]
    pub fn take_unary(&mut self) -> u32 {
        let zeros = self.peek().trailing_zeros();
        self.at += zeros as usize + 1;
        zeros
    }

    /// # Errors
    /// If more was taken than there is.
    pub fn check(&self) -> Result<(), DecodeError> {
        if self.at <= self.bytes.len() * 8 {
            Ok(())
        } else {
            Err(DecodeError::TooShort)
        }
    }

    /// The bytes after the one that was read last.
    pub fn finish(self) -> Result<&'a [u8], DecodeError> {
        let from = self.at.div_ceil(8);
        self.bytes.get(from..).ok_or(DecodeError::TooShort)
    }
}
