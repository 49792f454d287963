//! Sleeping while there is nothing to do (data sheet, section 9: idle mode, in
//! which timers and the serial line go on).
//!
//! The clock's tick wakes the chip each millisecond at the latest.

use avr_device::atmega328p::CPU;
use avr_device::{asm, interrupt};

use crate::serial;

/// Idle mode, sleeping enabled.
const IDLE: u8 = 0b0000_0001;

/// From here on interrupts come; the first time at the start.
pub fn allow_interrupts() {
    // SAFETY: sets the sleep mode; nothing else uses this register.
    unsafe { CPU::steal().smcr().write(|w| w.bits(IDLE)) };
    // SAFETY: not within a critical section.
    unsafe { interrupt::enable() };
}

/// Sleeps until a byte comes in or the clock ticks; not at all if a byte waits.
pub fn until_something_happens() {
    interrupt::disable();
    if serial::nothing_waits() {
        sleep();
    }
    // SAFETY: interrupts were allowed before.
    unsafe { interrupt::enable() };
}

/// Sleeps until the next interrupt.
pub fn until_interrupted() {
    interrupt::disable();
    sleep();
}

/// Interrupts are allowed one instruction late, so that none comes before the sleep.
#[inline(always)]
fn sleep() {
    // SAFETY: interrupts were allowed before.
    unsafe { interrupt::enable() };
    asm::sleep();
}
