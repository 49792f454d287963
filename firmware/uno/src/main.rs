//! Hearth's firmware for the Arduino Uno: the logic of a board on its chip.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

use hearth_logic::Station;
use hearth_uno::hardware::Uno;
use hearth_uno::start::Cause;
use hearth_uno::{clock, identity, rest, serial, start, watchdog};
use hearth_wire::board::ResetCause;

/// A panic is a hang: the watchdog ends it and the outputs become safe.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        avr_device::asm::nop();
    }
}

#[avr_device::entry]
fn main() -> ! {
    let cause = reported(start::cause());
    watchdog::start();
    clock::start();
    serial::start();
    rest::allow_interrupts();
    let id = identity::read_or_draw();
    let mut station = Station::new(id, cause, clock::millis(), &mut Uno);
    loop {
        watchdog::kick();
        let now = clock::millis();
        while let Some(octet) = serial::receive() {
            station.receive(octet, now, &mut Uno);
        }
        station.poll(now, &mut Uno);
        rest::until_something_happens();
    }
}

fn reported(cause: Cause) -> ResetCause {
    match cause {
        Cause::PowerOn => ResetCause::PowerOn,
        Cause::External => ResetCause::External,
        Cause::BrownOut => ResetCause::BrownOut,
        Cause::Watchdog => ResetCause::Watchdog,
    }
}
