//! Writes a packet's fields into a buffer that may be too short.

use super::error::EncodeError;

pub(super) struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

impl<'b> Writer<'b> {
    pub(super) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    pub(super) fn u8(&mut self, value: u8) -> Result<(), EncodeError> {
        self.bytes(&[value])
    }

    pub(super) fn u16(&mut self, value: u16) -> Result<(), EncodeError> {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let free = self.buffer.get_mut(self.length..);
        let room = free.and_then(|free| free.get_mut(..bytes.len()));
        room.ok_or(EncodeError::NoRoom)?.copy_from_slice(bytes);
        self.length = self.length.saturating_add(bytes.len());
        Ok(())
    }

    /// How many octets were written.
    pub(super) fn length(&self) -> usize {
        self.length
    }
}
