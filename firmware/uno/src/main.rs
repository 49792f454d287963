//! Hearth's firmware for the Arduino Uno.
//!
//! This crate knows the ATmega328P: registers, interrupts, timers, EEPROM. What
//! the board says and does is not decided here.
//!
//! The chip: Microchip, ATmega328P data sheet DS40002061B; sections are cited.

#![no_std]
#![no_main]
#![feature(abi_avr_interrupt, asm_experimental_arch)]

mod adc;
mod clock;
mod eeprom;
mod identity;
mod one_wire;
mod pins;
mod pwm;
mod rest;
mod ring;
mod serial;
mod servo;
mod start;
mod watchdog;

use core::panic::PanicInfo;

/// A panic is a hang: the watchdog ends it and the outputs become safe.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        avr_device::asm::nop();
    }
}

#[avr_device::entry]
fn main() -> ! {
    let cause = start::cause();
    watchdog::start();
    clock::start();
    serial::start();
    rest::allow_interrupts();
    let id = identity::read_or_draw();
    loop {
        watchdog::kick();
        while let Some(byte) = serial::receive() {
            serial::send(byte);
        }
        rest::until_something_happens();
    }
}
