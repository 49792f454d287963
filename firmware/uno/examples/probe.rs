//! A program that does what it is told, a byte at a time, so that a test can try
//! each part of the chip: see `tests/uno/chip.rs`.
//!
//! A command is a letter and its bytes; each is answered.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

use hearth_uno::{
    adc, clock, eeprom, identity, one_wire, pins, pwm, rest, serial, servo, start, watchdog,
};

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
        match next() {
            b'?' => answer(&[b'!']),
            b'c' => answer(&[cause as u8]),
            b'n' => answer(&id.to_le_bytes()),
            b'm' => answer(&clock::millis().to_le_bytes()),
            b'v' => answer(&serial::overruns().to_le_bytes()),
            b'b' => block(next()),
            b'y' => answer(&[u8::from(eeprom::is_busy())]),
            command => with_pin(command, next()),
        }
    }
}

fn with_pin(command: u8, pin: u8) {
    match command {
        b'i' => pins::input(pin, next() == 1),
        b'o' => pins::output(pin, next() == 1),
        b'r' => return answer(&[u8::from(pins::place(pin).read())]),
        b'a' => return answer(&adc::read(pin).to_le_bytes()),
        b'p' => pwm::set(pin, next()),
        b'P' => pwm::release(pin),
        b's' => servo::set(pin, next()),
        b'S' => servo::release(pin),
        b'e' => keep(u16::from(pin), next()),
        b'E' => return answer(&[eeprom::read(u16::from(pin))]),
        b'1' => return answer(&[u8::from(one_wire::reset(pin))]),
        b'w' => one_wire::write(pin, next()),
        b'R' => return answer(&[one_wire::read(pin)]),
        _ => return answer(b"-"),
    }
    answer(b"k");
}

fn keep(address: u16, byte: u8) {
    while !eeprom::write(address, byte) {}
}

/// Does nothing, not even interrupts, for so many milliseconds.
fn block(milliseconds: u8) {
    avr_device::interrupt::free(|_| {
        for _ in 0..milliseconds {
            avr_device::asm::delay_cycles(16_000);
        }
    });
    answer(b"k");
}

fn next() -> u8 {
    loop {
        watchdog::kick();
        if let Some(byte) = serial::receive() {
            return byte;
        }
        rest::until_something_happens();
    }
}

fn answer(bytes: &[u8]) {
    for byte in bytes {
        serial::send(*byte);
    }
}
