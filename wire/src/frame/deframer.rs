//! From octets of a serial line to packets. Any garbage costs at most the frame that it
//! touches: the next 0x00 starts afresh.

use super::{DELIMITER, FCS_SIZE, fcs};

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// More octets than there is room for. Said once, at the octet that was too many;
    /// the rest up to the next 0x00 is passed over.
    TooLong,
    /// It ends before a run of COBS does.
    Cobs,
    /// The checksum is wrong, or there is no packet in front of it.
    Checksum,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the frame is too long",
            Self::Cobs => "the frame is cut off or damaged",
            Self::Checksum => "the checksum of the frame is wrong",
        })
    }
}

impl core::error::Error for FrameError {}

/// Takes frames apart. `N` is the room for a packet and its checksum:
/// [`DEFRAMER_SIZE`](super::DEFRAMER_SIZE) on a serial line.
#[derive(Clone, Debug)]
pub struct Deframer<const N: usize> {
    buffer: [u8; N],
    length: usize,
    fcs: u16,
    /// Octets until the next code octet.
    run: u8,
    /// The run before ended with a zero, which comes out if anything follows.
    zero: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing since the last 0x00.
    Empty,
    Inside,
    /// Too long; waits for 0x00.
    Lost,
}

impl<const N: usize> Default for Deframer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deframer<N> {
    /// Before the first octet of a line.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buffer: [0; N],
            length: 0,
            fcs: fcs::START,
            run: 0,
            zero: false,
            state: State::Empty,
        }
    }

    /// Takes one octet; at the end of a frame gives its packet, of at least one octet.
    ///
    /// # Errors
    /// What was received since the last 0x00 is no frame.
    #[inline]
    pub fn push(&mut self, octet: u8) -> Result<Option<&[u8]>, FrameError> {
        if octet == DELIMITER {
            return self.end();
        }
        if self.state == State::Lost {
            return Ok(None);
        }
        self.state = State::Inside;
        if self.inside(octet).is_none() {
            self.state = State::Lost;
            return Err(FrameError::TooLong);
        }
        Ok(None)
    }

    /// Whether nothing was received since the last 0x00, or since the start.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state == State::Empty
    }

    fn end(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let was = core::mem::replace(&mut self.state, State::Empty);
        let (length, run, fcs) = (self.length, self.run, self.fcs);
        (self.length, self.run, self.fcs) = (0, 0, fcs::START);
        self.zero = false;
        match (was, run, length.checked_sub(FCS_SIZE)) {
            (State::Empty | State::Lost, ..) => Ok(None),
            (State::Inside, 1.., _) => Err(FrameError::Cobs),
            (State::Inside, 0, Some(packet @ 1..)) if fcs == fcs::GOOD => {
                Ok(self.buffer.get(..packet))
            }
            _ => Err(FrameError::Checksum),
        }
    }

    fn inside(&mut self, octet: u8) -> Option<()> {
        if self.run > 0 {
            self.run = self.run.saturating_sub(1);
            return self.put(octet);
        }
        if self.zero {
            self.put(0)?;
        }
        self.run = octet.saturating_sub(1);
        self.zero = octet != 0xFF;
        Some(())
    }

    fn put(&mut self, octet: u8) -> Option<()> {
        *self.buffer.get_mut(self.length)? = octet;
        self.length = self.length.saturating_add(1);
        self.fcs = fcs::step(self.fcs, octet);
        Some(())
    }
}
