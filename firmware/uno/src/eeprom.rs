//! Memory that outlasts the power: 1024 bytes, 100,000 writes each (data sheet,
//! section 8.4). A write takes 3.4 ms, and nobody waits for it.

use avr_device::atmega328p::EEPROM;
use avr_device::interrupt;

/// EEMPE: the next four cycles may start a write.
const UNLOCK: u8 = 0b0000_0100;
/// EEMPE and EEPE.
const WRITE: u8 = 0b0000_0110;
const READ: u8 = 0b0000_0001;

fn memory() -> EEPROM {
    // SAFETY: used here alone, and never in an interrupt.
    unsafe { EEPROM::steal() }
}

/// A write goes on.
pub fn is_busy() -> bool {
    memory().eecr().read().eepe().bit_is_set()
}

/// The byte at an address below 1024; waits for a write that goes on.
pub fn read(address: u16) -> u8 {
    while is_busy() {}
    let memory = memory();
    memory.eear().write(|w| w.set(address));
    // SAFETY: a documented bit.
    memory.eecr().write(|w| unsafe { w.bits(READ) });
    memory.eedr().read().bits()
}

/// Starts to write a byte, unless it is there already. False: the last one is not done yet.
pub fn write(address: u16, byte: u8) -> bool {
    if is_busy() {
        return false;
    }
    if read(address) != byte {
        let memory = memory();
        memory.eedr().write(|w| w.set(byte));
        interrupt::free(|_| {
            // SAFETY: documented bits, within four cycles of each other.
            unsafe {
                memory.eecr().write(|w| w.bits(UNLOCK));
                memory.eecr().write(|w| w.bits(WRITE));
            }
        });
    }
    true
}
