//! The 1-Wire line of a DS18B20, bit by bit (its data sheet, Maxim 19-7487,
//! "1-Wire signaling"). The line has a pull-up of its own, 4.7 kΩ.
//!
//! A serial byte takes 87 µs and the chip keeps two, so interrupts are held back
//! only where microseconds matter: for at most 15 µs in each bit.

use avr_device::asm::delay_cycles;
use avr_device::interrupt;

use crate::pins::{self, Place};

const MICROSECOND: u32 = 16;

/// Asks who is there. False: nobody, or the line is held down.
pub fn reset(pin: u8) -> bool {
    let line = line(pin);
    line.drive(true);
    delay_cycles(480 * MICROSECOND);
    let low = interrupt::free(|_| {
        line.drive(false);
        delay_cycles(70 * MICROSECOND);
        !line.read()
    });
    delay_cycles(410 * MICROSECOND);
    low && line.read()
}

/// Sends a byte, lowest bit first.
pub fn write(pin: u8, byte: u8) {
    let line = line(pin);
    let mut rest = byte;
    for _ in 0..8 {
        match rest & 1 {
            0 => write_zero(line),
            _ => write_one(line),
        }
        rest >>= 1;
    }
}

/// Reads a byte; 0xFF when nobody answers.
pub fn read(pin: u8) -> u8 {
    let line = line(pin);
    let mut byte = 0;
    for _ in 0..8 {
        byte >>= 1;
        if read_bit(line) {
            byte |= 0x80;
        }
    }
    byte
}

/// An input without pull-up whose output level would be low: to drive is to pull down.
fn line(pin: u8) -> Place {
    let line = pins::place(pin);
    line.drive(false);
    line.write(false);
    line
}

/// 60 to 120 µs low: an interrupt in between does no harm.
fn write_zero(line: Place) {
    line.drive(true);
    delay_cycles(65 * MICROSECOND);
    line.drive(false);
    delay_cycles(5 * MICROSECOND);
}

/// Less than 15 µs low.
fn write_one(line: Place) {
    interrupt::free(|_| {
        line.drive(true);
        delay_cycles(5 * MICROSECOND);
        line.drive(false);
    });
    delay_cycles(60 * MICROSECOND);
}

/// Looks within 15 µs of the falling edge.
fn read_bit(line: Place) -> bool {
    let bit = interrupt::free(|_| {
        line.drive(true);
        delay_cycles(2 * MICROSECOND);
        line.drive(false);
        delay_cycles(8 * MICROSECOND);
        line.read()
    });
    delay_cycles(55 * MICROSECOND);
    bit
}
