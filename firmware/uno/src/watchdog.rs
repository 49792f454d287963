//! The watchdog: resets the board when the main loop stands for two seconds
//! (data sheet, section 10.8).

use avr_device::atmega328p::WDT;
use avr_device::{asm, interrupt};

use crate::clock;

/// WDE, and 256 k cycles of the 128 kHz oscillator.
const TWO_SECONDS: u8 = 0b0000_1111;
/// WDCE and WDE: the next four cycles may change the register.
const UNLOCK: u8 = 0b0001_1000;

/// Starts it. From here on `kick` must come at least each second.
pub fn start() {
    interrupt::free(|_| {
        asm::wdr();
        // SAFETY: used here alone, in the order that the data sheet asks for.
        unsafe {
            let register = WDT::steal();
            register.wdtcsr().write(|w| w.bits(UNLOCK));
            register.wdtcsr().write(|w| w.bits(TWO_SECONDS));
        }
    });
}

/// The main loop is alive.
pub fn kick() {
    asm::wdr();
    clock::main_loop_lives();
}
