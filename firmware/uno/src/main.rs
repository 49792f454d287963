//! Hearth's firmware for the Arduino Uno.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

use hearth_uno::{clock, identity, rest, serial, start, watchdog};

/// A panic is a hang: the watchdog ends it and the outputs become safe.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        avr_device::asm::nop();
    }
}

#[avr_device::entry]
fn main() -> ! {
    let _cause = start::cause();
    watchdog::start();
    clock::start();
    serial::start();
    rest::allow_interrupts();
    let _id = identity::read_or_draw();
    loop {
        watchdog::kick();
        while let Some(byte) = serial::receive() {
            serial::send(byte);
        }
        rest::until_something_happens();
    }
}
