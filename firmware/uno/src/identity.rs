//! The board's id: 32 bits, drawn once in its life and kept in the EEPROM.
//!
//! Drawn from what memory holds when the power comes, which differs from chip to
//! chip and each time, and from the noise of the analog inputs. If the EEPROM does
//! not hold what its check says, another one is drawn.

use hearth_wire::frame::Fcs;

use crate::{adc, eeprom};

/// Where the id lies: four bytes, then two of the check, at the end of what `logic` leaves free.
const ADDRESS: u16 = 0x3F0;
const ROUNDS: u8 = 32;

/// The id; draws it at the first start. Takes up to 60 ms then.
pub fn read_or_draw() -> u32 {
    read().unwrap_or_else(|| {
        let id = draw();
        keep(id);
        id
    })
}

fn read() -> Option<u32> {
    let mut bytes = [0; 4];
    for (at, byte) in (ADDRESS..).zip(&mut bytes) {
        *byte = eeprom::read(at);
    }
    let kept = [eeprom::read(ADDRESS + 4), eeprom::read(ADDRESS + 5)];
    (check(bytes) == kept).then_some(u32::from_le_bytes(bytes))
}

fn keep(id: u32) {
    let bytes = id.to_le_bytes();
    for (at, byte) in (ADDRESS..).zip(bytes.into_iter().chain(check(bytes))) {
        while !eeprom::write(at, byte) {}
    }
}

/// As behind a frame; an erased EEPROM does not hold its own.
fn check(bytes: [u8; 4]) -> [u8; 2] {
    let mut fcs = Fcs::new();
    bytes.into_iter().for_each(|byte| fcs.push(byte));
    fcs.octets()
}

fn draw() -> u32 {
    let mut hash = Hash(0x811C_9DC5);
    // Between what the program uses and the stack lies what came with the power.
    for address in 0x0400..0x0780_usize {
        // SAFETY: within the memory of the chip; whatever is there, is a number.
        hash.mix(unsafe { (address as *const u8).read_volatile() });
    }
    for _ in 0..ROUNDS {
        for channel in 0..=adc::THERMOMETER {
            let [noisy, _] = adc::read(channel).to_le_bytes();
            hash.mix(noisy);
        }
    }
    hash.0
}

/// FNV-1a, which needs no table.
struct Hash(u32);

impl Hash {
    fn mix(&mut self, byte: u8) {
        self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
}
