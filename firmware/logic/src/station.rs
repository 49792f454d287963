//! A board on its serial line: takes octets, finds packets in them, and counts what it
//! could not take.

use hearth_wire::board::{Firmware, MAX_MAP, ResetCause};
use hearth_wire::frame::Deframer;

use crate::board::Board;
use crate::hardware::Hardware;

/// The version of what is in this crate.
pub const FIRMWARE: Firmware = Firmware {
    major: 0,
    minor: 1,
    patch: 0,
};

/// The longest packet that a board takes, its map, with its checksum.
const LONGEST: usize = 7 + MAX_MAP + 2;

/// What a board received on its line since the start; both wrap.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line {
    pub(crate) frames: u32,
    pub(crate) bad_frames: u16,
}

/// The whole firmware but for the chip.
#[derive(Clone, Debug)]
pub struct Station {
    deframer: Deframer<LONGEST>,
    line: Line,
    board: Board,
}

impl Station {
    /// Reads the map from the EEPROM and takes its pins into use: outputs have their safe
    /// level from here on. `id` is the board's for ever; `now` are milliseconds of a
    /// clock that may wrap.
    #[inline(never)]
    pub fn new(id: u32, cause: ResetCause, now: u32, hardware: &mut impl Hardware) -> Self {
        Self {
            deframer: Deframer::new(),
            line: Line::default(),
            board: Board::new(id, cause, now, hardware),
        }
    }

    /// Takes an octet from the line.
    #[inline(never)]
    pub fn receive(&mut self, octet: u8, now: u32, hardware: &mut impl Hardware) {
        match self.deframer.push(octet) {
            Ok(None) => {}
            Ok(Some(packet)) => {
                self.line.frames = self.line.frames.wrapping_add(1);
                self.board.receive(packet, now, hardware);
            }
            Err(_) => self.line.bad_frames = self.line.bad_frames.wrapping_add(1),
        }
    }

    /// Does what is due, and sends a packet or two at most. To be called each millisecond
    /// or so; what is counted is looked at here.
    #[inline(never)]
    pub fn poll(&mut self, now: u32, hardware: &mut impl Hardware) {
        self.board.poll(now, self.line, hardware);
    }
}
