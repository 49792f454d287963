//! Hearth's own firmware on a simulated board: the very logic that runs on an
//! Uno, on a [`Chip`]. Pure: bytes and the time come in, bytes go out, and the
//! house around it is measured and switched.

use std::time::Duration;

use hearth_logic::Station;
use hearth_wire::board::ResetCause;

use super::chip::Chip;
use super::physics::House;
use super::program::BOOT;
use super::wiring::Wiring;
use crate::clock::Moment;

/// An Uno looks round each millisecond. A computer that simulates some need not, as long
/// as nothing goes on: contacts and reports are no later than this.
const IDLE: Duration = Duration::from_millis(10);
const AT_WORK: Duration = Duration::from_millis(1);

/// A board with the firmware.
#[derive(Debug)]
pub struct Firmware {
    wiring: Wiring,
    chip: Chip,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The firmware starts at this time.
    Booting(Moment, ResetCause),
    /// It looks round at this time.
    Running(Box<Station>, Moment),
}

impl Firmware {
    /// A new board, with nothing in its EEPROM, that gets its power now.
    pub fn new(wiring: Wiring, now: Moment) -> Firmware {
        Firmware {
            wiring,
            chip: Chip::default(),
            state: State::Booting(now + BOOT, ResetCause::PowerOn),
        }
    }

    /// The reset button, or a computer that raises DTR: all pins are let go
    /// until the firmware starts again; the map in the EEPROM stays.
    pub fn reset(&mut self, now: Moment, house: &mut House) {
        self.chip.reset(self.wiring, house);
        self.state = State::Booting(now + BOOT, ResetCause::External);
    }

    /// Bytes arrive; the bootloader takes those that come too early.
    pub fn receive(&mut self, bytes: &[u8], now: Moment, house: &mut House) {
        let State::Running(station, next) = &mut self.state else {
            return;
        };
        let mut wired = self.chip.wired(self.wiring, house);
        for byte in bytes {
            station.receive(*byte, milliseconds(now), &mut wired);
        }
        *next = now;
    }

    /// When [`Firmware::run`] is to be called next.
    pub fn next_wake(&self) -> Moment {
        match self.state {
            State::Booting(at, _) | State::Running(_, at) => at,
        }
    }

    /// Does what is due; what goes out on the line.
    pub fn run(&mut self, now: Moment, house: &mut House) -> Vec<u8> {
        let mut wired = self.chip.wired(self.wiring, house);
        match &mut self.state {
            State::Booting(at, cause) if *at <= now => {
                let id = self.wiring.id();
                let station = Station::new(id, *cause, milliseconds(now), &mut wired);
                self.state = State::Running(Box::new(station), now);
            }
            State::Booting(..) => {}
            State::Running(station, next) => {
                station.poll(milliseconds(now), &mut wired);
                let at_work = self.chip.take_at_work();
                *next = now + if at_work { AT_WORK } else { IDLE };
            }
        }
        self.chip.take_sent()
    }
}

/// As the firmware counts them: they wrap after some weeks.
fn milliseconds(now: Moment) -> u32 {
    let [a, b, c, d, ..] = now.0.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
