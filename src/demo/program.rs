//! What runs on a simulated board: a sketch, or Hearth's firmware. Pure.

use std::time::Duration;

use super::firmware::Firmware;
use super::physics::House;
use super::sketch::Sketch;
use crate::clock::Moment;

/// After a reset the bootloader listens for a new program before the program runs.
pub const BOOT: Duration = Duration::from_millis(700);

/// A running program.
#[derive(Debug)]
pub enum Program {
    Sketch(Box<Sketch>),
    Firmware(Box<Firmware>),
}

impl From<Sketch> for Program {
    fn from(sketch: Sketch) -> Program {
        Program::Sketch(Box::new(sketch))
    }
}

impl From<Firmware> for Program {
    fn from(firmware: Firmware) -> Program {
        Program::Firmware(Box::new(firmware))
    }
}

impl Program {
    /// The reset button, or a computer that raises DTR.
    pub fn reset(&mut self, now: Moment, house: &mut House) {
        match self {
            Program::Sketch(sketch) => sketch.reset(now, house),
            Program::Firmware(firmware) => firmware.reset(now, house),
        }
    }

    /// Bytes arrive; the board may lose some.
    pub fn receive(&mut self, bytes: &[u8], now: Moment, house: &mut House) {
        match self {
            Program::Sketch(sketch) => drop(sketch.receive(bytes)),
            Program::Firmware(firmware) => firmware.receive(bytes, now, house),
        }
    }

    /// When [`Program::run`] is to be called next.
    pub fn next_wake(&self) -> Moment {
        match self {
            Program::Sketch(sketch) => sketch.next_wake(),
            Program::Firmware(firmware) => firmware.next_wake(),
        }
    }

    /// One round of `loop()`; what it sends.
    pub fn run(&mut self, now: Moment, house: &mut House) -> Vec<u8> {
        match self {
            Program::Sketch(sketch) => sketch.run(now, house).into_bytes(),
            Program::Firmware(firmware) => firmware.run(now, house),
        }
    }
}
