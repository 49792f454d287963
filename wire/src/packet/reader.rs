//! Takes a packet's fields from the front of its octets, one after the other.

use super::error::{DecodeError, Field, Problem};
use super::message::{MAX_CLIENT_ID, ReturnCode};
use super::text::Text;

pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self, field: Field) -> Result<u8, DecodeError> {
        let missing = DecodeError::new(field, Problem::Missing);
        let (&first, rest) = self.0.split_first().ok_or(missing)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn u16(&mut self, field: Field) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.pair(field)?))
    }

    /// Two octets.
    pub(super) fn pair(&mut self, field: Field) -> Result<[u8; 2], DecodeError> {
        Ok([self.u8(field)?, self.u8(field)?])
    }

    pub(super) fn take(&mut self, length: usize, field: Field) -> Result<&'a [u8], DecodeError> {
        let missing = DecodeError::new(field, Problem::Missing);
        let (taken, rest) = self.0.split_at_checked(length).ok_or(missing)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn code(&mut self) -> Result<ReturnCode, DecodeError> {
        match self.u8(Field::ReturnCode)? {
            0 => Ok(ReturnCode::Accepted),
            1 => Ok(ReturnCode::Congestion),
            2 => Ok(ReturnCode::InvalidTopicId),
            3 => Ok(ReturnCode::NotSupported),
            _ => Err(DecodeError::new(Field::ReturnCode, Problem::Reserved)),
        }
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// Everything that is left, which is text and not empty.
    pub(super) fn text(&mut self, field: Field) -> Result<Text<'a>, DecodeError> {
        let bytes = self.rest();
        if bytes.is_empty() {
            return Err(DecodeError::new(field, Problem::Empty));
        }
        Text::from_bytes(bytes).ok_or(DecodeError::new(field, Problem::NotUtf8))
    }

    pub(super) fn client_id(&mut self) -> Result<Text<'a>, DecodeError> {
        let id = self.text(Field::ClientId)?;
        check_client_id(id)?;
        Ok(id)
    }

    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::new(Field::Length, Problem::TooLong))
        }
    }
}

/// 5.3.1
pub(super) fn check_client_id(id: Text<'_>) -> Result<(), DecodeError> {
    match id.chars() {
        0 => Err(DecodeError::new(Field::ClientId, Problem::Empty)),
        1..=MAX_CLIENT_ID => Ok(()),
        _ => Err(DecodeError::new(Field::ClientId, Problem::TooLong)),
    }
}
