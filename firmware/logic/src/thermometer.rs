//! DS18B20 thermometers, one after the other: one octet at a time, so that nothing else
//! waits (data sheet, Maxim 19-7487: "Scratchpad", "ROM and function commands").

use hearth_wire::board::{Kind, MAX_THINGS};

use crate::board::Time;
use crate::hardware::Hardware;
use crate::slot::{Sight, Slot};

const SKIP_ROM: u8 = 0xCC;
const CONVERT: u8 = 0x44;
const READ_SCRATCHPAD: u8 = 0xBE;
const SCRATCHPAD: usize = 9;
/// What a conversion takes at most, and a little more, in milliseconds.
const CONVERSION: u16 = 800;
/// Between two thermometers, or two tries, in milliseconds.
const REST: u16 = 200;
/// In the configuration register these bits are always set.
const ALWAYS_SET: u8 = 0b0001_1111;

#[derive(Clone, Debug)]
pub(crate) struct Thermometer {
    /// From 0 on.
    slot: u8,
    /// What is next; `RESET` again after `LAST`.
    step: u8,
    /// When the rest or the conversion began.
    since: u16,
    octets: [u8; SCRATCHPAD],
}

const RESET: u8 = 0;
const ADDRESS: u8 = 1;
const START: u8 = 2;
const RESET_AGAIN: u8 = 3;
const ADDRESS_AGAIN: u8 = 4;
const ASK: u8 = 5;
const FIRST: u8 = 6;
const LAST: u8 = 14;

impl Thermometer {
    pub(crate) const fn new() -> Self {
        Self {
            slot: 0,
            step: RESET,
            since: 0,
            octets: [0; SCRATCHPAD],
        }
    }

    /// The map changed: what was begun may have been on another pin.
    pub(crate) const fn stop(&mut self) {
        self.step = RESET;
    }

    pub(crate) fn poll(
        &mut self,
        slots: &mut [Slot; MAX_THINGS],
        time: Time,
        hardware: &mut impl Hardware,
    ) {
        let Some(slot) = slots.get_mut(usize::from(self.slot)) else {
            return;
        };
        let sight = match &slot.thing {
            Some(thing) if thing.kind == Kind::Ds18b20 => {
                self.step(thing.pin, time.milliseconds, hardware)
            }
            _ => Some(slot.sight),
        };
        if let Some(sight) = sight {
            slot.sight = sight;
            if self.step == LAST && sight == Sight::Something {
                slot.value = i32::from(temperature(&self.octets));
            }
            self.step = RESET;
            self.slot = self.slot.wrapping_add(1) & 7;
        }
    }

    /// Whether the thermometer answers, once that is known.
    #[inline(never)]
    fn step(&mut self, pin: u8, now: u16, hardware: &mut impl Hardware) -> Option<Sight> {
        let passed = now.wrapping_sub(self.since);
        match self.step {
            RESET if passed < REST => return None,
            RESET_AGAIN if passed < CONVERSION => return None,
            RESET | RESET_AGAIN => {
                if !hardware.one_wire_reset(pin) {
                    self.since = now;
                    return Some(Sight::Nothing);
                }
            }
            ADDRESS | ADDRESS_AGAIN => hardware.one_wire_write(pin, SKIP_ROM),
            START => {
                hardware.one_wire_write(pin, CONVERT);
                self.since = now;
            }
            ASK => hardware.one_wire_write(pin, READ_SCRATCHPAD),
            _ => {
                let at = usize::from(self.step.wrapping_sub(FIRST));
                if let Some(place) = self.octets.get_mut(at) {
                    *place = hardware.one_wire_read(pin);
                }
                if self.step == LAST {
                    self.since = now;
                    let right = is_right(&self.octets);
                    return Some(if right {
                        Sight::Something
                    } else {
                        Sight::Nothing
                    });
                }
            }
        }
        self.step = self.step.wrapping_add(1);
        None
    }
}

/// A line that is held down reads as zeros, whose checksum is right.
fn is_right(octets: &[u8; SCRATCHPAD]) -> bool {
    octets[4] & ALWAYS_SET == ALWAYS_SET && crc(octets) == 0
}

/// In hundredths of a degree Celsius, rounded down, from sixteenths: 6.25 each.
fn temperature(octets: &[u8; SCRATCHPAD]) -> i16 {
    let sixteenths = i16::from_le_bytes([octets[0], octets[1]]);
    sixteenths.wrapping_mul(6).wrapping_add(sixteenths >> 2)
}

/// x^8 + x^5 + x^4 + 1; 0 for octets with their checksum behind them.
fn crc(octets: &[u8]) -> u8 {
    octets.iter().fold(0, |crc, octet| {
        (0..8).fold(crc ^ octet, |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x8C } else { 0 }
        })
    })
}
