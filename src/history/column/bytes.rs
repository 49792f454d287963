//! Whole bytes: integers that are short when they are small, and numbers one by one.

use super::numbers::{DECIMALS, at_scale, decimals_of, scaled};
use super::{DecodeError, MOST};

/// Stands before a number that is no short decimal.
const RAW: u8 = 0xff;

/// Seven bits a byte, the lowest first; at most ten bytes.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Small is short, whatever the sign.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// A length, which is never above [`MOST`].
pub fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, count as u64);
}

/// A finite number: three or four bytes for a short decimal, nine for others.
pub fn put_number(out: &mut Vec<u8>, number: f64) {
    match decimals_of(number) {
        Some(decimals) => {
            out.push(decimals);
            put_signed(out, scaled(number, decimals).unwrap_or_default());
        }
        None => {
            out.push(RAW);
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// 0, −1, 1, −2 … become 0, 1, 2, 3 …
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Bytes that are yet to be read.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { rest: bytes }
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(DecodeError::TooShort)?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(DecodeError::TooShort)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for place in 0..10 {
            let byte = u64::from(self.byte()?);
            if place == 9 && byte > 1 {
                break;
            }
            value |= (byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed("an integer is too long"))
    }

    pub fn signed(&mut self) -> Result<i64, DecodeError> {
        self.varint().map(unzigzag)
    }

    /// A length.
    ///
    /// # Errors
    /// If it is above [`MOST`], so that nobody makes room for it.
    pub fn count(&mut self) -> Result<usize, DecodeError> {
        let said = self.varint()?;
        match usize::try_from(said) {
            Ok(count) if count <= MOST => Ok(count),
            _ => Err(DecodeError::TooMany(said)),
        }
    }

    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        let said = self.varint()?;
        u32::try_from(said).map_err(|_| DecodeError::Malformed("an integer is too large"))
    }

    /// A finite number.
    pub fn number(&mut self) -> Result<f64, DecodeError> {
        match self.byte()? {
            RAW => self.raw_number(),
            decimals if decimals <= DECIMALS => Ok(at_scale(self.signed()?, decimals)),
            _ => Err(DecodeError::Malformed("a number has too many decimals")),
        }
    }

    /// The eight bytes of a finite number.
    pub fn raw_number(&mut self) -> Result<f64, DecodeError> {
        let number = f64::from_le_bytes(self.array()?);
        if number.is_finite() {
            Ok(number)
        } else {
            Err(DecodeError::Malformed("a number is not finite"))
        }
    }

    /// # Errors
    /// If something is left.
    pub fn end(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Malformed("bytes are left over"))
        }
    }
}
