//! Columns: many values of one kind in few bytes. Blocks, chunks and roll-ups are made
//! of them.
//!
//! Every reader takes bytes from a disk that may be damaged: it never panics, never takes
//! more memory than [`MOST`] values need, and says what is wrong. Lengths are not part
//! of a column; whoever holds it knows them.

pub mod bits;
pub mod bytes;
pub mod ints;
pub mod numbers;
pub mod origins;
pub mod runs;
pub mod texts;
pub mod values;

#[cfg(test)]
mod tests;

use thiserror::Error;

/// A column has at most so many values: an hour at 18 a second.
pub const MOST: usize = 65_536;

/// Why bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    #[error("ends too early")]
    TooShort,
    #[error("is damaged: its checksum is wrong")]
    Checksum,
    #[error("has format version {0}, which this version of Hearth does not know")]
    Version(u8),
    #[error("says that it holds {0} values, but none may hold more than {MOST}")]
    TooMany(u64),
    #[error("makes no sense: {0}")]
    Malformed(&'static str),
}

/// Why samples cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    #[error("there is nothing to write")]
    Empty,
    #[error("{0} values are more than {MOST}")]
    TooMany(usize),
    #[error("a number is infinite or none")]
    NotFinite,
    #[error("a text of {0} bytes is too long")]
    TextTooLong(usize),
    #[error("the times are not in order")]
    Unsorted,
}

/// Adds the checksum of all that is there.
pub fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// What was sealed.
///
/// # Errors
/// If the checksum is another.
pub fn unseal(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let (inner, sum) = bytes.split_last_chunk::<4>().ok_or(DecodeError::TooShort)?;
    if crc32fast::hash(inner) == u32::from_le_bytes(*sum) {
        Ok(inner)
    } else {
        Err(DecodeError::Checksum)
    }
}
